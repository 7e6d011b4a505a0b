import hashlib
import hmac

import pytest

from headrace.curate.errors import ScrubKeyError
from headrace.curate.scrub.email import EMAIL
from headrace.curate.scrub.surrogates import Surrogates


def test_a_value_has_one_surrogate_under_a_key_and_another_under_another() -> None:
    ours, again, theirs = (Surrogates(bytes([n]) * 32) for n in (1, 1, 2))
    assert ours.of(EMAIL, "Jane@gmail.com") == again.of(EMAIL, "jane@gmail.com")
    assert ours.of(EMAIL, "jane@gmail.com") != theirs.of(EMAIL, "jane@gmail.com")
    assert ours.of(EMAIL, "jane@gmail.com") != ours.of(EMAIL, "joan@gmail.com")


def test_the_index_names_a_value_by_its_hmac_alone() -> None:
    key = b"k" * 32
    surrogates = Surrogates(key)
    fresh = surrogates.of(EMAIL, "Jane@gmail.com")
    name = hmac.new(key, b"email\0jane@gmail.com", hashlib.sha256).hexdigest()
    assert dict(surrogates.index) == {name: fresh}


def test_a_short_key_is_refused_with_the_cure() -> None:
    with pytest.raises(ScrubKeyError, match="key of 3 bytes .* give 16 random bytes or more"):
        Surrogates(b"abc")
