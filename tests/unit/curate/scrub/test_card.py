import pytest

from headrace.curate.scrub.card import CARD, find, luhn
from headrace.curate.scrub.draw import Draw


@pytest.mark.parametrize(
    "number",
    ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "3400 000000 00009"],
)
def test_a_number_of_an_issuer_with_its_check_digit_is_found(number: str) -> None:
    text = f"paid with {number}, thanks"
    assert [text[a:b] for a, b in find(text)] == [number]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # check digit
        "1764547200000",  # milliseconds
        "9111111111111117",  # of no issuer
        "ORD-4111111111111111",
        "x4111111111111111",
        "0.4111111111111111",
        "41111111 11111111",  # grouped as no card is
        "4242424242424242",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert list(find(text)) == []


def test_a_slip_does_not_save_a_number_whose_key_says_that_it_is_a_card() -> None:
    assert list(CARD.typed("4111 1111 1111 1112")) == [(0, 19)]


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "340000000000009", "4000000000006"])
def test_the_surrogate_passes_the_same_checks_in_the_same_groups(number: str) -> None:
    fresh = CARD.surrogate(number, Draw(b"\x07" * 32))
    assert luhn(CARD.canonical(fresh)) and fresh != number
    assert [c.isdigit() for c in fresh] == [c.isdigit() for c in number]
