"""Who leads whom: the nearest before, never an opposite, whatever the parts they come in."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.errors import RecipeMixError
from headrace.curate.semantic import leader
from headrace.curate.semantic.encoder import Encoder, Vectors
from headrace.curate.semantic.leader import LEAST, Leaders, Requests


def requests(vectors: Vectors, first: int = 0, texts: Sequence[str] | None = None) -> Requests:
    count = len(vectors)
    return Requests(
        recipe="r",
        ids=np.arange(first, first + count),
        texts=texts or [f"text {i}" for i in range(count)],
        vectors=vectors.astype(np.float16).astype(np.float32),
    )


def none(like: Requests) -> Leaders:
    return Leaders(like.part(0, 0))


def drawn(seed: int, count: int) -> Vectors:
    """Some meanings, each said in several ways."""
    chance = np.random.default_rng(seed)
    meanings = chance.normal(size=(max(count // 6, 1), 24))
    rows = (
        meanings[chance.integers(0, len(meanings), count)] + chance.normal(size=(count, 24)) * 0.7
    )
    units: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return units


def naive(new: Requests) -> list[int]:
    """One by one, in exact arithmetic."""
    exact = new.vectors.astype(np.float64)
    leaders: list[int] = []
    found = []
    for row in range(len(new)):
        near = [(float(exact[row] @ exact[at]), -at) for at in leaders]
        best = max((pair for pair in near if pair[0] >= LEAST), default=None)
        if best is None:
            leaders.append(row)
        found.append(row if best is None else -best[1])
    return found


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 120), block=st.integers(1, 50))
def test_blocks_give_what_one_by_one_gives(seed: int, count: int, block: int) -> None:
    new = requests(drawn(seed, count)) if count else requests(np.empty((0, 24), np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leader, "BLOCK", block)
        found, cosines = none(new).join(new)
    assert found.tolist() == naive(new)
    assert (cosines >= LEAST).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 90), max_size=4))
def test_nights_in_sequence_give_what_one_night_gives(seed: int, cuts: list[int]) -> None:
    new = requests(drawn(seed, 90))
    whole, _ = none(new).join(new)
    ends = [0, *sorted(cuts), 90]
    parts: list[int] = []
    for start, stop in zip(ends, ends[1:], strict=False):
        led = [i for i, leads in enumerate(parts) if leads == i]
        standing = Requests(
            recipe="r",
            ids=new.ids[led],
            texts=[new.texts[i] for i in led],
            vectors=new.vectors[led],
        )
        found, _ = Leaders(standing).join(new.part(start, stop))
        parts += found.tolist()
    assert parts == whole.tolist()


def test_leaders_never_move_whoever_comes_later() -> None:
    new = requests(drawn(5, 200))
    leaders = none(new)
    first, _ = leaders.join(new.part(0, 100))
    leaders.join(new.part(100, 200))
    again, _ = none(new).join(new.part(0, 100))
    assert first.tolist() == again.tolist()


def test_what_is_alike_does_not_chain_into_what_is_not() -> None:
    """Each is at .75 to the one before, but the third is far from the first."""
    turn = np.arccos(0.75)
    rows = np.array([[np.cos(i * turn), np.sin(i * turn)] for i in range(3)], np.float32)
    found, _ = none(requests(rows)).join(requests(rows))
    assert found.tolist() == [0, 0, 2]


def test_of_two_leaders_as_near_the_older_leads() -> None:
    rows = np.array([[1, 0], [0, 1], [0.75, 0.75]], np.float32)
    found, cosines = none(requests(rows)).join(requests(rows))
    assert found.tolist() == [0, 1, 0]
    assert cosines[2] == 0.75


def test_vectors_of_two_recipes_are_refused_by_one_index() -> None:
    rows = requests(drawn(1, 4))
    other = Requests(recipe="other", ids=rows.ids, texts=rows.texts, vectors=rows.vectors)
    with pytest.raises(RecipeMixError, match="'other' cannot be compared with those of 'r'"):
        Leaders(rows).join(other)


OPPOSITES = [
    ("please cancel my order <id>", "please do not cancel my order <id>"),
    ("raise the limit of my card to <num>", "lower the limit of my card to <num>"),
]


@pytest.mark.parametrize("pair", OPPOSITES)
def test_opposites_lead_each_for_themselves_however_near(
    encoder: Encoder, pair: tuple[str, str]
) -> None:
    new = requests(encoder.encode(pair), texts=pair)
    assert float(new.vectors[0] @ new.vectors[1]) > 0.96
    found, _ = none(new).join(new)
    assert found.tolist() == [0, 1]


def test_an_opposite_nearer_by_does_not_hide_the_one_that_means_the_same() -> None:
    texts = ["do not cancel it", "cancel it", "please cancel it"]
    rows = np.array([[1, 0], [0.8, 0.6], [1, 0.05]], np.float32)
    found, _ = none(requests(rows)).join(requests(rows, texts=texts))
    assert found.tolist() == [0, 1, 1]
