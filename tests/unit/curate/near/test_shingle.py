"""Word n-grams of many texts at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.near.shingle import shingles

TEXTS = st.lists(st.lists(st.sampled_from("abcd"), min_size=3, max_size=9), max_size=6)


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
