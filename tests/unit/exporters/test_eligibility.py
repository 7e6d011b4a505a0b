from collections.abc import Callable
from typing import Any, cast

import pytest

from headrace.curate.conversation import Conversation
from headrace.curate.pairs.member import BROKEN
from headrace.exporters.eligibility import DEFECTS, GATES, Finding, Seen, Standing, findings, judge
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.exporters.reason import ADVICE, advice
from headrace.lake.message import Body

Make = Callable[..., Conversation]
Known = Callable[..., Standing]
Talk = Callable[[], list[Body]]

IMAGE = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "u"}}]
TEXTS = [{"type": "text", "text": "My money"}, {"type": "text", "text": "back"}]
STRANGER = {"type": "function", "function": {"name": "lookup", "parameters": {}}}


def reason(found: Finding | None) -> str | None:
    return None if found is None else found.reason


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_plain_success_may_be_used_for_everything(
    episode: Make, standing: Known, objective: Objective
) -> None:
    assert judge(episode(), standing(), objective) is None


@pytest.mark.parametrize(
    ("edit", "expected"),
    [({"defects": (defect,)}, defect) for defect in (*DEFECTS, "unfinished", "failed_call")]
    + [
        ({"defects": ("truncated_value:tools",)}, "truncated_value"),
        ({"messages": [], "trainable": ()}, "no_content"),
        ({"tools": None}, "no_tool_definitions"),
        ({"tools": (STRANGER,)}, "call_to_unknown_tool"),
        ({"tools": ()}, "call_to_unknown_tool"),
        ({"trainable": (False,) * 5}, "no_trainable_turn"),
        ({"trainable": (False, True, False, True, False)}, "no_trainable_turn"),
        ({"finish_reason": "length"}, "unfinished"),
        ({"finish_reason": "stop"}, None),
        ({"resolution": "pending"}, "pending"),
        ({"resolution": "conflicting"}, "conflicting"),
        ({"resolution": "unmarked"}, "unmarked"),
        ({"resolution": "failure"}, "not_success"),
        ({"representative": False}, "duplicate"),
        ({"defects": ("no_usage", "cost_estimated", "late")}, None),
    ],
)
def test_each_edit_of_the_episode_has_its_reason(
    episode: Make, standing: Known, edit: dict[str, Any], expected: str | None
) -> None:
    found = judge(episode(**edit), standing(), "sft")
    assert reason(found) == expected


@pytest.mark.parametrize(
    ("edit", "expected", "because_of"),
    [
        ({"split": "test"}, None, None),
        ({"split": "eval"}, "eval_split", None),
        ({"split": None}, "not_curated", None),
        ({"decontaminated": False}, "not_curated", None),
        ({"contamination": "exact", "because_of": "c9"}, "contaminated:exact", "c9"),
        ({"contamination": "quarantined", "because_of": "e9"}, "quarantined", "e9"),
        ({"contamination": "eval_split"}, "eval_split", None),
        ({"contamination": "contaminated:grams"}, "contaminated:grams", None),
    ],
)
def test_each_decision_of_curation_has_its_reason(
    episode: Make,
    standing: Known,
    edit: dict[str, Any],
    expected: str | None,
    because_of: str | None,
) -> None:
    found = judge(episode(), standing(**edit), "sft")
    assert reason(found) == expected
    assert found is None or found.because_of == because_of


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda m, said, called: m[1:], None),
        (lambda m, said, called: m[2:], "role_order"),
        (lambda m, said, called: [m[0], *m], None),
        (lambda m, said, called: [*m[:2], said("system", "hm"), *m[2:]], "role_order"),
        (lambda m, said, called: [*m[:2], said("oracle", "hm"), *m[2:]], "role_order"),
        (lambda m, said, called: [m[0], said("user", IMAGE), *m[2:]], "media_unsupported"),
        (lambda m, said, called: [m[0], said("user", TEXTS), *m[2:]], None),
        (lambda m, said, called: [*m[:2], called("[1]"), *m[3:]], "arguments_not_object"),
        (lambda m, said, called: [*m[:2], called('{"a": 1'), *m[3:]], "arguments_not_object"),
        (lambda m, said, called: [*m[:2], called('{"a": NaN}'), *m[3:]], "arguments_not_object"),
        (lambda m, said, called: [*m[:2], called('{"a": 1e999}'), *m[3:]], "arguments_not_object"),
        (lambda m, said, called: [*m[:2], called("{}"), *m[3:]], None),
        (lambda m, said, called: [*m[:3], *m[4:]], "orphan_tool_call"),
        (lambda m, said, called: [*m[:2], *m[3:]], "orphan_tool_result"),
        (lambda m, said, called: [*m[:4], m[3], *m[4:]], "orphan_tool_result"),
        (lambda m, said, called: [*m[:3], said("tool", "ok"), *m[4:]], None),
        (lambda m, said, called: m[:3], None),
        (lambda m, said, called: [*m, said("user", IMAGE)], None),
        (lambda m, said, called: [*m, said("user", "thanks"), said("tool", "?")], None),
    ],
)
def test_the_messages_are_looked_at_up_to_the_last_trained_turn(
    episode: Make,
    standing: Known,
    talk: Talk,
    said: Callable[..., Body],
    called: Callable[..., Body],
    change: Callable[..., list[Body]],
    expected: str | None,
) -> None:
    edited = episode(messages=change(talk(), said, called))
    assert reason(judge(edited, standing(), "sft")) == expected


