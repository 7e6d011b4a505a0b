"""A model with the tools of the case, answered from the episode that the case comes from."""

from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import read_eval_log
from inspect_ai.model import get_model

from headrace.evals.run import run
from headrace.evals.runs.evaluation import Terms
from headrace.evals.runs.setup import Setup
from headrace.lake.message import digest, dump
from headrace.lake.record import Case

LOOK = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    },
}
ASK = {"role": "user", "content": "capital of FR?"}


def turn(arguments: str, name: str = "look") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    call = {"id": "c0", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def result(content: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "c0", "content": content}


@pytest.fixture
def recorded(product: Any) -> None:
    """An episode that looked twice, and a case that asks its question from the beginning."""
    episode = [
        ASK,
        turn('{"q": "FR"}'),
        result("busy"),
        turn('{"q":"FR"}'),
        result("it is Paris"),
        {"role": "assistant", "content": "Paris"},
    ]
    product.episode("e1", messages=episode, tools=[LOOK])
    question = dump({"messages": [ASK], "tools": [LOOK]})
    case = Case(
        project=product.project,
        suite="production",
        case_id="c1",
        input=question,
        target='"Paris"',
        scorer="match",
        content_hash=digest(question),
        added_at=product.now,
        origin_episode_id="e1",
    )
    product.lake.write(lambda tx: tx.append("cases", [case]))


def replayed(product: Any, tmp_path: Path, answers: Any, **setup: Any) -> Any:
    return run(
        product.lake,
        product.project,
        model=get_model("mockllm/model", custom_outputs=answers, memoize=False),
        release="v1",
        setup=Setup(solver="replay", **setup),
        terms=Terms(retries=0),
        log_dir=tmp_path / "logs",
        now=product.now,
    )


@pytest.mark.usefixtures("recorded")
def test_tools_answer_as_recorded_in_the_order_of_recording(
    product: Any, reply: Any, tmp_path: Path
) -> None:
    heard: list[str] = []

    def answers(messages: Any, tools: Any, *_: Any) -> Any:
        assert [tool.name for tool in tools] == ["look"]
        if messages[-1].role == "tool":
            heard.append(messages[-1].text)
        return reply("Paris") if len(heard) == 3 else reply(call=("look", {"q": "FR"}))

    ran = replayed(product, tmp_path, answers)
    assert heard == ["busy", "it is Paris", "it is Paris"]  # used up: the last one again
    assert (ran.scores, ran.mean, ran.failures) == (1, 1.0, {})
    [row] = product.scores()
    assert (row["input_tokens"], row["output_tokens"]) == (28, 12)  # of all four turns
    log = read_eval_log(ran.log_uri)
    assert [m.role for m in (log.samples or [])[0].messages] == [
        "user",
        *["assistant", "tool"] * 3,
        "assistant",
    ]


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("look", {"q": "DE"}), "look was never called with these arguments"),
        (("pay", {}), "pay was never called in the recording; tools that were: look"),
    ],
)
def test_a_call_that_nobody_recorded_gets_an_error_and_the_product_goes_on(
    product: Any, reply: Any, tmp_path: Path, call: Any, said: str
) -> None:
    errors: list[Any] = []

    def answers(messages: Any, *_: Any) -> Any:
        if messages[-1].role != "tool":
            return reply(call=call)
        errors.append(messages[-1].error)
        return reply("I do not know")

    ran = replayed(product, tmp_path, answers)
    assert said in errors[0].message
    assert (ran.absent, ran.mean) == (0, 0.0)
    assert ran.failures == {"1 tool calls were never recorded": 1}


@pytest.mark.usefixtures("recorded")
def test_a_model_that_never_stops_calling_scores_zero_and_says_why(
    product: Any, reply: Any, tmp_path: Path
) -> None:
    endless = replayed(product, tmp_path, lambda *_: reply(call=("look", {"q": "FR"})), messages=4)
    assert (endless.absent, endless.mean) == (0, 0.0)
    assert endless.failures == {"limit reached: message": 1}


@pytest.mark.usefixtures("recorded")
def test_a_replay_and_one_turn_are_two_configurations_with_one_scorer(
    product: Any, reply: Any, tmp_path: Path
) -> None:
    replayed(product, tmp_path, lambda *_: reply("Paris"))
    model = get_model("mockllm/model", custom_outputs=lambda *_: reply("Paris"), memoize=False)
    asked = {"release": "v1", "log_dir": tmp_path / "logs", "now": product.now}
    run(product.lake, product.project, model=model, **asked)
    rows = product.table("runs")
    assert len({row["config_hash"] for row in rows}) == 2
    assert len({row["judge_hash"] for row in rows}) == 1


def test_a_case_without_an_episode_has_no_recording(
    product: Any, reply: Any, tmp_path: Path
) -> None:
    question = dump({"messages": [ASK], "tools": [LOOK]})
    about = {"project": product.project, "suite": "production", "added_at": product.now}
    case = Case(
        case_id="c", input=question, target='"x"', scorer="match", content_hash="h", **about
    )
    product.lake.write(lambda tx: tx.append("cases", [case]))
    said: list[str] = []

    def answers(messages: Any, *_: Any) -> Any:
        if messages[-1].role != "tool":
            return reply(call=("look", {"q": "FR"}))
        said.append(messages[-1].text)
        return reply("x")

    assert replayed(product, tmp_path, answers).mean == 1.0
    assert "tools that were: none" in said[0]
