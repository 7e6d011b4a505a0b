"""A suite grows from production: one frozen case per request held out for evals."""

import json
from datetime import timedelta
from typing import Any

import pytest

from headrace.evals.case import build, cases
from headrace.evals.errors import NoEvalEpisodes
from headrace.evals.production import production
from headrace.lake.record import Span

ASK = {"role": "user", "content": "What is the capital of France?"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c0", "type": "function", "function": {"name": "look", "arguments": '{"q": "FR"}'}}
    ],
}
RESULT = {"role": "tool", "tool_call_id": "c0", "content": "Paris"}
FINAL = {"role": "assistant", "content": "It is Paris."}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


def only_case(product: Any) -> Any:
    build(product.lake, product.project, now=product.now)
    [case] = cases(product.lake, product.project, "production")
    return case


def test_a_success_with_tool_calls_asks_for_its_last_calls(product: Any) -> None:
    product.episode(
        "e1", messages=[ASK, CALL, RESULT, FINAL], tools=TOOLS, metadata={"slice": "geo"}
    )
    case = only_case(product)
    assert case.scorer == "tool_calls"
    assert json.loads(case.input) == {"messages": [ASK], "tools": TOOLS}
    assert json.loads(case.target) == [{"name": "look", "arguments": '{"q": "FR"}'}]
    assert (case.slice, case.cluster, case.origin_episode_id) == ("geo", "group-r1", "e1")


def test_a_success_without_tools_asks_for_its_last_trained_turn(product: Any) -> None:
    untrained = {"role": "assistant", "content": "Anything else?"}
    product.episode("e1", messages=[ASK, FINAL, untrained], trainable=[False, True, False])
    case = only_case(product)
    assert (case.scorer, json.loads(case.target)) == ("match", "It is Paris.")
    assert json.loads(case.input)["messages"] == [ASK]


def test_a_failure_alone_is_a_case_that_only_production_can_answer(product: Any) -> None:
    product.episode("e1", messages=[ASK, CALL, RESULT, FINAL], resolution="failure")
    case = only_case(product)
    assert (case.scorer, case.target) == ("outcome", None)
    assert json.loads(case.input)["messages"] == [ASK]


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("episode", "e1"),
        ("trace", "trace-e1"),
        ("conversation", "conversation-e1"),
        ("external", "ticket-7"),
        ("external", "ticket-8"),
    ],
)
def test_a_correction_tells_what_is_right(product: Any, kind: str, target: str) -> None:
    product.episode(
        "e1",
        resolution="failure",
        metadata={"external_id": "ticket-7", "external_ids": ["ticket-8"]},
    )
    product.correct(kind, target, {"role": "assistant", "content": "Lyon"})
    case = only_case(product)
    assert (case.scorer, json.loads(case.target)) == ("match", "Lyon")


@pytest.mark.parametrize("ids", ["ticket-8", 8, {"ticket": 8}])
def test_external_ids_that_are_no_list_stop_no_correction(product: Any, ids: object) -> None:
    product.episode("e1", resolution="failure", metadata={"external_ids": ids})
    product.episode("e2", resolution="failure", metadata={"external_ids": ["ticket-9"]})
    product.correct("external", "ticket-9", {"role": "assistant", "content": "Lyon"})
    assert json.loads(only_case(product).target) == "Lyon"


def test_a_corrected_call_stands_in_the_place_of_the_last_calls(product: Any) -> None:
    product.episode("e1", messages=[ASK, CALL, RESULT, FINAL], resolution="failure")
    right = {**CALL, "tool_calls": [{**CALL["tool_calls"][0]}]}  # type: ignore[index,dict-item]
    product.correct("episode", "e1", right)
    case = only_case(product)
    assert (case.scorer, json.loads(case.input)["messages"]) == ("tool_calls", [ASK])


def test_a_judge_does_not_correct(product: Any) -> None:
    product.episode("e1", resolution="failure")
    product.correct("episode", "e1", "Lyon", source="judge")
    assert only_case(product).scorer == "outcome"


def test_the_newest_success_is_chosen_before_any_failure(product: Any) -> None:
    product.episode("e1", messages=[ASK, {"role": "assistant", "content": "old"}])
    product.episode("e2", messages=[ASK, {"role": "assistant", "content": "new"}])
    product.episode("e3", resolution="failure")
    assert only_case(product).origin_episode_id == "e2"


