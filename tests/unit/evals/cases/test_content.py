"""What counts as the same question: content, not the ids and orders that every run makes anew."""

from typing import Any

import pytest

from headrace.evals.cases.content import content_hash, question_hash

CALL = {"id": "c1", "function": "look", "arguments": {"id": 7}}
ASKED: list[dict[str, Any]] = [
    {"id": "m1", "role": "system", "content": "be kind"},
    {"id": "m2", "role": "user", "content": "when?", "source": "input"},
    {"id": "m3", "role": "assistant", "content": "", "tool_calls": [CALL]},
]


def changed(place: int, **more: Any) -> list[dict[str, Any]]:
    return [{**turn, **more} if i == place else turn for i, turn in enumerate(ASKED)]


@pytest.mark.parametrize(
    "same",
    [
        changed(0, id="another"),
        changed(1, source="generate", metadata={"a": 1}),
        changed(1, content=[{"type": "text", "text": "when?"}]),
        changed(2, tool_calls=[{**CALL, "id": "c9"}]),
    ],
)
def test_ids_and_notes_of_messages_do_not_change_a_question(same: list[Any]) -> None:
    assert question_hash(same, "noon", None) == question_hash(ASKED, "noon", None)


@pytest.mark.parametrize(
    "other",
    [
        changed(1, content="where?"),
        changed(1, role="system"),
        changed(1, content=[{"type": "text", "text": "when?"}, {"type": "image", "image": "x"}]),
        changed(2, tool_calls=[{**CALL, "arguments": {"id": 8}}]),
        changed(2, tool_calls=[]),
        ASKED[:2],
        ASKED[::-1],
    ],
)
def test_what_is_said_changes_a_question(other: list[Any]) -> None:
    assert question_hash(other, "noon", None) != question_hash(ASKED, "noon", None)


def test_a_target_is_part_of_the_case() -> None:
    hashes = {question_hash("when?", target, None) for target in ("noon", "night", ["noon", "12"])}
    assert len(hashes) == 3
    assert question_hash("when?", ["noon"], None) == question_hash("when?", "noon", None)


def test_choices_that_are_shuffled_anew_in_every_run_are_the_same_case() -> None:
    first = question_hash("when?", "A", ["noon", "night"])
    assert question_hash("when?", "B", ["night", "noon"]) == first
    assert question_hash("when?", "B", ["noon", "night"]) != first  # another one is right
    assert question_hash("when?", "A", ["noon", "dawn"]) != first
    several = question_hash("when?", ["A", "C"], ["noon", "night", "dawn"])
    assert question_hash("when?", ["B", "A"], ["noon", "dawn", "night"]) == several


def test_a_target_that_names_no_choice_stays_what_it_is() -> None:
    assert question_hash("?", "Z", ["a", "b"]) != question_hash("?", "Y", ["a", "b"])
    assert question_hash("?", "a", ["a", "b"]) == question_hash("?", "A", ["a", "b"])


def test_beyond_what_every_version_of_inspect_keeps_nothing_is_compared() -> None:
    whole, cut = "x" * 9000, "x" * 5120 + "...\n(content truncated)"
    assert question_hash(whole, "t", None) == question_hash(cut, "t", None)
    asked = [{"role": "user", "content": whole}]
    assert question_hash(asked, "t", None) == question_hash(
        [{"role": "user", "content": cut}], "t", None
    )
    assert question_hash("y" + whole, "t", None) != question_hash(whole, "t", None)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_content_has_no_hash(nothing: object) -> None:
    assert content_hash(nothing) is None


@pytest.mark.parametrize(
    "value", ["é", "\ud800", 0, False, [], {"b": 1, "a": [None]}, float("nan"), 10**40]
)
def test_any_json_has_a_hash_of_32_digits(value: object) -> None:
    found = content_hash(value)
    assert found is not None and len(found) == 32 and int(found, 16) >= 0


def test_the_order_of_keys_is_no_content() -> None:
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    assert content_hash([1, 2]) != content_hash([2, 1])
