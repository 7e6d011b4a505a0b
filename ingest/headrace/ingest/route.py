"""Routes that pass the gate and then hand the request over as it is."""

from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope

from headrace.ingest.gate import Caller, Gate
from headrace.ingest.key import Scope
from headrace.ingest.tally import Tally

Answer = Callable[[Request, Caller], Awaitable[Response]]
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
Refused = Callable[[Request, Exception], Awaitable[Response]]


class Application(FastAPI):
    """FastAPI with a lane for posts past its middleware, which would cost a third of an answer.

    An endpoint of the lane answers errors itself.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.lane: dict[str, Endpoint] = {}  # by path

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        posted = scope["type"] == "http" and scope["method"] == "POST"
        endpoint = self.lane.get(scope["path"]) if posted else None
        if endpoint is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


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


def unfailing(endpoint: Endpoint, refused: Refused) -> Endpoint:
    """The endpoint that answers its own errors."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:
            return await refused(request, error)

    return answered


def threaded(answer: Callable[[Request, Caller], Response]) -> Answer:
    """An answer that waits for the lake or the disk, given in a thread."""

    async def waited(request: Request, caller: Caller) -> Response:
        return await run_in_threadpool(answer, request, caller)

    waited.__name__, waited.__doc__ = answer.__name__, answer.__doc__
    return waited
