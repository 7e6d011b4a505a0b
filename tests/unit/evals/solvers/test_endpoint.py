"""An agent behind real HTTP: what is asked, what counts as an answer, and who is to blame."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from inspect_ai.solver import Generate, TaskState

from headrace.evals.errors import AgentUnusable
from headrace.evals.solvers import endpoint as endpoints
from headrace.evals.solvers.blame import Unmeasured
from headrace.evals.solvers.endpoint import endpoint
from headrace.evals.solvers.told import answered_in, failure_in

State = Callable[..., TaskState]
NOW: dict[str, str] = {"retry-after": "0"}


async def _never(*_: Any, **__: Any) -> TaskState:
    raise AssertionError("an agent needs no model")


def put(state: TaskState, server: Any, *answers: Any, key_env: str | None = None) -> TaskState:
    server.answers = answers
    never: Generate = _never
    return asyncio.run(endpoint(server.url, key_env)(state, never))


def test_the_agent_is_asked_with_messages_tools_and_which_case_it_is(
    state: State, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_KEY", "sesame")
    done = put(state(slice="easy"), server, (200, {"text": "Paris"}, {}), key_env="AGENT_KEY")
    [(path, headers, asked)] = server.asked
    assert (path, headers["Authorization"]) == ("/agent", "Bearer sesame")
    assert asked == {
        "messages": [{"role": "user", "content": "Where?"}],
        "tools": [],
        "metadata": {"case_id": "c1", "epoch": 2, "cluster": "acme", "slice": "easy"},
    }
    assert done.output.completion == done.messages[-1].text == "Paris"
    told = answered_in(done.metadata)
    assert told.latency_ms is not None and told.latency_ms > 0
    assert told.input_tokens is None


@pytest.mark.parametrize("status", [429, 500, 502, 503, 408])
def test_what_may_pass_is_tried_again(state: State, server: Any, status: int) -> None:
    done = put(state(), server, (status, "busy", NOW), (200, '"Paris"', {}))
    assert (done.output.completion, len(server.asked)) == ("Paris", 2)


def test_what_does_not_pass_is_not_measured(state: State, server: Any) -> None:
    with pytest.raises(Unmeasured, match="did not answer in 4 tries: HTTP 503 busy"):
        put(state(), server, (503, "busy", NOW))
    assert len(server.asked) == endpoints.TRIES


@pytest.mark.parametrize("status", [401, 403, 404, 405, 415, 402, 302])
def test_a_wrong_set_up_is_not_measured_and_not_tried_again(
    state: State, server: Any, status: int
) -> None:
    with pytest.raises(Unmeasured, match=f"HTTP {status}"):
        put(state(), server, (status, "no", {}))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (400, "cannot parse the question", {}),
        (422, "too long", {}),
        (200, {"error": "out of ideas"}, {}),
        (200, {"error": {"message": "out of ideas"}}, {}),
    ],
)
def test_a_question_that_the_product_refuses_is_its_failure(
    state: State, server: Any, answer: Any
) -> None:
    done = put(state(), server, answer)
    said = failure_in(done)
    assert said is not None and any(w in said for w in ("question", "long", "ideas"))


@pytest.mark.parametrize("body", ["<html>welcome</html>", "", '{"answer": "Paris"}', "7"])
def test_an_answer_that_nobody_can_read_is_not_measured(
    state: State, server: Any, body: str
) -> None:
    with pytest.raises(Unmeasured, match="agent"):
        put(state(), server, (200, body, {}))


def test_a_server_that_is_not_there_is_not_measured(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_: float) -> None:
        """No waiting in a test."""

    async def refused(*_: Any) -> Any:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr("headrace.evals.solvers.endpoint.anyio.sleep", at_once)
    monkeypatch.setattr(endpoints, "_post", refused)
    with pytest.raises(Unmeasured, match="4 tries: ConnectError: refused"):
        asyncio.run(endpoint("http://127.0.0.1/agent")(state(), _never))


@pytest.mark.parametrize(
    ("said", "turn", "least", "most"),
    [
        ("0", 0, 0, 0),
        ("7", 0, 7, 7),
        ("100000", 0, 60, 60),
        ("", 0, 1, 1),
        ("soon", 2, 4, 4),
        ("Tue, 01 Dec 1998 08:00:00 GMT", 0, 0, 0),
        ("Tue, 01 Dec 2998 08:00:00 GMT", 0, 60, 60),
    ],
)
def test_it_waits_as_long_as_the_server_asks_within_bounds(
    said: str, turn: int, least: float, most: float
) -> None:
    response = httpx.Response(503, headers={"retry-after": said} if said else {})
    assert least <= endpoints._wait(response, turn) <= most


@pytest.mark.parametrize(
    ("url", "key_env", "cure"),
    [
        ("http://", None, "http://HOST/PATH"),
        ("ftp://host/agent", None, "http://HOST/PATH"),
        ("http://me:secret@host/agent", None, "--api-key-env"),
        ("http://host/agent", "NOBODYS_KEY", "NOBODYS_KEY"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_before_the_run(
    url: str, key_env: str | None, cure: str
) -> None:
    with pytest.raises(AgentUnusable, match=cure) as refused:
        endpoint(url, key_env)
    assert "secret" not in str(refused.value)
