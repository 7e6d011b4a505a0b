import pytest

from headrace.curate.scrub.birth import BIRTH, find, typed
from headrace.curate.scrub.draw import Draw

FORMS = [
    "1985-03-25",
    "03/25/1985",
    "25.03.1985",
    "March 25, 1985",
    "25th of March 1985",
    "3/25/85",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_date_is_found_where_words_say_that_it_is_of_a_birth(form: str) -> None:
    for text in (f"DOB: {form}.", f"I was born on {form}, I think", f"date of birth {form}"):
        assert [text[a:b] for a, b in find(text)] == [form]
    assert list(find(f"it was shipped on {form}")) == []


@pytest.mark.parametrize("form", FORMS)
def test_one_date_in_two_forms_is_one_value(form: str) -> None:
    assert BIRTH.canonical(form) == "1985-03-25"


@pytest.mark.parametrize("form", [*FORMS, "1985-03-03", "2001-12-31T00:00:00Z"])
def test_the_surrogate_is_a_date_that_is_not_found_again(form: str) -> None:
    (span,) = typed(form)
    fresh = BIRTH.surrogate(form[slice(*span)], Draw(b"\x42" * 32))
    assert list(typed(fresh)) == []
    assert BIRTH.canonical(fresh) != BIRTH.canonical(form)


def test_all_forms_have_one_surrogate() -> None:
    fresh = {BIRTH.canonical(BIRTH.surrogate(form, Draw(b"\x42" * 32))) for form in FORMS}
    assert len(fresh) == 1
