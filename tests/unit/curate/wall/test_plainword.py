"""Words read as columns are the words of `unit.words`."""

import string
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from headrace.curate import unit
from headrace.curate.wall import plainword

TEXTS = st.lists(st.text(alphabet=string.printable + "\x00\x1c\x7f", max_size=30), max_size=8)


@given(TEXTS, st.sampled_from([5, 40, 2**21]))
def test_equal_words_have_equal_hashes_and_others_others(texts: list[str], block: int) -> None:
    before, plainword.BLOCK = plainword.BLOCK, block
    try:
        found = list(plainword.read(texts))
    finally:
        plainword.BLOCK = before
    told = [unit.words(text) for text in texts]
    words = [word for each in told for word in each]
    hashes = [name for part in found for name in part.hashes.tolist()]
    assert len(hashes) == len(words)
    assert len(set(zip(words, hashes, strict=True))) == len(set(words)) == len(set(hashes))
    numbered = [flag for part in found for flag in part.numbered.tolist()]
    assert numbered == [any(map(str.isdigit, word)) for word in words]
    counts = [b - a for part in found for a, b in zip([0, *part.ends], part.ends, strict=False)]
    assert counts == [len(each) for each in told]


def test_a_word_has_one_hash_wherever_it_stands() -> None:
    [found] = plainword.read(["Refund refund", "x " * 1_000 + "REFUND"])
    hashes = found.hashes.tolist()
    assert hashes[0] == hashes[1] == hashes[-1]
    assert [len(list(run)) for _, run in groupby(hashes)] == [2, 1_000, 1]
