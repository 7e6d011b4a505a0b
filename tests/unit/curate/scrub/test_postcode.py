import pytest

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.postcode import POSTCODE


@pytest.mark.parametrize("code", ["94110", "94110-1234", "SW1A 1AA", "1010", "K1A 0B1"])
def test_the_surrogate_has_the_form_of_the_code_and_is_none(code: str) -> None:
    assert len(list(POSTCODE.typed(code))) == 1
    fresh = POSTCODE.surrogate(code, Draw(b"\x08" * 32))
    assert list(POSTCODE.typed(fresh)) == []
    assert [(c.isdigit(), c.isalpha()) for c in fresh] == [(c.isdigit(), c.isalpha()) for c in code]


@pytest.mark.parametrize("text", ["", "no", "unknown", "a code of five digits"])
def test_words_are_no_codes(text: str) -> None:
    assert list(POSTCODE.typed(text)) == []
