"""Routes that pass the gate and then hand the request over as it is."""

from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response

from headrace.ingest.gate import Caller, Gate
from headrace.ingest.key import Scope
from headrace.ingest.tally import Tally

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
        caller = await gate.admit(request, scope)
        return await answer(gate.metered(request, caller), caller)

    endpoint.__name__, endpoint.__doc__ = answer.__name__, answer.__doc__
    return endpoint


def tallied(endpoint: Endpoint, signal: str) -> Endpoint:
    """The endpoint that counts its answers, and the time to them; errors count where they end."""

    async def counted(request: Request) -> Response:
        begun = perf_counter()
        response = await endpoint(request)
        tally: Tally = request.app.state.receiver.tally
        tally.answered(signal, response.status_code, perf_counter() - begun)
        return response

    counted.__name__, counted.__doc__ = endpoint.__name__, endpoint.__doc__
    return counted


def threaded(answer: Callable[[Request, Caller], Response]) -> Answer:
    """An answer that waits for the lake or the disk, given in a thread."""

    async def waited(request: Request, caller: Caller) -> Response:
        return await run_in_threadpool(answer, request, caller)

    waited.__name__, waited.__doc__ = answer.__name__, answer.__doc__
    return waited
