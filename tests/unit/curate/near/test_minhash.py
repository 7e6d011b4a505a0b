"""Signatures estimate the Jaccard index of n-grams; two libraries agree on it."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from xxhash import xxh3_64_intdigest

from headrace.curate.near import minhash, recipe
from headrace.curate.near.recipe import Library, Recipe
from headrace.curate.near.shingle import Shingles, Words
from headrace.curate.near.shingle import shingles as shingles_of


def shingles(texts: Sequence[Sequence[str]], gram: int) -> Shingles:
    return shingles_of(Words.of(map(" ".join, texts)), gram)


LIBRARIES: list[Library] = ["rensa-R2", "numpy-1"]


def words(random: Random, count: int) -> list[str]:
    return [f"w{random.randrange(5_000)}" for _ in range(count)]


def jaccard(one: list[str], other: list[str], gram: int) -> float:
    a, b = ({tuple(t[i : i + gram]) for i in range(len(t) - gram + 1)} for t in (one, other))
    return len(a & b) / len(a | b)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_share_of_equal_slots_estimates_the_jaccard_index(library: Library) -> None:
    """Over 300 pairs without bias; each within five standard errors."""
    random, told = Random(1), recipe.request(library)
    pairs = []
    for _ in range(300):
        text = words(random, 100)
        edited = text[: random.randrange(10, 100)] + words(random, random.randrange(60))
        pairs.append((text, edited))
    signed = minhash.signatures(shingles([t for pair in pairs for t in pair], told.gram), told)
    rows = np.arange(0, 600, 2)
    found = minhash.scores(signed, rows, rows + 1)
    true = np.array([jaccard(*pair, told.gram) for pair in pairs])
    error = np.sqrt(np.maximum(true * (1 - true), 1 / 120) / 120)
    assert abs((found - true).mean()) < 4 * error.mean() / np.sqrt(300)
    assert (abs(found - true) < 5 * error).all()


@pytest.mark.parametrize("library", LIBRARIES)
def test_order_repeats_and_company_do_not_count(library: Library) -> None:
    told = recipe.request(library)
    text = words(Random(2), 40)
    among = [words(Random(i), 12) for i in range(3, 9)]
    signed = minhash.signatures(shingles([text, *among, text + text[:10], text], 3), told)
    alone = minhash.signatures(shingles([text], 3), told)
    assert (signed[0] == alone[0]).all() and (signed[-1] == alone[0]).all()
    assert minhash.scores(signed, np.array([0]), np.array([7]))[0] > 0.9


@pytest.mark.parametrize("library", LIBRARIES)
def test_many_texts_are_signed_in_parts_alike(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [words(Random(i), 10 + i) for i in range(25)]
    told = recipe.request(library)
    whole = minhash.signatures(shingles(texts, 3), told)
    monkeypatch.setattr(minhash, "_AT_ONCE", 4)
    assert (minhash.signatures(shingles(texts, 3), told) == whole).all()


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_texts_have_no_signatures(library: Library) -> None:
    told = recipe.request(library)
    signed = minhash.signatures(shingles([], 3), told)
    assert signed.shape == (0, 120)
    assert minhash.band_keys(signed, told).shape == (0, 20)


def test_the_key_of_a_band_is_the_hash_of_its_six_slots() -> None:
    told = recipe.request("numpy-1")
    signed = minhash.signatures(shingles([words(Random(3), 20)], 3), told)
    keys = minhash.band_keys(signed, told)
    assert keys.shape == (1, 20)
    assert int(keys[0, 19]) == xxh3_64_intdigest(signed[0, 114:120].astype("<u4").tobytes())


@pytest.mark.parametrize(
    ("library", "first"),
    [
        ("rensa-R2", [3487149648, 3320992609, 3312809720]),
        ("numpy-1", [487971976, 377964536, 21717415]),
    ],
)
def test_signatures_are_what_they_were_when_stored(library: Library, first: list[int]) -> None:
    """Stored ones must stay comparable: a library that changes needs a new name in the recipe."""
    text = "please cancel the second order and send the money back".split()
    signed = minhash.signatures(shingles([text], 3), recipe.request(library))
    assert signed[0, :3].tolist() == first


def test_a_recipe_names_all_that_signatures_depend_on() -> None:
    assert recipe.request("rensa-R2").algo == "rensa-R2/w3/120/20/20261101"
    others = [
        recipe.request("numpy-1"),
        recipe.transcript("rensa-R2"),
        Recipe(gram=3, seed=1),
        Recipe(gram=3, slots=128, bands=16),
    ]
    assert len({told.algo for told in [recipe.request("rensa-R2"), *others]}) == 5


def test_numpy_stands_in_where_rensa_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert recipe.present() == "rensa-R2"
    monkeypatch.setattr(recipe, "find_spec", lambda name: None)
    assert recipe.present() == "numpy-1"
