"""What is remembered: results by content, within a bound, and never an error."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.ingest.errors import Undecodable
from headrace.ingest.memo import Memo

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Work:
    """Tells a value and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, value: object, *rest: object) -> str:
        self.asked += 1
        return repr(value)


@pytest.fixture
def work() -> Work:
    return Work()


def test_equal_contents_are_worked_out_once_whatever_else_is_told(work: Work) -> None:
    memo = Memo(work)
    first = memo({"a": ["x" * 20]}, "messages[0]")
    assert memo({"a": ["".join(["x"] * 20)]}, "messages[1]") is first
    assert work.asked == 1


@given(st.lists(JSON, max_size=6))
def test_a_memo_answers_as_the_function_does(values: list[object]) -> None:
    memo = Memo(repr, most_bytes=200)
    assert [memo(value) for value in values * 2] == [repr(value) for value in values * 2]


@pytest.mark.parametrize(
    "values",
    [
        (1, 1.0, True),
        (0.0, -0.0, False),
        (None, math.nan, math.inf, -math.inf),
        ("", b"", [], {}, ()),
        ("1", 1, ["1"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ("\ud800", "\ud801", "\ufffd"),
    ],
    ids=["one", "zero", "none", "empty", "text", "order", "halves"],
)
def test_contents_that_compare_equal_or_look_alike_are_kept_apart(
    values: tuple[object, ...], work: Work
) -> None:
    memo = Memo(work)
    assert [memo(value) for value in values] == [repr(value) for value in values]
    assert work.asked == len(values)


def test_an_error_is_told_anew_each_time() -> None:
    def refuse(value: object, where: str) -> None:
        raise Undecodable(f"{where} is wrong")

    memo: Memo[None] = Memo(refuse)
    for where in ("messages[0]", "messages[7]"):
        with pytest.raises(Undecodable, match=rf"messages\[{where[-2]}\] is wrong"):
            memo({}, where)


def test_what_no_content_names_is_worked_out_each_time(work: Work) -> None:
    memo = Memo(work)
    strange = {"at": object()}
    assert memo(strange) == memo(strange) == repr(strange)
    assert work.asked == 2


def nested(depth: int) -> object:
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


def test_what_is_too_deep_to_be_named_is_worked_out_each_time() -> None:
    memo = Memo(lambda value: len(value))
    assert [memo(nested(5000)), memo(nested(5000))] == [1, 1]


def entries(memo: "Memo[str]") -> int:
    return len(memo._young) + len(memo._old)


@pytest.mark.parametrize("size", [10, 1000, 100_000], ids=str)
def test_the_room_is_bounded_in_bytes(size: int, work: Work) -> None:
    memo = Memo(work, most_bytes=20_000)
    for number in range(500):
        memo(f"{number:0{size}d}")
    held = sum(len(content) for kept in (memo._young, memo._old) for content in kept)
    assert held <= 2 * 20_000
    assert entries(memo) > 0 or size * 8 > 20_000


@pytest.mark.parametrize("make", [str, lambda number: [number]], ids=["text", "list"])
def test_what_is_asked_for_again_outlasts_what_is_not(
    make: Callable[[int], object], work: Work
) -> None:
    memo = Memo(work, most_bytes=2000)
    for number in range(5000):
        memo("the system prompt")
        memo(make(number))
    assert work.asked == 5001
