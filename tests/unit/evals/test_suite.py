"""Cases as Inspect's samples: what a log needs to name, group and score them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from inspect_ai.model import ChatMessageTool

from headrace.evals.errors import NothingToRun
from headrace.evals.registry import __all__ as registered
from headrace.evals.runs.setup import Setup
from headrace.evals.solvers.table import SOLVERS
from headrace.evals.suite import runnable, sample, task_of
from headrace.lake.record import Case
from headrace.lake.store import Lake

T0 = datetime(2026, 11, 1, 8, tzinfo=UTC)
ASK = {"role": "user", "content": "Paris?"}
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def case(name: str = "a", project: str = "p", *, target: Any = "yes", **more: Any) -> Case:
    question = {"messages": [ASK], "tools": None, **more.pop("question", {})}
    about = {"scorer": "match", "content_hash": "h", "added_at": T0, "suite": "s", **more}
    return Case(
        project=project,
        case_id=name,
        input=json.dumps(question),
        target=None if target is None else json.dumps(target),
        **about,
    )


@pytest.mark.parametrize(
    ("target", "given"),
    [("Paris", "Paris"), ("", ""), ("été", "été"), ([], "[]"), ([{"name": "look"}], None)],
)
def test_a_text_is_its_own_target_and_calls_are_their_json(target: Any, given: str | None) -> None:
    assert sample(case(target=target)).target == (json.dumps(target) if given is None else given)


def test_a_sample_carries_what_the_log_needs_to_score_and_group_it() -> None:
    found = sample(case(cluster="acme", slice="easy", question={"tools": [LOOK]}))
    assert (found.id, found.metadata) == (
        "a",
        {"cluster": "acme", "slice": "easy", "scorer": "match", "tools": [LOOK]},
    )


def test_a_case_without_a_cluster_is_its_own() -> None:
    assert (sample(case()).metadata or {})["cluster"] == "a"


def test_the_question_keeps_its_turns() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns = [
        ASK,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "found"},
    ]
    messages = sample(case(question={"messages": turns})).input
    assert [getattr(m, "role", None) for m in messages] == ["user", "assistant", "tool"]
    assert isinstance(messages[-1], ChatMessageTool) and messages[-1].function == "look"


def test_a_task_holds_every_case_under_the_name_of_its_suite() -> None:
    made = task_of([case("a"), case("b")])
    assert [item.id for item in made.dataset] == ["a", "b"]
    assert (made.name, made.dataset.name) == ("headrace/suite", "s")


def test_inspect_finds_the_suite_its_solvers_and_its_scorer() -> None:
    assert sorted(registered) == sorted([*SOLVERS, "case_scorer", "suite"])


def test_only_standing_cases_with_a_question_and_a_target_can_be_run(
    lake: Lake, project: str
) -> None:
    rows = [
        case("a", project),
        case("b", project, scorer="outcome"),
        case("c", project, scorer="their_scorer"),
        case("d", project, target=None),
        case("e", project, question={"messages": []}),
        case("f", project, retired_at=T0),
        case("g", project, suite="other"),
    ]
    lake.write(lambda tx: tx.append("cases", rows))
    assert [item.case_id for item in runnable(lake, project, "s")] == ["a"]


@pytest.mark.parametrize(
    ("setup", "runs"),
    [
        ({}, "ag"),
        ({"rubric": "Be kind."}, "agh"),
        ({"scorer": "includes"}, "ag"),
        ({"scorer": "graded"}, "ag"),
        ({"scorer": "graded", "rubric": "Be kind."}, "abgh"),
        ({"scorer": "some.module:scorer"}, "abgh"),
    ],
)
def test_what_can_be_run_hangs_on_what_the_scorer_needs(
    lake: Lake, project: str, setup: dict[str, Any], runs: str
) -> None:
    rows = [
        case("a", project),
        case("b", project, scorer="outcome", target=None),
        case("g", project, scorer="graded", target="says sorry"),
        case("h", project, scorer="graded", target=None),
    ]
    lake.write(lambda tx: tx.append("cases", rows))
    assert "".join(c.case_id for c in runnable(lake, project, "s", Setup(**setup))) == runs


def test_a_sample_carries_no_more_than_its_solver_needs() -> None:
    plain = sample(case()).metadata or {}
    asked = sample(case(), Setup(agent="some.module:agent")).metadata or {}
    calls = [{"name": "look", "arguments": "{}", "content": "found"}]
    replayed = sample(case(), Setup(solver="replay"), calls).metadata or {}
    assert asked.keys() - plain.keys() == {"messages"} and asked["messages"] == [ASK]
    assert replayed.keys() - plain.keys() == {"recorded"} and replayed["recorded"] == calls


def test_one_scorer_for_all_stands_in_every_sample() -> None:
    found = sample(case(), Setup(scorer="tool_calls:names,in_order")).metadata or {}
    assert found["scorer"] == "tool_calls:in_order,names"


def test_a_task_says_how_it_is_answered_unless_that_goes_without_saying() -> None:
    assert (task_of([case()]).metadata or {}).keys() == {"project", "suite"}
    told = task_of([case()], Setup(solver="replay", messages=9)).metadata or {}
    assert told["setup"] == {"solver": "replay", "messages": 9}


def test_a_suite_that_cannot_run_says_what_there_is_instead(lake: Lake, project: str) -> None:
    with pytest.raises(NothingToRun, match=r"no suite 's'; there are: none.*Grow it with"):
        runnable(lake, project, "s")
    rows = [case(n, project, suite="geo", scorer="outcome", target=None) for n in ("a", "b")]
    lake.write(lambda tx: tx.append("cases", rows))
    with pytest.raises(NothingToRun, match=r"no suite 's'; there are: geo \(2 cases\)"):
        runnable(lake, project, "s")
    with pytest.raises(NothingToRun, match=r"none of the 2 cases of suite 'geo' has a target"):
        runnable(lake, project, "geo")
