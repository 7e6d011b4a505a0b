"""Right or wrong: texts by their normal form, calls by names and parsed arguments."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.tool import ToolCall

from headrace.evals.errors import TargetUnusable
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.exact import exact
from headrace.evals.scorers.includes import includes
from headrace.evals.scorers.match import match
from headrace.evals.scorers.tool_calls import tool_calls


def text(said: str) -> Answer:
    return Answer(text=said)


def calling(*calls: tuple[str, dict[str, Any]], parse_error: str | None = None) -> Answer:
    made = [
        ToolCall(id=str(i), function=name, arguments=arguments, parse_error=parse_error)
        for i, (name, arguments) in enumerate(calls)
    ]
    return Answer(text="", calls=tuple(made))


def wanting(*calls: tuple[str, str]) -> str:
    return json.dumps([{"name": name, "arguments": arguments} for name, arguments in calls])


@pytest.mark.parametrize(
    ("grade", "answer", "target", "right"),
    [
        (exact, "Paris", "Paris", True),
        (exact, "paris", "Paris", False),
        (match, " PARIS\n", "paris", True),
        (match, "ﬁne", "fine", True),
        (match, "Paris.", "Paris", False),
        (includes, "It is Paris, France.", "paris", True),
        (includes, "It is Lyon.", "paris", False),
        (includes, "anything", "", False),
    ],
)
def test_texts_are_compared_as_their_scorer_says(
    grade: Any, answer: str, target: str, right: bool
) -> None:
    assert grade(text(answer), target) is right


def test_arguments_are_compared_parsed() -> None:
    target = wanting(("pay", '{"to": "a",  "amount": 1}'))
    assert tool_calls(calling(("pay", {"amount": 1.0, "to": "a"})), target)
    assert not tool_calls(calling(("pay", {"amount": 2, "to": "a"})), target)
    assert not tool_calls(calling(("refund", {"amount": 1, "to": "a"})), target)
    assert not tool_calls(calling(("pay", {"amount": "1", "to": "a"})), target)
    assert not tool_calls(calling(("pay", {"amount": True, "to": "a"})), target)


def test_a_call_too_many_or_too_few_is_wrong() -> None:
    target = wanting(("look", "{}"), ("look", "{}"))
    assert tool_calls(calling(("look", {}), ("look", {})), target)
    assert not tool_calls(calling(("look", {})), target)
    assert not tool_calls(calling(("look", {}), ("look", {}), ("look", {})), target)
    assert not tool_calls(text("I would look."), target)


def test_empty_arguments_are_no_arguments() -> None:
    assert tool_calls(calling(("look", {})), wanting(("look", "")))


def test_a_call_that_cannot_be_parsed_is_wrong() -> None:
    assert not tool_calls(calling(("look", {}), parse_error="no JSON"), wanting(("look", "{}")))


def test_no_answer_at_all_is_wrong() -> None:
    nothing = Answer(text="")
    assert not any(grade(nothing, "Paris") for grade in (exact, match, includes))
    assert not tool_calls(nothing, wanting(("look", "{}")))


_CALLS = st.lists(
    st.tuples(
        st.sampled_from(["look", "pay"]),
        st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2),
    ),
    min_size=1,
    max_size=4,
)


@given(_CALLS, st.randoms(use_true_random=False))
def test_parallel_calls_may_come_in_any_order(calls: list[Any], rng: Any) -> None:
    shuffled = rng.sample(calls, len(calls))
    target = wanting(*((name, json.dumps(arguments)) for name, arguments in calls))
    assert tool_calls(calling(*shuffled), target)
    assert not tool_calls(calling(*shuffled[1:]), target)


@pytest.mark.parametrize(
    ("said", "asked", "right"),
    [
        ('{"x": NaN}', '{"x": 1}', False),
        ('{"x": NaN}', '{"x": "nan"}', False),
        ('{"x": 1e999}', '{"x": 1}', False),
        ('{"x": -1e999}', '{"x": 1e999}', False),
        ('{"x": NaN}', '{"x": NaN}', True),
        ('{"x": [1.0, {"y": 2.0}]}', '{"x": [1, {"y": 2}]}', True),
        ('{"x": [1, 2]}', '{"x": [2, 1]}', False),
        ('{"x": null}', "{}", False),
        ('{"x": "1"}', '{"x": 1}', False),
        ('{"x": 0}', '{"x": false}', False),
        ('{"x": 9007199254740993}', '{"x": 9007199254740992}', False),
    ],
)
def test_an_argument_is_right_or_wrong_and_never_an_error(
    said: str, asked: str, right: bool
) -> None:
    """A scorer that raised would turn a failure of the product into a missing measurement."""
    assert tool_calls(calling(("pay", json.loads(said))), wanting(("pay", asked))) is right


def test_targets_may_hold_arguments_as_an_object_or_as_broken_text() -> None:
    as_object = json.dumps([{"name": "pay", "arguments": {"to": "a"}}])
    assert tool_calls(calling(("pay", {"to": "a"})), as_object)
    assert not tool_calls(calling(("pay", {"to": "a"})), wanting(("pay", '{"to": ')))


def test_no_calls_are_right_where_none_are_wanted() -> None:
    assert tool_calls(text("I need no tool."), "[]")
    assert not tool_calls(calling(("look", {})), "[]")


def test_calls_are_compared_as_often_as_they_were_made() -> None:
    target = wanting(("look", "{}"), ("pay", "{}"))
    assert not tool_calls(calling(("look", {}), ("look", {})), target)
    assert not tool_calls(calling(("pay", {}), ("pay", {})), target)


@settings(max_examples=80, deadline=None)
@given(said=st.text(max_size=20), form=st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_a_text_matches_itself_in_every_unicode_form_and_spacing(said: str, form: Any) -> None:
    other = f"\n {unicodedata.normalize(form, said)}\t"
    assert match(text(other), said)
    assert match(text(said), other)
    assert includes(text(f"so: {other} !"), said) is bool(said.split())


@settings(max_examples=80, deadline=None)
@given(said=st.text(max_size=8), target=st.text(max_size=8))
def test_a_stricter_scorer_never_passes_what_a_looser_one_fails(said: str, target: str) -> None:
    answer = text(said)
    if exact(answer, target):
        assert match(answer, target)
    if match(answer, target) and target.split():
        assert includes(answer, target)


def test_unicode_that_only_looks_alike_is_another_text() -> None:
    assert not match(text("Раris"), "Paris")  # Cyrillic first letters
    assert match(text("Ｐａｒｉｓ"), "Paris")  # full width is the same letters
    assert match(text("STRASSE"), "straße")


LOOK, PAY = ("look", {"q": 1}), ("pay", {"to": "a"})


@pytest.mark.parametrize(
    ("options", "made", "right"),
    [
        ({"names"}, [("look", {"q": 2}), PAY], True),
        ({"names"}, [PAY], False),
        ({"names"}, [PAY, PAY, LOOK], False),
        ({"in_order"}, [LOOK, PAY], True),
        ({"in_order"}, [PAY, LOOK], False),
        ({"more"}, [PAY, ("other", {}), LOOK], True),
        ({"more"}, [PAY, ("other", {})], False),
        ({"more", "in_order"}, [LOOK, ("other", {}), PAY], True),
        ({"more", "in_order"}, [PAY, LOOK], False),
        ({"names", "in_order"}, [("look", {}), ("pay", {})], True),
        ({"names", "in_order", "more"}, [("look", {}), ("look", {}), ("pay", {})], True),
    ],
)
def test_options_say_what_of_the_calls_matters(
    options: set[str], made: list[Any], right: bool
) -> None:
    target = json.dumps([{"name": name, "arguments": given} for name, given in (LOOK, PAY)])
    assert tool_calls(calling(*made), target, frozenset(options)) is right


def test_the_name_of_a_call_counts_even_where_its_arguments_are_broken() -> None:
    made = calling(("look", {}), parse_error="no JSON")
    assert tool_calls(made, wanting(("look", "{}")), frozenset({"names"}))


@pytest.mark.parametrize("target", ["", "Paris", "{}", '["look"]', '[{"arguments": "{}"}]', "null"])
def test_a_target_that_is_no_list_of_calls_is_the_fault_of_the_case(target: str) -> None:
    with pytest.raises(TargetUnusable, match="no list of calls"):
        tool_calls(calling(LOOK), target)
