"""What must hold of every kind, whatever it is."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.scrub.catalogue import KINDS, possible
from headrace.curate.scrub.draw import Draw

SAMPLES = {
    "email": ["jane.doe@gmail.com", "x%40web.de"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"],
    "card": ["4111 1111 1111 1111", "340000000000009"],
    "ssn": ["219-09-9999"],
    "phone": ["(415) 867-5309", "+14158675309", "+44 20 7946 0018"],
    "ip": ["81.2.69.142", "2a02:8070:ab1::7"],
    "birth": ["born 1985-03-25", "DOB: March 7, 1985"],
    "name": ["Jane O'Rourke", "JANE"],
    "address": ["12 Main St, Springfield"],
    "postcode": ["94110", "SW1A 1AA"],
}
EACH = [(kind, sample) for kind, samples in SAMPLES.items() for sample in samples]


def test_every_kind_has_samples_and_a_sentence() -> None:
    assert SAMPLES.keys() == KINDS.keys()
    assert all(kind.about and name == kind.name for name, kind in KINDS.items())


@pytest.mark.parametrize("kind, sample", EACH)
def test_a_text_that_holds_a_kind_passes_the_hints(kind: str, sample: str) -> None:
    own = KINDS[kind]
    assert bool(list(own.find(sample))) is (own.hint is not None)
    assert own.hint is None or own in possible(f"é {sample}")


@given(st.sampled_from(EACH), st.binary(min_size=32, max_size=32))
def test_no_surrogate_is_found_again(case: tuple[str, str], digest: bytes) -> None:
    kind, sample = KINDS[case[0]], case[1]
    for start, end in kind.typed(sample):
        fresh = sample[:start] + kind.surrogate(sample[start:end], Draw(digest)) + sample[end:]
        left = [span for own in KINDS.values() for span in own.find(fresh)]
        left += [span for span in kind.typed(fresh) if span[0] == start]
        assert left == []


@given(st.sampled_from(EACH), st.binary(min_size=32, max_size=32))
def test_every_form_of_a_surrogate_is_of_one_value(case: tuple[str, str], digest: bytes) -> None:
    kind, sample = KINDS[case[0]], case[1]
    for start, end in kind.typed(sample):
        written = sample[start:end]
        canonical = kind.surrogate(kind.canonical(written), Draw(digest))
        assert kind.canonical(kind.surrogate(written, Draw(digest))) == kind.canonical(canonical)


@given(st.text(max_size=200))
def test_detectors_take_any_text_and_stay_inside_it(text: str) -> None:
    for kind in KINDS.values():
        for spans in (kind.find(text), kind.typed(text)):
            assert all(0 <= start < end <= len(text) for start, end in spans)


def test_draws_are_spread_over_their_bound() -> None:
    rng = random.Random(5)
    drawn = [Draw(rng.randbytes(32)).below(10) for _ in range(2_000)]
    assert all(140 <= drawn.count(n) <= 260 for n in range(10))