def test_building_again_adds_only_new_requests_and_changes_nothing(product: Any) -> None:
    product.episode("e1")
    build(product.lake, product.project, now=product.now)
    before = product.table("cases")
    product.episode("e2", messages=[ASK, {"role": "assistant", "content": "better"}])
    product.episode("e3", request="r2", resolution="failure")
    later = product.now + timedelta(days=1)
    built = build(product.lake, product.project, now=later)
    assert (built.added, built.kept, built.retired) == (1, 1, 0)
    assert built.by_scorer == {"match": 1, "outcome": 1}
    assert [row for row in product.table("cases") if row["added_at"] == product.now] == before
    again = build(product.lake, product.project, now=later)
    assert (again.added, again.kept) == (0, 2)


def test_the_same_episodes_give_the_same_case_ids(product: Any) -> None:
    product.episode("e1")
    build(product.lake, product.project, suite="a", now=product.now)
    first = cases(product.lake, product.project, "a")
    product.delete("cases")
    build(product.lake, product.project, suite="a", now=product.now + timedelta(days=3))
    again = cases(product.lake, product.project, "a")
    assert [case.case_id for case in first] == [case.case_id for case in again]
    build(product.lake, product.project, suite="b", now=product.now)
    assert cases(product.lake, product.project, "b")[0].case_id != first[0].case_id


def test_only_root_episodes_of_the_eval_split_become_cases(product: Any) -> None:
    product.episode("e1")
    product.episode("e2", request="r2", split="train")
    product.episode("e3", request="r3", parent="e1")
    assert only_case(product).origin_episode_id == "e1"


def test_a_request_waits_until_something_is_known(product: Any) -> None:
    product.episode("e1", resolution="pending")
    built = build(product.lake, product.project, now=product.now)
    assert (built.added, built.waiting) == (0, 1)
    product.resolve("e1", "success")
    assert build(product.lake, product.project, now=product.now).added == 1


def test_requests_that_become_one_keep_the_older_case(product: Any) -> None:
    product.episode("e1")
    build(product.lake, product.project, now=product.now)
    product.episode("e2", request="r2")
    build(product.lake, product.project, now=product.now + timedelta(days=1))
    product.merge("r2", into="r1")
    built = build(product.lake, product.project, now=product.now + timedelta(days=2))
    assert (built.added, built.kept, built.retired) == (0, 1, 1)
    standing = [
        c for c in cases(product.lake, product.project, "production") if c.retired_at is None
    ]
    assert [case.origin_episode_id for case in standing] == ["e1"]


def test_a_case_outlives_the_id_of_its_episode(product: Any) -> None:
    product.episode("e1")
    build(product.lake, product.project, now=product.now)
    product.delete("episodes")
    product.delete("clusters")
    product.episode("e1-renamed")
    built = build(product.lake, product.project, now=product.now + timedelta(days=1))
    assert (built.added, built.kept, built.retired) == (0, 1, 0)
    [ran] = production(product.lake, product.project, now=product.now)
    assert (ran.cases, ran.scores) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "target"),
    [("span", "span-e1"), ("span", "agent"), ("response", "response-span-e1")],
)
def test_a_correction_of_a_span_reaches_the_call_under_it(
    product: Any, kind: str, target: str
) -> None:
    product.episode("e1", resolution="failure")
    known = {"project": product.project, "trace_id": "trace-e1", "received_at": product.now}
    agent = Span(span_id="agent", kind="agent", name="agent", **known)
    call = Span(
        span_id="span-e1",
        parent_span_id="agent",
        kind="llm",
        name="chat",
        response_id="response-span-e1",
        **known,
    )
    product.lake.write(lambda tx: tx.append("spans", [agent, call]))
    product.correct(kind, target, "Lyon")
    assert json.loads(only_case(product).target) == "Lyon"


def test_an_empty_eval_split_is_refused_with_the_cure(product: Any) -> None:
    product.episode("e1", split="train")
    with pytest.raises(NoEvalEpisodes, match="headrace nightly --project test_an_empty"):
        build(product.lake, product.project, now=product.now)
