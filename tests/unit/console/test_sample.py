import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headrace.console.sample import NEWEST, observed_tools, runs, tau2, taubench

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_the_bundled_taubench_runs_are_all_there_with_their_outcomes() -> None:
    found = list(taubench(NOW))
    outcomes = defaultdict(set)
    for run in found:
        outcomes[run.task].add(run.success)
    assert len(found) == 140
    assert sum(run.success for run in found) == 43
    assert len(outcomes) == 35
    assert sum(len(both) == 2 for both in outcomes.values()) == 17


def test_four_trials_are_told_as_four_releases_of_35_runs() -> None:
    found = [run.release for run in taubench(NOW)]
    assert {release: found.count(release) for release in found} == {
        "1.0": 35,
        "1.1": 35,
        "1.2": 35,
        "1.3": 35,
    }


def test_the_pair_before_and_after_has_the_same_tasks_in_both_releases() -> None:
    tasks = defaultdict(set)
    for run in tau2(NOW):
        tasks[run.release].add(run.task)
    assert len(tasks) == 2
    assert tasks["1-base"] == tasks["2-sft"]
    assert len(tasks["1-base"]) == 60


def test_every_run_has_a_name_of_its_own_that_is_a_trace_id() -> None:
    names = [run.run_id for run in runs(NOW)]
    assert len(set(names)) == len(names) == 260
    assert all(len(bytes.fromhex(name)) == 16 for name in names)


def test_releases_follow_each_other_and_the_newest_is_young() -> None:
    starts = defaultdict(list)
    for run in runs(NOW):
        starts[run.project, run.release].append(run.started_at)
    trials = [starts["taubench-airline", f"1.{i}"] for i in range(4)]
    assert all(max(a) < min(b) for a, b in zip(trials, trials[1:], strict=False))
    assert min(trials[3]) == NOW - NEWEST
    assert max(run.started_at for run in runs(NOW)) < NOW - timedelta(days=1)


def test_a_greeting_that_no_model_wrote_is_not_taken_for_generated() -> None:
    run = next(iter(tau2(NOW)))
    greeting = next(i for i, m in enumerate(run.messages) if m["role"] == "assistant")
    assert not run.generated[greeting]
    assert any(run.generated)


def test_tools_are_declared_as_the_calls_show_them() -> None:
    tools = {tool["name"]: tool["parameters"] for tool in observed_tools(list(taubench(NOW)))}
    properties = tools["book_reservation"]["properties"]
    assert properties["user_id"] == {"type": "string"}
    assert properties["flights"] == {"type": "array"}
    assert properties["total_baggages"] == {"type": "number"}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "boolean"),
        (7, "number"),
        (7.5, "number"),
        ("7", "string"),
        ([7], "array"),
        ({"a": 7}, "object"),
        (None, "string"),
    ],
)
def test_every_type_of_json_has_its_name(value: object, kind: str) -> None:
    function = {"name": "f", "arguments": json.dumps({"x": value})}
    asked = {"role": "assistant", "tool_calls": [{"id": "c", "function": function}]}
    run = msgspec.structs.replace(next(iter(taubench(NOW))), messages=(asked,), generated=(True,))
    [tool] = observed_tools([run])
    assert tool["parameters"]["properties"] == {"x": {"type": kind}}


def test_tools_are_by_name_whatever_the_order_of_the_runs() -> None:
    few = list(taubench(NOW))[:20]
    tools = observed_tools(few)
    assert [tool["name"] for tool in tools] == sorted(tool["name"] for tool in tools)
    assert {tool["name"] for tool in observed_tools(list(reversed(few)))} == {
        tool["name"] for tool in tools
    }
    assert observed_tools([]) == []


def test_another_now_moves_the_calendar_and_nothing_else() -> None:
    later = NOW + timedelta(days=400, hours=5)
    one, other = runs(NOW), runs(later)
    assert {b.started_at - a.started_at for a, b in zip(one, other, strict=True)} == {later - NOW}
    assert [msgspec.structs.replace(run, started_at=NOW) for run in one] == [
        msgspec.structs.replace(run, started_at=NOW) for run in other
    ]


def test_every_call_of_the_sample_is_answered_by_its_id() -> None:
    for run in runs(NOW):
        asked = {c["id"] for m in run.messages for c in m.get("tool_calls") or []}
        answered = {m["tool_call_id"] for m in run.messages if m["role"] == "tool"}
        assert answered <= asked
        assert len(run.generated) == len(run.messages)
