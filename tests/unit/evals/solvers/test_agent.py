"""An agent of one's own as a function: sync or async, and whose fault it is when it raises."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from inspect_ai.solver import Generate, TaskState
from inspect_ai.util import LimitExceededError

from headrace.evals.errors import AgentUnusable
from headrace.evals.solvers import agent as agents
from headrace.evals.solvers.agent import agent
from headrace.evals.solvers.blame import ProductFailed, Unmeasured
from headrace.evals.solvers.told import answered_in, failure_in

State = Callable[..., TaskState]


async def _never(*_: Any, **__: Any) -> TaskState:
    raise AssertionError("an agent needs no model")


def acting(act: Any, state: TaskState, monkeypatch: pytest.MonkeyPatch) -> TaskState:
    monkeypatch.setattr(agents, "named", lambda *_: act)
    never: Generate = _never
    return asyncio.run(agent("my.module:act")(state, never))


def test_functions_sync_and_async_are_agents_alike(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def plain(asked: Any) -> str:
        seen.append(asked)
        return "Paris"

    async def waiting(asked: Any) -> str:
        seen.append(asked)
        await asyncio.sleep(0)
        return "Paris"

    class Called:
        async def __call__(self, asked: Any) -> str:
            return await waiting(asked)

    for act in (plain, waiting, Called(), lambda asked: waiting(asked)):
        done = acting(act, state(), monkeypatch)
        assert (done.output.completion, failure_in(done)) == ("Paris", None)
        assert (answered_in(done.metadata).latency_ms or 0) > 0
    assert len(seen) == 4
    assert all(asked == seen[0] for asked in seen)
    assert seen[0]["metadata"]["case_id"] == "c1" and "target" not in str(seen[0])


def _http(status: int) -> Exception:
    request = httpx.Request("POST", "http://provider")
    response = httpx.Response(status, request=request)
    return httpx.HTTPStatusError(str(status), request=request, response=response)


class APIConnectionError(Exception):
    """As the SDKs of model providers call it, each in a class of its own."""


class RateLimited(Exception):
    status_code = 429


def _from(cause: Exception) -> Exception:
    try:
        raise RuntimeError("my agent failed") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        KeyError("answer"),
        AssertionError(),
        TimeoutError("my tool"),
        _http(400),
        _http(422),
        ProductFailed("no idea"),
        _from(ValueError("bad JSON")),
        SystemExit(2),
    ],
    ids=repr,
)
def test_what_an_agent_raises_is_its_own_failure(
    state: State, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def act(_: Any) -> str:
        raise error

    said = failure_in(acting(act, state(), monkeypatch))
    assert said is not None and type(error).__name__ in said


@pytest.mark.parametrize(
    "error",
    [
        _http(429),
        _http(503),
        _http(401),
        RateLimited("slow down"),
        APIConnectionError("reset"),
        httpx.ReadTimeout("slow"),
        ConnectionResetError("reset"),
        Unmeasured("the sandbox was down"),
        _from(_http(529)),
        ExceptionGroup("two", [ValueError("x"), _http(502)]),
    ],
    ids=repr,
)
def test_what_failed_beside_an_agent_is_not_measured(
    state: State, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def act(_: Any) -> str:
        raise error

    with pytest.raises(Unmeasured, match="not measured"):
        acting(act, state(), monkeypatch)


def test_a_product_that_says_it_failed_is_believed_whatever_else_went_wrong(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(_: Any) -> str:
        raise ProductFailed("gave up") from _http(503)

    assert failure_in(acting(act, state(), monkeypatch))


def test_a_limit_of_the_run_is_no_failure_to_explain_away(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(_: Any) -> str:
        raise LimitExceededError("token", value=2, limit=1)

    with pytest.raises(LimitExceededError):
        acting(act, state(), monkeypatch)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("agent", "no name of the form package.module:name"),
        (":agent", "no name of the form"),
        ("no_such_module_here:agent", "No module named"),
        ("json:no_such_function", "no attribute"),
        ("json:__name__", "no function"),
    ],
)
def test_a_name_that_is_no_agent_is_refused_before_the_run(name: str, why: str) -> None:
    with pytest.raises(AgentUnusable, match=why):
        agent(name)


def test_an_agent_is_found_in_the_current_folder(
    state: State, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_agent_of_this_test.py").write_text("def act(asked):\n    return 'Paris'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    done = asyncio.run(agent("my_agent_of_this_test:act")(state(), _never))
    assert done.output.completion == "Paris"
