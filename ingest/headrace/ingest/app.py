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

from headrace.ingest import answer, cors, naming, openapi, probes, refusal
from headrace.ingest.batch import Signal
from headrace.ingest.errors import Undecodable
from headrace.ingest.gate import Caller, Gate
from headrace.ingest.key import Scope
from headrace.ingest.log import Seldom
from headrace.ingest.lookup import Lookup
from headrace.ingest.receiver import Receiver
from headrace.ingest.route import (
    Answer,
    Application,
    Direct,
    Endpoint,
    guarded,
    tallied,
    threaded,
    unfailing,
)
from headrace.ingest.spool import Spool
from headrace.ingest.tally import SIGNALS, Tally
from headrace.ingest.works import alone, works
from headrace.lake.errors import HeadraceError
from headrace.lake.settings import Settings

if TYPE_CHECKING:
    from headrace.lake.store import Lake

log = structlog.get_logger("headrace.ingest")


def create_app(
    settings: Settings,
    spool: Spool | None = None,
    lake: "Lake | None" = None,
    gate: Gate | None = None,
    tally: Tally | None = None,
) -> FastAPI:
    """The application over a spool and a lake.

    Without a spool it holds the whole sidecar: lock, spool and drain live as long as it does.
    Without a lake the first question opens the one of `settings`. Raises BadKeys.
    """

    tally = tally or Tally()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.lookup = Lookup(settings, lake)
        if spool is not None:
            app.state.receiver = _receiving(spool, settings, tally)
            yield
        else:
            with alone(settings.home), works(settings, tally) as own:
                app.state.receiver = _receiving(own, settings, tally)
                yield
        app.state.lookup.close()

    app = Application(
        title="Headrace",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.gate = gate or Gate(settings)
    app.state.home = settings.home
    app.state.spool_bytes = settings.spool_bytes
    app.state.seldom = Seldom()
    _add_routes(app)
    if not settings.origins:  # or each answer needs the headers that the middleware adds
        app.lane |= {path: unfailing(_posting(path), refused) for path in LANE}
    cors.allow(app, settings.origins)
    for kind in (HeadraceError, TimeoutError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, refused)
    return app


def _receiving(spool: Spool, settings: Settings, tally: Tally) -> Receiver:
    return Receiver(
        spool,
        settings.body_bytes,
        tally,
        read_s=settings.read_timeout_s,
        strict=settings.strict_secrets,
    )


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
    trace_id = request.path_params["trace_id"].replace("-", "").lower()
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
    "/openapi.json": (openapi.describe, None),
}


LANE = [path for path in POSTS if "{" not in path]


def _posting(path: str) -> Endpoint:
    return tallied(guarded(POSTS[path], "ingest"), path.rpartition("/")[2])


def _add_routes(app: FastAPI) -> None:
    posts = [(path, "POST", _posting(path)) for path in POSTS]
    gets = [(path, "GET", guarded(reply, scope)) for path, (reply, scope) in GETS.items()]
    for path, method, endpoint in [*posts, *gets]:
        app.router.add_api_route(
            path,
            endpoint,
            methods=["GET", "HEAD"] if method == "GET" else [method],
            response_model=None,
            route_class_override=Direct,
        )


async def refused(request: Request, error: Exception) -> Response:
    """The answer to an error, counted by reason."""
    if isinstance(error, HTTPException):
        return _http_error(request, error)
    if isinstance(error, ClientDisconnect):  # nobody reads this
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    told = refusal.refusal_of(error, exporter=answer.is_otlp(request))
    _count_refusal(request, told)
    seldom: Seldom = request.app.state.seldom
    if (held := seldom.passes(told.reason)) is not None:
        kind, path = type(error).__name__, request.url.path
        log.warning("refused", reason=told.reason, path=path, error=kind, unsaid=held)
    detail = str(error) if isinstance(error, HeadraceError) else told.title
    return answer.refuse(request, told, detail)


def _http_error(request: Request, error: HTTPException) -> Response:
    told = refusal.Refusal(
        status=error.status_code,
        reason=HTTPStatus(error.status_code).name.lower(),
        title=HTTPStatus(error.status_code).phrase,
        cure="POST to /v1/traces, logs, metrics, episodes, outcomes; GET /v1/status, "
        "/v1/episodes/ID, /v1/traces/ID, /healthz, /readyz, /metrics, /openapi.json.",
        code=12,
    )
    _count_refusal(request, told)
    response = answer.refuse(request, told, f"{request.method} {request.url.path}")
    response.headers.update(error.headers or {})
    return response


def _count_refusal(request: Request, told: refusal.Refusal) -> None:
    tally = _receiver(request).tally
    tally.refused[told.reason] += 1
    signal = request.url.path.rpartition("/")[2]
    if request.method == "POST" and signal in SIGNALS:
        tally.answered(signal, told.status)


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
