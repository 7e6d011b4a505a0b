import pytest

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.iban import IBAN, find, remainder

# the examples of the registry
KNOWN = [
    "DE89 3704 0044 0532 0130 00",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "NO93 8601 1117 947",
    "NL91ABNA0417164300",
]


@pytest.mark.parametrize("number", KNOWN)
def test_an_account_is_found_and_the_currency_behind_it_is_not(number: str) -> None:
    text = f"refund to {number} EUR 20"
    assert [text[a:b] for a, b in find(text)] == [number]


@pytest.mark.parametrize(
    "text", ["DE88370400440532013000", "XX89370400440532013000", "ADE89370400440532013000", "DE89"]
)
def test_what_the_check_does_not_confirm_stays(text: str) -> None:
    assert list(find(text)) == []


@pytest.mark.parametrize("number", KNOWN)
def test_the_surrogate_has_check_digits_of_its_own_and_is_not_found_again(number: str) -> None:
    fresh = IBAN.surrogate(number, Draw(b"\x9c" * 32))
    assert remainder(IBAN.canonical(fresh)) == 1
    assert fresh[:2] == number[:2] and len(fresh) == len(number) and fresh != number
    assert list(find(fresh)) == []
