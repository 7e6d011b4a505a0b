"""The HTTP application of the sidecar."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from headrace.ingest import answer, naming, refusal
from headrace.ingest.batch import Signal
from headrace.ingest.errors import SpoolFailed, Undecodable
from headrace.ingest.host import addressed
from headrace.ingest.lookup import Lookup
from headrace.ingest.receiver import Receiver, project_of
from headrace.ingest.spool import Spool
from headrace.ingest.works import alone, works
from headrace.lake.errors import HeadraceError
from headrace.lake.settings import Settings
from headrace.lake.store import Lake

PROBE_S = 10.0

log = structlog.get_logger("headrace.ingest")


def create_app(settings: Settings, spool: Spool | None = None, lake: Lake | None = None) -> FastAPI:
    """The application over a spool and a lake.

    Without a spool it holds the whole sidecar: lock, spool and drain live as long as it does.
    Without a lake the first question opens the one of `settings`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.settings = settings
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
        dependencies=[Depends(addressed)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    _add_routes(app)
    for kind in (HeadraceError, TimeoutError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, refused)
    return app


def _add_routes(app: FastAPI) -> None:
    posts: dict[str, Callable[..., Any]] = {
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
    gets: dict[str, Callable[..., Any]] = {
        "/v1/episodes/{episode_id:path}": get_episode,
        "/v1/traces/{trace_id}": get_trace,
        "/v1/status": get_status,
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": metrics,
    }
    for path, handler in posts.items():
        app.add_api_route(path, handler, methods=["POST"], response_model=None)
    for path, handler in gets.items():
        app.add_api_route(path, handler, methods=["GET"], response_model=None)


async def post_traces(request: Request) -> Response:
    return await _exported(request, "traces")


async def post_logs(request: Request) -> Response:
    return await _exported(request, "logs")


async def post_metrics(request: Request) -> Response:
    """Taken and dropped, so that exporters that send metrics too see no error."""
    await _receiver(request).discard(request)
    if answer.media_type(request) == answer.PROTOBUF:
        return Response(b"", media_type=answer.PROTOBUF)
    return answer.document({})


async def post_episodes(request: Request) -> Response:
    return await _counted(request, "episodes")


async def post_outcomes(request: Request) -> Response:
    return await _counted(request, "outcomes")


def get_episode(request: Request, episode_id: str) -> Response:
    lookup: Lookup = request.app.state.lookup
    project = project_of(request)
    found = lookup.episode(episode_id, project) if naming.usable(episode_id) else None
    return _known(request, found, f"episode {episode_id!r}")


def get_trace(request: Request, trace_id: str) -> Response:
    lookup: Lookup = request.app.state.lookup
    found = lookup.trace(trace_id, project_of(request))
    return _known(request, found, f"trace {trace_id!r}")


def get_status(request: Request) -> Response:
    """Where the wheel stands; null is what cannot be told."""
    lookup: Lookup = request.app.state.lookup
    try:
        spool = _receiver(request).spool.depth(datetime.now(UTC))
    except SpoolFailed:
        spool = None
    behind = None if spool is None else spool.oldest_s or 0.0
    return answer.document({"spool": spool, "behind_s": behind, **lookup.facts()})


async def healthz(request: Request) -> Response:
    return answer.document({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Ready as long as a small write reaches the disk."""
    try:
        async with asyncio.timeout(PROBE_S):
            await asyncio.wrap_future(_receiver(request).spool.probe())
    except TimeoutError:
        raise SpoolFailed(f"the disk took more than {PROBE_S:g} s for a small write") from None
    return answer.document({"status": "ready"})


def metrics(request: Request) -> Response:
    """Prometheus text format 0.0.4."""
    receiver = _receiver(request)
    depth = receiver.spool.depth(datetime.now(UTC))
    accepted, refused = receiver.accepted.copy(), receiver.refused.copy()
    lines = [
        *_metric("headrace_spool_depth", "gauge", "Bodies that wait.", {"": depth.depth}),
        *_metric("headrace_spool_bytes", "gauge", "Bytes on disk.", {"": depth.bytes}),
        *_metric(
            "headrace_spool_oldest_seconds", "gauge", "Oldest body.", {"": depth.oldest_s or 0}
        ),
        *_metric(
            "headrace_bodies_accepted_total",
            "counter",
            "Bodies acknowledged.",
            {f'{{signal="{signal}"}}': count for signal, count in sorted(accepted.items())},
        ),
        *_metric(
            "headrace_bodies_refused_total",
            "counter",
            "Requests refused.",
            {f'{{reason="{reason}"}}': count for reason, count in sorted(refused.items())},
        ),
    ]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


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


async def _exported(request: Request, signal: Signal) -> Response:
    accepted = await _receiver(request).store(request, signal)
    return answer.exported(request, signal, accepted)


async def _counted(request: Request, signal: Signal) -> Response:
    accepted = await _receiver(request).store(request, signal)
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


def _metric(name: str, kind: str, about: str, values: dict[str, float]) -> list[str]:
    series = [f"{name}{labels} {value}" for labels, value in values.items()]
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *series]


def __getattr__(name: str) -> FastAPI:
    """`app`: built from the environment when a server asks for it, not at import."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return create_app(Settings.load())