def test_an_object_as_arguments_is_no_json_text(
    episode: Make, standing: Known, talk: Talk, called: Callable[..., Body]
) -> None:
    messages = talk()
    messages[2] = called(cast(str, {"order_id": "A1"}))
    assert reason(judge(episode(messages=messages), standing(), "sft")) == "arguments_not_object"


@pytest.mark.parametrize("objective", ["kto", "dpo"])
def test_a_failure_is_no_waste(episode: Make, standing: Known, objective: Objective) -> None:
    assert judge(episode(resolution="failure"), standing(), objective) is None


@pytest.mark.parametrize("content", [None, "", " \n", [{"type": "text", "text": ""}]])
@pytest.mark.parametrize("objective", ["sft", "kto"])
def test_a_turn_that_says_nothing_is_not_imitated(
    episode: Make, standing: Known, said: Callable[..., Body], content: Any, objective: Objective
) -> None:
    silent = [said("user", "hi"), said("assistant", content, reasoning_content="hm")]
    found = reason(judge(episode(messages=silent), standing(), objective))
    assert found == ("empty_turn" if objective == "sft" else None)
    context = [*silent, said("user", "hello?"), said("assistant", "Hello")]
    marks = (False, False, False, True)
    assert judge(episode(messages=context, trainable=marks), standing(), objective) is None


def test_the_first_gate_that_fails_counts(episode: Make, standing: Known) -> None:
    broken = episode(tools=None, resolution="pending", representative=False)
    assert reason(judge(broken, standing(split="eval"), "sft")) == "no_tool_definitions"
    assert reason(judge(episode(resolution="pending"), standing(split="eval"), "sft")) == (
        "eval_split"
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_episode_with_personal_data_in_it_is_used_for_nothing(
    episode: Make, standing: Known, objective: Objective
) -> None:
    assert reason(judge(episode(scrubbed=False), standing(), objective)) == "not_scrubbed"
    waiting = episode(scrubbed=False, messages=[], trainable=())
    assert reason(judge(waiting, standing(split="eval"), objective)) == "not_scrubbed"


def test_a_duplicate_names_the_episode_that_stands_for_it(episode: Make, standing: Known) -> None:
    found = judge(episode(representative=False), standing(duplicate_of="e0"), "sft")
    assert found == Finding(reason="duplicate", because_of="e0")


def test_an_episode_without_tools_that_calls_none_is_fine(
    episode: Make, standing: Known, said: Callable[..., Body]
) -> None:
    chat = [said("user", "hi"), said("assistant", "hello")]
    assert judge(episode(messages=chat, tools=None), standing(), "sft") is None


def test_what_an_export_refuses_as_defective_is_in_no_pair() -> None:
    assert {*DEFECTS, "unfinished", "failed_call"} == set(BROKEN)


def test_what_is_held_back_to_review_is_not_exported(episode: Make, standing: Known) -> None:
    found = judge(episode(), standing(screened="injection"), "sft")
    assert reason(found) == "screened:injection"
    assert "headrace review" in advice("screened:injection")


def test_every_gate_reads_as_a_word_and_every_reason_has_advice() -> None:
    assert [gate.__name__ for gate in GATES] == [
        "scrubbed",
        "rightful",
        "asked_for",
        "whole",
        "in_order",
        "text_only",
        "tools_known",
        "on_this_side",
        "not_screened",
        "has_lesson",
        "outcome_known",
        "verifiable",
        "undecided",
        "single",
    ]
    assert set(DEFECTS) <= set(ADVICE)
    assert advice("contaminated:grams") == ADVICE["contaminated"]


FAULTS: list[dict[str, Any]] = [
    {"defects": ("content_hidden", "truncated_value:tools", "unfinished"), "tools": None},
    {"messages": [], "trainable": ()},
    {"resolution": "failure", "tools": (STRANGER,), "trainable": (False,) * 5},
    {"resolution": "pending", "representative": False},
    {"scrubbed": False, "resolution": "unmarked"},
    {},
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("place", [{}, {"split": "eval", "refused": ("filtered",)}], ids=str)
def test_all_reasons_are_known_and_the_first_one_counts(
    episode: Make, standing: Known, fault: dict[str, Any], place: dict[str, Any]
) -> None:
    seen: Seen = {}
    for objective in OBJECTIVES:
        found = list(findings(episode(**fault), standing(**place), objective))
        assert next(iter(found), None) == judge(episode(**fault), standing(**place), objective)
        assert list(findings(episode(**fault), standing(**place), objective, seen=seen)) == found


def test_an_episode_with_many_faults_has_all_their_reasons(episode: Make, standing: Known) -> None:
    one = episode(defects=("truncated_value", "content_hidden"), tools=None, resolution="pending")
    there = standing(split="eval", refused=("right_to_train", "filtered"), screened="injection")
    found = [one.reason for one in findings(one, there, "sft")]
    assert (
        found
        == (
            "right_to_train filtered content_hidden truncated_value no_tool_definitions eval_split "
            "screened:injection pending"
        ).split()
    )
