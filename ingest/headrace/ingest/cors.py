"""CORS: which web pages may send telemetry from a browser."""

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

METHODS = ("POST",)
HEADERS = (
    "authorization",
    "content-encoding",
    "content-type",
    "traceparent",
    "tracestate",
    "x-api-key",
    "x-headrace-project",
)
KEPT_S = 600  # a browser need not ask again for so long


class Preflight(CORSMiddleware):
    """Answers a browser's question before any gate: it carries no key.

    204 whatever was asked: the browser reads from the headers what it may do.
    """

    def preflight_response(self, request_headers: Headers) -> Response:
        told = super().preflight_response(request_headers).headers
        allowed = told.get("access-control-allow-origin")
        kept = {name: told[name] for name in told if name.startswith("access-control-")}
        headers = kept if allowed else {}
        return Response(status_code=204, headers={**headers, "vary": told["vary"]})


def allow(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Let pages of these origins post; without origins the application stays as it is."""
    if origins:
        app.add_middleware(
            Preflight,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=HEADERS,
            allow_private_network=True,  # a public page may ask for this machine's loopback
            expose_headers=("retry-after",),
            max_age=KEPT_S,
        )
