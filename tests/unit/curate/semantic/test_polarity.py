"""Opposite requests in nearly the same words are told apart by their words."""

import pytest

from headrace.curate.semantic.polarity import opposed

OPPOSITE = [
    ("please cancel my order <id>", "please do not cancel my order <id>"),
    ("i don't want you to cancel order <id>", "i want you to cancel order <id>"),
    ("raise the limit of my card to <num>", "lower the limit of my card to <num>"),
    ("don't raise my limit", "raise my limit"),
    ("turn the lights on", "turn the lights off"),
    ("enable two-factor login", "disable two-factor login"),
    ("add a bag to reservation <id>", "remove a bag from reservation <id>"),
    ("book the earliest flight", "book the latest flight"),
    ("never call me again", "call me again"),
    ("unsubscribe me from the newsletter", "subscribe me to the newsletter"),
]
ALIKE = [
    ("please cancel my order <id>", "i want to cancel the order <id>"),
    ("i don't want it any more, cancel my order", "cancel my order, please"),
    ("book a flight on <date>", "i need a flight"),
    ("do not raise my limit", "lower my limit"),
    ("turn it off and on again", "turn it on"),
    ("what is the weather?", "how is the weather?"),
    ("do not cancel my order", "please never cancel my order"),
]


@pytest.mark.parametrize(("one", "other"), OPPOSITE)
def test_opposites_are_opposed_both_ways(one: str, other: str) -> None:
    assert opposed(one, other)
    assert opposed(other, one)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_other_words_for_the_same_are_not_opposed(one: str, other: str) -> None:
    assert not opposed(one, other)
    assert not opposed(other, one)


def test_a_text_is_never_opposed_to_itself() -> None:
    assert not any(opposed(text, text) for pair in OPPOSITE + ALIKE for text in pair)
