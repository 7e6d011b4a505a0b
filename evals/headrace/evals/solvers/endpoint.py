"""The user's own agent behind HTTP: one POST per case."""

import os
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import anyio
import httpx
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import suspend_working_limit

from headrace.evals.errors import AgentUnusable
from headrace.evals.solvers.blame import ProductFailed, Unmeasured, is_outside_status, may_pass
from headrace.evals.solvers.reply import question_of, read, take
from headrace.evals.solvers.told import fail, timed

TRIES = 4
_CONNECT_S, _ANSWER_S = 10.0, 600.0
_LONGEST_WAIT_S = 60.0
_TEXT = 200  # characters of a body that a reason holds


@solver
def endpoint(url: str, key_env: str | None = None) -> Solver:
    """POST each case as JSON {"messages", "tools", "metadata"} to an address.

    429, 408 and 5xx are tried again, after `Retry-After` where it is said; then the score is
    absent. A refused question (400, 422 and the like) and `{"error": ...}` are the product's
    failure, a zero. Raises AgentUnusable.
    """
    headers = _headers(url, key_env)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        asked = question_of(state)
        try:
            response = await _answered(state, url, asked, headers)
            return take(state, read(_body(response), asked["messages"]))
        except ProductFailed as failed:
            return fail(state, str(failed))

    return solve


def _headers(url: str, key_env: str | None) -> dict[str, str]:
    said = httpx.URL(url)
    if said.scheme not in ("http", "https") or not said.host or said.userinfo:
        raise AgentUnusable(
            f"agent {said.host or url!r} is no address to post to: give http://HOST/PATH, and a "
            "key through --api-key-env, for the address stands in the log"
        )
    if key_env is None:
        return {}
    if key_env not in os.environ:
        raise AgentUnusable(f"the environment has no {key_env}, which should hold the agent's key")
    return {"Authorization": f"Bearer {os.environ[key_env]}"}


async def _answered(
    state: TaskState, url: str, asked: Mapping[str, Any], headers: Mapping[str, str]
) -> httpx.Response:
    """The first answer that stands. Raises Unmeasured, ProductFailed."""
    why = ""
    for turn in range(TRIES):
        try:
            with timed(state):
                response = await _post(url, asked, headers)
        except httpx.TransportError as error:
            wait, why = float(2**turn), f"{type(error).__name__}: {error}".rstrip(": ")
        else:
            if not may_pass(response.status_code):
                return response
            wait, why = _wait(response, turn), _told(response)
        if turn + 1 < TRIES:
            with suspend_working_limit():
                await anyio.sleep(wait)
    raise Unmeasured(f"the agent did not answer in {TRIES} tries: {why}")


async def _post(url: str, asked: Mapping[str, Any], headers: Mapping[str, str]) -> httpx.Response:
    timeout = httpx.Timeout(_ANSWER_S, connect=_CONNECT_S)
    async with httpx.AsyncClient(timeout=timeout, verify=_trusted(), headers=headers) as client:
        return await client.post(url, json=asked)


def _body(response: httpx.Response) -> Any:
    """The JSON of an answer. Raises ProductFailed, Unmeasured."""
    status = response.status_code
    if not 200 <= status < 300:
        blame = Unmeasured if is_outside_status(status) else ProductFailed
        raise blame(f"the agent answered {_told(response)}")
    try:
        return response.json()
    except ValueError as error:
        raise Unmeasured(f"the agent answered no JSON: {_told(response)}") from error


def _wait(response: httpx.Response, turn: int) -> float:
    """Seconds until the next try: what the server asks for, within bounds, else 1, 2, 4."""
    said = response.headers.get("retry-after", "").strip()
    if said.isdecimal():
        return min(float(said), _LONGEST_WAIT_S)
    try:
        left = (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return float(2**turn)
    return min(max(left, 0.0), _LONGEST_WAIT_S)


def _told(response: httpx.Response) -> str:
    return f"HTTP {response.status_code} {response.text[:_TEXT]}".strip()


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Made once: to read all certificates takes longer than many an answer."""
    return httpx.create_ssl_context()
