import pytest

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.phone import PHONE, find


@pytest.mark.parametrize(
    "number",
    [
        "(415) 867-5309",
        "415-867-5309",
        "415.867.5309",
        "1-415-867-5309",
        "+1 415 867 5309",
        "+14158675309",
        "+44 20 7946 0018",
        "+49 (151) 23456789",
    ],
)
def test_a_number_is_found(number: str) -> None:
    text = f"ring {number}, please"
    assert [text[a:b] for a, b in find(text)] == [number]


@pytest.mark.parametrize(
    "text", ["phone: 4158675309", "Tel. 020 7946 0018", "my cell is 415 867 5309"]
)
def test_a_number_that_is_named_needs_no_form(text: str) -> None:
    assert len(list(find(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "order 4158675309",
        "call_4158675309",
        "A-415-867-5309",
        "1764547200",
        "415-555-0123",
        "+1 212 555 0199",
        "115-867-5309",
        "phone 2026-01-02 10:00",
        "415-867-53091",
        "9b2c415-867-5309",
    ],
)
def test_orders_ids_dates_and_fiction_stay(text: str) -> None:
    assert list(find(text)) == []


@pytest.mark.parametrize(
    "number, like",
    [
        ("(415) 867-5309", "(999) 999-9999"),
        ("+1 415 867 5309", "+9 999 999 9999"),
        ("4158675309", "9999999999"),
        ("+442079460018", "+99999999999"),
        ("020 7946 0018", "999-999-9999"),
    ],
)
def test_the_surrogate_is_fiction_in_the_form_of_the_number(number: str, like: str) -> None:
    fresh = PHONE.surrogate(number, Draw(b"\x55" * 32))
    assert "".join("9" if c.isdigit() else c for c in fresh) == like
    assert list(PHONE.typed(fresh)) == []


def test_the_country_code_of_north_america_does_not_make_another_number() -> None:
    assert PHONE.canonical("+1 (415) 867-5309") == PHONE.canonical("415.867.5309")
