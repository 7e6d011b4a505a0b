"""The HTTP application of the sidecar."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from headrace.ingest import answer, naming, probes, refusal
from headrace.ingest.batch import Signal
from headrace.ingest.errors import Undecodable
from headrace.ingest.gate import Caller, Gate, Scope
from headrace.ingest.lookup import Lookup
from headrace.ingest.receiver import Receiver
from headrace.ingest.route import Answer, Direct, guarded, threaded
from headrace.ingest.spool import Spool
from headrace.ingest.works import alone, works
from headrace.lake.errors import HeadraceError
from headrace.lake.settings import Settings

if TYPE_CHECKING:
    from headrace.lake.store import Lake

log = structlog.get_logger("headrace.ingest")


def create_app(
    settings: Settings, spool: Spool | None = None, lake: "Lake | None" = None
) -> FastAPI:
    """The application over a spool and a lake.

    Without a spool it holds the whole sidecar: lock, spool and drain live as long as it does.
    Without a lake the first question opens the one of `settings`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.lookup = Lookup(settings, lake)
        if spool is not None:
            app.state.receiver = Receiver(spool, settings.body_bytes)
            yield
        else:
            with alone(settings.home), works(settings) as own:
                app.state.receiver = Receiver(own, settings.body_bytes)
                yield
        app.state.lookup.close()

    app = FastAPI(
        title="Headrace",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.gate = Gate(settings)
    _add_routes(app)
    for kind in (HeadraceError, TimeoutError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, refused)
    return app


async def post_traces(request: Request, caller: Caller) -> Response:
    return await _exported(request, caller, "traces")


async def post_logs(request: Request, caller: Caller) -> Response:
    return await _exported(request, caller, "logs")


async def post_metrics(request: Request, caller: Caller) -> Response:
    """Taken and dropped, so that exporters that send metrics too see no error."""
    await _receiver(request).discard(request)
    if answer.media_type(request) == answer.PROTOBUF:
        return Response(b"", media_type=answer.PROTOBUF)
    return answer.document({})


async def post_episodes(request: Request, caller: Caller) -> Response:
    return await _counted(request, caller, "episodes")


async def post_outcomes(request: Request, caller: Caller) -> Response:
    return await _counted(request, caller, "outcomes")


def get_episode(request: Request, caller: Caller) -> Response:
    lookup: Lookup = request.app.state.lookup
    name = request.path_params["episode_id"]
    found = lookup.episode(name, caller.project) if naming.usable(name) else None
    return _known(request, found, f"episode {name!r}")


def get_trace(request: Request, caller: Caller) -> Response:
    lookup: Lookup = request.app.state.lookup
    trace_id = request.path_params["trace_id"]
    found = lookup.trace(trace_id, caller.project)
    return _known(request, found, f"trace {trace_id!r}")


POSTS: Mapping[str, Answer] = {
    "/v1/traces": post_traces,
    "/v1/logs": post_logs,
    "/v1/metrics": post_metrics,
    "/v1/episodes": post_episodes,
    "/v1/outcomes": post_outcomes,
    # exporters for other backends keep their path and change the host
    "/{prefix:path}/v1/traces": post_traces,
    "/{prefix:path}/v1/logs": post_logs,
    "/{prefix:path}/v1/metrics": post_metrics,
}
GETS: Mapping[str, tuple[Answer, Scope | None]] = {
    "/v1/episodes/{episode_id:path}": (threaded(get_episode), "read"),
    "/v1/traces/{trace_id}": (threaded(get_trace), "read"),
    "/v1/status": (threaded(probes.status), "read"),
    "/healthz": (probes.healthz, None),
    "/readyz": (probes.readyz, None),
    "/metrics": (threaded(probes.metrics), "read"),
}


def _add_routes(app: FastAPI) -> None:
    routes: list[tuple[str, str, Answer, Scope | None]] = [
        (path, "POST", reply, "ingest") for path, reply in POSTS.items()
    ]
    routes += [(path, "GET", reply, scope) for path, (reply, scope) in GETS.items()]
    for path, method, reply, scope in routes:
        app.router.add_api_route(
            path,
            guarded(reply, scope),
            methods=[method],
            response_model=None,
            route_class_override=Direct,
        )


async def refused(request: Request, error: Exception) -> Response:
    """The answer to an error, counted by reason."""
    if isinstance(error, HTTPException):
        return _http_error(request, error)
    if isinstance(error, ClientDisconnect):  # nobody reads this
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    told = refusal.refusal_of(error)
    _receiver(request).refused[told.reason] += 1
    log.warning("refused", reason=told.reason, path=request.url.path, error=type(error).__name__)
    detail = str(error) if isinstance(error, HeadraceError) else told.title
    return answer.refuse(request, told, detail)


def _http_error(request: Request, error: HTTPException) -> Response:
    told = refusal.Refusal(
        status=error.status_code,
        reason=HTTPStatus(error.status_code).name.lower(),
        title=HTTPStatus(error.status_code).phrase,
        cure="POST to /v1/traces, logs, metrics, episodes, outcomes; GET /v1/status, "
        "/v1/episodes/ID, /v1/traces/ID, /healthz, /readyz, /metrics.",
        code=12,
    )
    response = answer.refuse(request, told, f"{request.method} {request.url.path}")
    response.headers.update(error.headers or {})
    return response


def _receiver(request: Request) -> Receiver:
    receiver: Receiver = request.app.state.receiver
    return receiver


async def _exported(request: Request, caller: Caller, signal: Signal) -> Response:
    accepted = await _receiver(request).store(request, caller, signal)
    return answer.exported(request, signal, accepted)


async def _counted(request: Request, caller: Caller, signal: Signal) -> Response:
    accepted = await _receiver(request).store(request, caller, signal)
    if not accepted.accepted:
        raise Undecodable(accepted.error or f"the body holds no {signal}: send at least one")
    return answer.counted(accepted)


def _known(request: Request, found: dict[str, Any] | None, what: str) -> Response:
    if found is not None:
        return answer.document(found)
    return answer.refuse(
        request,
        refusal.NOT_FOUND,
        f"the lake has no {what}: it may still be in the spool (GET /v1/status), or not be "
        "assembled yet (`headrace nightly` makes episodes of traces)",
    )


def __getattr__(name: str) -> FastAPI:
    """`app`: built from the environment when a server asks for it, not at import."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return create_app(Settings.load())
