"""Which episodes ask something anew that a scorer can score, and the rows that they make."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate.conversation import Conversation
from headrace.exporters.eligibility import Standing, judge
from headrace.exporters.reason import ADVICE
from headrace.exporters.row import ENOUGH, Rate
from headrace.exporters.selection import choose
from headrace.exporters.task import SHORT, Correction, question
from headrace.lake.message import Body

Make = Callable[..., Conversation]
Known = Callable[..., Standing]
Say = Callable[..., Body]

CHAT: Body = {"role": "user", "content": "Is A1 paid?"}


def call(name: str = "refund", arguments: str = '{"order_id": "B2"}') -> Body:
    function = {"name": name, "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c2", "type": "function", "function": function}],
    }


def told(message: Body, turn: int = 2) -> Correction:
    return Correction(turn=turn, message=message)


def reason(episode: Conversation, standing: Standing) -> str | None:
    found = judge(episode, standing, "rl")
    assert found is None or found.reason in ADVICE
    return None if found is None else found.reason


def test_a_success_that_called_tools_is_asked_for_its_last_calls(episode: Make) -> None:
    found = question(episode())
    assert found is not None
    assert found.scorer == "tool_calls" and len(found.messages) == 2
    assert found.target == [{"name": "refund", "arguments": '{"order_id": "A1"}'}]


def test_a_success_that_only_spoke_is_asked_for_its_last_answer(episode: Make, said: Say) -> None:
    found = question(episode(messages=[CHAT, said("assistant", "Yes")], tools=None))
    assert found is not None
    assert (found.messages, found.target, found.scorer) == ((CHAT,), "Yes", "match")


def test_a_failure_is_asked_for_what_a_person_said_in_its_place(episode: Make) -> None:
    failed = episode(resolution="failure")
    found = question(failed, told(call()))
    assert found is not None
    assert len(found.messages) == 2
    assert found.target == [{"name": "refund", "arguments": '{"order_id": "B2"}'}]
    last = question(failed, told({"role": "assistant", "content": "No"}, turn=4))
    assert last is not None
    assert (len(last.messages), last.target, last.scorer) == (4, "No", "match")


@pytest.mark.parametrize("turn", [-1, 0, 1, 3, 5])
def test_a_correction_of_what_is_no_turn_to_train_says_nothing(episode: Make, turn: int) -> None:
    assert question(episode(resolution="failure"), told(call(), turn)) is None


def test_a_correction_says_nothing_of_an_episode_that_is_no_failure(episode: Make) -> None:
    assert question(episode(), told(call())) == question(episode())
    assert question(episode(resolution="pending"), told(call())) is None


@pytest.mark.parametrize(
    ("edit", "known", "expected"),
    [
        ({}, {}, None),
        ({"resolution": "failure"}, {}, "no_reference"),
        ({"resolution": "unmarked"}, {}, "no_reference"),
        ({"resolution": "failure"}, {"correction": told(call())}, None),
        (
            {"resolution": "failure"},
            {"correction": told(call("search"))},
            "call_to_unknown_tool",
        ),
        (
            {"resolution": "failure"},
            {"correction": told(call(arguments="[1]"))},
            "arguments_not_object",
        ),
        ({}, {"rate": Rate(passed=ENOUGH, samples=ENOUGH)}, "pass_rate_edge"),
        ({}, {"rate": Rate(passed=1, samples=ENOUGH)}, None),
        ({}, {"rate": Rate(passed=1, samples=1)}, None),
        ({"representative": False}, {}, "duplicate"),
    ],
)
def test_each_edit_has_its_reason(
    episode: Make, standing: Known, edit: dict[str, Any], known: dict[str, Any], expected: str
) -> None:
    assert reason(episode(**edit), standing(**known)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Yes", None),
        ("x" * SHORT, None),
        ("x" * (SHORT + 1), "no_scorer"),
        (json.dumps({"reasons": ["x" * SHORT]}), None),
        (" " * SHORT + "1", "no_scorer"),
    ],
)
def test_prose_has_no_scorer_that_could_be_met(
    episode: Make, standing: Known, said: Say, answer: str, expected: str | None
) -> None:
    chat = episode(messages=[CHAT, said("assistant", answer)], tools=None)
    assert reason(chat, standing()) == expected


@pytest.mark.parametrize(
    "before",
    [
        [{"role": "system", "content": "Greet."}],
        [CHAT, {"role": "assistant", "content": "One moment."}],
    ],
)
def test_nothing_is_asked_where_nobody_waits_for_an_answer(
    episode: Make, standing: Known, said: Say, before: list[Body]
) -> None:
    spoken = episode(messages=[*before, said("assistant", "Yes")], tools=None)
    assert reason(spoken, standing()) == "nothing_asked"


def chosen(episodes: Sequence[Conversation], known: Standing) -> Any:
    return choose(episodes, {one.episode_id: known for one in episodes}, "rl")


def test_a_row_carries_how_often_its_request_was_answered_well(
    episode: Make, standing: Known
) -> None:
    rate = Rate(passed=2, samples=5, models=("big", "small"))
    [row] = chosen([episode()], standing(rate=rate)).rows
    assert (row.pass_rate, row.samples, row.policy) == (0.4, 5, "big, small")


def test_a_prompt_is_there_once_however_it_was_answered(
    episode: Make, standing: Known, said: Say
) -> None:
    answers = ["Yes", "No", "Yes", "Perhaps"]
    episodes = [
        episode(f"e{i}", messages=[CHAT, said("assistant", answer)], tools=None)
        for i, answer in enumerate(answers)
    ]
    found = chosen(episodes, standing())
    [row] = found.rows
    assert sum(found.drops.values()) == 3
    assert set(found.drops) <= {"same_task", "duplicate"}
    stands = {name: one.because_of for name, one in found.against.items()}
    for name in stands:
        while name in stands:
            name = stands[name]
        assert name in row.episode_ids


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    picks=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["Yes", "No"]), st.booleans()), max_size=8
    ),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_episodes_changes_nothing(
    episode: Make,
    standing: Known,
    said: Say,
    picks: list[tuple[str, str, bool]],
    order: Any,
) -> None:
    episodes = [
        episode(
            f"e{i}",
            messages=[said("user", asked), said("assistant", answer)],
            tools=None,
            resolution="success" if good else "failure",
        )
        for i, (asked, answer, good) in enumerate(picks)
    ]
    one = chosen(episodes, standing())
    order.shuffle(episodes)
    other = chosen(episodes, standing())
    assert (one.rows.entries, one.against) == (other.rows.entries, other.against)
    tasks = [row.task_id for row in one.rows]
    assert len(tasks) == len(set(tasks)) == len({a for a, _, good in picks if good})
    in_rows = {name for row in one.rows for name in row.episode_ids}
    assert in_rows == set(one.marks) and not in_rows & set(one.against)
