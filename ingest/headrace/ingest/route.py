"""Routes that pass the gate and then hand the request over as it is."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response

from headrace.ingest.gate import Caller, Gate, Scope

Answer = Callable[[Request, Caller], Awaitable[Response]]
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class Direct(APIRoute):
    """A route without FastAPI's parsing of parameters, which would cost as much as all the rest."""

    def __init__(self, path: str, endpoint: Endpoint, **given: Any) -> None:
        super().__init__(path, endpoint, **given)
        self.app = request_response(endpoint)


def guarded(answer: Answer, scope: Scope | None) -> Endpoint:
    """The endpoint that answers whoever the gate admits for a scope."""

    async def endpoint(request: Request) -> Response:
        gate: Gate = request.app.state.gate
        return await answer(request, await gate.admit(request, scope))

    endpoint.__name__, endpoint.__doc__ = answer.__name__, answer.__doc__
    return endpoint


def threaded(answer: Callable[[Request, Caller], Response]) -> Answer:
    """An answer that waits for the lake or the disk, given in a thread."""

    async def waited(request: Request, caller: Caller) -> Response:
        return await run_in_threadpool(answer, request, caller)

    waited.__name__, waited.__doc__ = answer.__name__, answer.__doc__
    return waited
