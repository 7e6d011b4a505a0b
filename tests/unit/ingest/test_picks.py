"""Expressions that pick fields: compiled once, proven on the first record, told by their option."""

from typing import Any

import pytest

from headrace.ingest.errors import BadPick, Undecodable
from headrace.ingest.picks import Picker, Picks

RECORD = {"talk": [{"role": "user"}], "meta": {"ok": True, "tags": ["a", "b"]}, "odd name": 1}


def picked(expression: str, record: Any = RECORD) -> Any:
    return Picker(Picks(messages="talk", id=expression)).pick(record)["id"]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("meta.ok", True),
        ("meta.tags[0]", "a"),
        ("meta.tags[-1]", "b"),
        ("meta.tags[9]", None),
        ("nothing.at.all", None),
        ('"odd name"', 1),
        ("join('-', meta.tags)", "a-b"),
        ("meta.missing || meta.ok", True),
        ("length(talk) > `0` && meta.ok", True),
        ("talk[].role | [0]", "user"),
        ("{a: meta.ok}", {"a": True}),
        ("@.meta.ok", True),
    ],
)
def test_an_expression_finds_a_value_or_nothing(expression: str, found: Any) -> None:
    assert picked(expression) == found


def test_only_what_was_asked_for_is_picked() -> None:
    assert Picker(Picks(messages="talk")).pick(RECORD) == {"messages": RECORD["talk"]}


@pytest.mark.parametrize(
    ("option", "name"), [("started_at", "--started-at"), ("messages", "--messages")]
)
@pytest.mark.parametrize("expression", ["", "a[", "a b", "'x", "a..b", "#", "`{"])
def test_an_invalid_expression_is_refused_under_its_option(
    option: str, name: str, expression: str
) -> None:
    with pytest.raises(BadPick, match=f"^{name} "):
        Picker(Picks(**{"messages": "talk", option: expression}))


@pytest.mark.parametrize(
    ("expression", "caret"), [("a b", 2), ("talk[", 5), ("meta.ok)", 7), ("a..b", 2)]
)
def test_a_refusal_points_at_the_place(expression: str, caret: int) -> None:
    with pytest.raises(BadPick) as refused:
        Picker(Picks(messages=expression))
    _, shown, pointer = str(refused.value).split("\n")
    assert (shown, pointer) == (expression, " " * caret + "^ here")


@pytest.mark.parametrize(
    "expression",
    ["gone", "gone.deeper", "gone[0]", "gone[].role", "gone | [0]", "gone[?ok].role"],
)
def test_a_first_record_without_the_field_names_those_there_are(expression: str) -> None:
    told = "no field 'gone'; there are: talk, meta, odd name"
    with pytest.raises(BadPick, match=f"--success .*{told}"):
        Picker(Picks(messages="talk", success=expression)).prove([RECORD])


@pytest.mark.parametrize(
    "expression",
    [
        "meta.gone",
        "gone || meta.ok",
        "length(talk)",
        "`1`",
        "@",
        "[meta]",
    ],
)
def test_what_computes_or_looks_deeper_is_not_held_against_the_first_record(
    expression: str,
) -> None:
    picker = Picker(Picks(messages="talk", success=expression))
    picker.prove([RECORD])
    assert picker.pick(RECORD)["messages"] == RECORD["talk"]


@pytest.mark.parametrize("expression", ["meta.gone", "talk[9]", "`null`"])
def test_messages_that_pick_nothing_are_refused(expression: str) -> None:
    with pytest.raises(BadPick, match="picks nothing on the first line; there are: talk"):
        Picker(Picks(messages=expression)).prove([RECORD])


def test_a_field_may_be_on_any_of_the_first_records() -> None:
    picker = Picker(Picks(messages="talk", success="solved"))
    picker.prove([RECORD, {"solved": True}])
    picker.prove([{"solved": None}, RECORD])
    with pytest.raises(BadPick, match="no field 'solved'; there are: talk, meta, odd name, a"):
        picker.prove([RECORD, {"a": 1}])
    with pytest.raises(BadPick, match="picks nothing on the first 2 lines"):
        picker.prove([{"talk": None, "solved": 1}, {}])


def test_messages_that_cannot_be_picked_are_the_fault_of_their_line() -> None:
    Picker(Picks(messages="sum(talk)")).prove([RECORD])


@pytest.mark.parametrize("expression", ["nofunction(talk)", "length()", "join(meta.tags)"])
def test_an_unknown_or_misused_function_is_refused_once_and_not_line_by_line(
    expression: str,
) -> None:
    with pytest.raises(BadPick, match="^--score "):
        Picker(Picks(messages="talk", score=expression)).prove([RECORD])


@pytest.mark.parametrize("expression", ["length(meta.ok)", "sum(meta.tags)", "abs('a')"])
def test_a_value_of_the_wrong_type_is_the_fault_of_its_line(expression: str) -> None:
    with pytest.raises(Undecodable, match="^--id: "):
        picked(expression)
