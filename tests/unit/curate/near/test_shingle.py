"""Word n-grams of many texts at once."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from headrace.curate import unit
from headrace.curate.near import shingle
from headrace.curate.near.shingle import Shingles, Words

TEXTS = st.lists(st.lists(st.sampled_from("abcd"), min_size=3, max_size=9), max_size=6)


def shingles(texts: Sequence[Sequence[str]], gram: int) -> Shingles:
    return shingle.shingles(Words.of(map(" ".join, texts)), gram)


@given(st.lists(st.text(max_size=12) | st.text("a B\t\x1c.é日\u2029\ud800", max_size=12)))
@example([])
@example(["", " ", "a  b ", "\x1c", "", "é日\u00a0x"])
def test_words_are_hashed_in_their_order_whatever_stands_between(texts: list[str]) -> None:
    found = Words.of(map(unit.spaced, texts))
    words = [unit.words(text) for text in texts]
    assert found.counts.tolist() == [len(text) for text in words]
    assert found.hashes.tolist() == [
        xxh3_64_intdigest(word.encode()) for text in words for word in text
    ]


def test_words_are_the_same_in_many_parts_or_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["to rome", "", "to paris from rome", "rome"]
    whole = Words.of(texts)
    monkeypatch.setattr(shingle, "CHARS", 1)
    assert Words.of(texts).hashes.tolist() == whole.hashes.tolist()
    assert Words.of(texts).counts.tolist() == whole.counts.tolist() == [2, 0, 4, 1]


def test_some_of_the_texts_keep_their_own_words() -> None:
    texts = ["to rome", "", "to paris from rome", "rome"]
    found, alone = Words.of(texts).at(np.array([0, 2])), Words.of([texts[0], texts[2]])
    assert found.hashes.tolist() == alone.hashes.tolist()
    assert found.counts.tolist() == alone.counts.tolist()


@given(TEXTS)
def test_each_window_of_each_text_has_one_hash_by_its_words_alone(texts: list[list[str]]) -> None:
    found = shingles(texts, 3)
    windows = [tuple(text[i : i + 3]) for text in texts for i in range(len(text) - 2)]
    hashes = found.hashes.tolist()
    assert len(hashes) == len(windows)
    assert len(set(zip(windows, hashes, strict=True))) == len(set(windows)) == len(set(hashes))
    assert found.offsets.tolist() == [
        sum(len(t) - 2 for t in texts[:i]) for i in range(len(texts) + 1)
    ]


def test_the_order_of_words_counts() -> None:
    found = shingles([["paris", "to", "rome"], ["rome", "to", "paris"]], 3)
    assert len(set(found.hashes.tolist())) == 2


def test_a_part_is_what_those_texts_alone_would_give() -> None:
    texts = [["a", "b", "c", "d"], ["e", "f", "g"], ["h", "i", "j", "k", "l"]]
    part, alone = shingles(texts, 3).part(1, 3), shingles(texts[1:], 3)
    assert part.hashes.tolist() == alone.hashes.tolist()
    assert part.offsets.tolist() == alone.offsets.tolist()


def test_a_text_too_short_for_one_gram_is_refused() -> None:
    with pytest.raises(ValueError, match="a text of 2 words has no 3-grams"):
        shingles([["a", "b", "c"], ["a", "b"]], 3)
