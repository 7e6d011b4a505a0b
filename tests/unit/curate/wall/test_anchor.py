"""Texts that are passed over share no gram with a case."""

from collections.abc import Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.wall.anchor import MOST, Anchors
from headrace.curate.wall.coverage import Grams
from headrace.curate.wall.item import Item
from headrace.lake.message import dump
from tests.unit.curate.conftest import user

WORDS = st.sampled_from(["refund", "my", "Order", "12", "7a", "cancel", "Ärger", "it", "please"])
TEXTS = st.lists(st.lists(WORDS, min_size=6, max_size=24).map(" ".join), min_size=1, max_size=3)


def cases(texts: Sequence[str]) -> list[Item]:
    return [Item.of(f"k{at}", [user(text)]) for at, text in enumerate(texts)]


@given(TEXTS, TEXTS, st.sampled_from([", ", "\n", " \u2019", '"']))
def test_a_text_that_is_passed_over_shares_no_gram(
    asked: list[str], texts: list[str], between: str
) -> None:
    items = cases(asked)
    anchors, grams = Anchors.of(items), Grams(items)
    for text in texts:
        said = text.upper().replace(" ", between)
        if anchors is not None and not anchors.in_body(dump({"content": said})):
            assert grams.shared([said]).is_empty()


def test_a_text_without_any_of_the_words_is_passed_over() -> None:
    [item] = cases(["please cancel the reservation that my colleague made for both of us"])
    anchors = Anchors.of([item])
    assert anchors is not None
    assert anchors.words < set(item.words)
    assert anchors.in_body('{"content":"RESERVATION AND COLLEAGUE"}')
    assert not anchors.in_body('{"content":"please, the one for us"}')


def test_words_in_other_letters_are_read() -> None:
    anchors = Anchors.of(cases(["please cancel the reservation that my colleague made"]))
    assert anchors is not None
    assert anchors.in_body('{"content":"ｒｅｓｅｒｖａｔｉｏｎ"}')


def test_cases_without_plain_words_let_no_text_be_passed_over() -> None:
    assert Anchors.of(cases(["請問明天早上八點從台北到高雄的高鐵還有沒有座位"])) is None


def test_short_cases_need_no_text_at_all() -> None:
    anchors = Anchors.of(cases(["refund my order"]))
    assert anchors is not None
    assert not anchors.in_body('{"content":"refund my order"}')


def test_many_cases_pass_over_nothing() -> None:
    words = ["".join(letters) for letters in product("abcdefgh", repeat=4)]
    long = " ".join(words[: 8 * MOST])
    assert Anchors.of(cases([long])) is not None
    assert Anchors.of(cases([long, " ".join(words[-40:])])) is None
