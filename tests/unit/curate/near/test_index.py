"""The near-duplicate step: what it finds, what it must not, and that nights add up to a batch."""

from collections.abc import Mapping
from importlib.resources import files
from random import Random
from string import ascii_lowercase

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.errors import UnitOrderError
from headrace.curate.near import index, recipe
from headrace.curate.near.index import Index, Night, Signed, signatures_of
from headrace.curate.near.label import Clusters
from headrace.curate.near.recipe import Library
from headrace.curate.near.textunit import Units
from headrace.lake.message import Body
from headrace.lake.store import Transaction
from tests.unit.curate.conftest import result, said, system, user

Pairs = dict[tuple[int, int], float]


class Desk:
    """An index over the tables of a lake, on the engine alone; texts are numbered by the test."""

    def __init__(self, told: recipe.Recipe) -> None:
        self.recipe = told
        self.connection = duckdb.connect()
        self.connection.execute((files("headrace.lake") / "schema.sql").read_text("utf-8"))
        self.tx = Transaction(self.connection, {})
        self.units: set[int] = set()

    def add(self, texts: Mapping[int, str]) -> Night:
        self.units |= texts.keys()
        names = sorted(texts)
        long, signatures = signatures_of([texts[name] for name in names], self.recipe)
        ids = np.array([names[at] for at in long], dtype=np.int64)
        return Index(self.recipe, self.tx, "p").add(Signed(ids=ids, signatures=signatures))

    def clusters(self, method: str) -> dict[int, int]:
        units = np.array(sorted(self.units), dtype=np.int64)
        found = Clusters(self.tx, "p", method).of(units)
        return dict(zip(units.tolist(), found.tolist(), strict=True))


def made(told: recipe.Recipe | None = None) -> Desk:
    return Desk(told or recipe.request())


def pairs(night: Night) -> Pairs:
    return {(a, b): score for a, b, score in night.edges.iter_rows()}


def words(random: Random, count: int) -> list[str]:
    """Of 11,881,376, in letters alone: those with digits would be masked."""
    return ["".join(random.choices(ascii_lowercase, k=5)) for _ in range(count)]


def edited(random: Random, text: list[str], edits: int) -> list[str]:
    """A text with so many words replaced, dropped or put in."""
    text = list(text)
    for _ in range(edits):
        at = random.randrange(len(text))
        kind = random.randrange(3)
        text[at : at + (kind != 2)] = [] if kind == 1 else words(random, 1)
    return text


def jaccard(one: list[str], other: list[str]) -> float:
    a, b = ({tuple(t[i : i + 3]) for i in range(len(t) - 2)} for t in (one, other))
    return len(a & b) / len(a | b)


def transcripts(*episodes: list[Body]) -> dict[int, str]:
    found = {}
    for name, messages in enumerate(episodes):
        unit = Units.of(messages, [m["role"] == "assistant" for m in messages]).transcript
        assert unit is not None
        found[name] = unit.text
    return found


@pytest.mark.parametrize(("library", "least_recall"), [("rensa-R2", 0.97), ("numpy-1", 0.945)])
def test_planted_edits_are_found_and_strangers_are_not(
    library: Library, least_recall: float
) -> None:
    """Recall and precision against the exact Jaccard index.

    Independent slots would find .943 of these between .7 and .8; those of rensa vary less.
    """
    random = Random(5)
    bases = [words(random, random.randint(20, 130)) for _ in range(2_500)]
    texts, planted = list(bases), []
    for base in range(len(bases)):
        for _ in range(2):
            planted.append((base, len(texts)))
            texts.append(edited(random, bases[base], random.randint(1, 1 + len(bases[base]) // 12)))
    found = pairs(made(recipe.request(library)).add({i: " ".join(t) for i, t in enumerate(texts)}))
    truth = {pair: jaccard(texts[pair[0]], texts[pair[1]]) for pair in planted}

    def recall(least: float, below: float) -> float:
        wanted = [pair for pair, share in truth.items() if least <= share < below]
        assert len(wanted) > 300
        return sum(pair in found for pair in wanted) / len(wanted)

    assert recall(0.7, 0.8) >= least_recall
    assert recall(0.8, 0.9) >= 0.999

    def precision(score: float, least: float) -> float:
        kept = [pair for pair, share in found.items() if share >= score]
        return sum(jaccard(texts[a], texts[b]) >= least for a, b in kept) / len(kept)

    assert precision(0.65, 0.5) >= 0.999
    assert precision(0.75, 0.65) >= 0.99


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=4, max_size=14), min_size=2, max_size=30),
    st.lists(st.integers(0, 30), max_size=4),
)
def test_nights_in_sequence_equal_one_batch(told: list[list[str]], ends: list[int]) -> None:
    texts = {i: " ".join(text) for i, text in enumerate(told)}
    batch, nightly = made(), made()
    whole = pairs(batch.add(texts))
    cuts = [0, *sorted(ends), len(texts)]
    nights = [
        nightly.add({i: texts[i] for i in texts if start <= i < end})
        for start, end in zip(cuts, cuts[1:], strict=False)
    ]
    assert {k: v for night in nights for k, v in pairs(night).items()} == whole
    for method in ("near", "dup"):
        assert nightly.clusters(method) == batch.clusters(method)


def small(count: int = 60) -> Mapping[int, str]:
    random = Random(9)
    texts: list[list[str]] = []
    for at in range(count):
        text = edited(random, texts[-1], 1) if at % 3 else words(random, 40)
        texts.append(text)
    return {100 + i: " ".join(text) for i, text in enumerate(texts)}


def test_a_cluster_is_named_by_its_oldest_unit() -> None:
    found = made()
    found.add(small())
    assert set(found.clusters("near").values()) == set(range(100, 160, 3))


def test_an_older_unit_that_comes_late_is_refused() -> None:
    texts, found = small(), made()
    found.add({101: texts[101]})
    with pytest.raises(UnitOrderError, match="unit 100 is new but not above the stored unit 101"):
        found.add({100: texts[100], 102: texts[102]})


def test_projects_are_never_compared() -> None:
    texts, found = small(), made()
    first = found.add(texts)
    names = sorted(texts)
    _, signatures = signatures_of([texts[name] for name in names], found.recipe)
    again = Signed(ids=np.array(names, dtype=np.int64), signatures=signatures)
    other = Index(found.recipe, found.tx, "q").add(again)
    assert pairs(other) == pairs(first)


def test_near_joins_more_than_dup() -> None:
    random = Random(3)
    text = words(random, 90)
    close = text[:84] + words(random, 6)
    loose = text[:74] + words(random, 16)  # a Jaccard index of .69
    found = made()
    night = found.add({i: " ".join(t) for i, t in enumerate((text, close, loose))})
    assert found.clusters("near") == {0: 0, 1: 0, 2: 0}
    assert found.clusters("dup") == {0: 0, 1: 0, 2: 2}
    assert night.renamed["dup"].old.tolist() == [1]


def test_under_eight_words_there_is_no_near_step() -> None:
    found = made()
    night = found.add(
        {1: "one two three four five six seven", 2: "one two three four five six seven"}
    )
    assert (night.signed, len(night.edges)) == (0, 0)
    assert found.clusters("near") == {1: 1, 2: 2}
    eight = "one two three four five six seven eight"
    assert pairs(made().add({1: eight, 2: eight})) == {(1, 2): 1.0}


def test_a_text_without_spaces_has_words_too() -> None:
    assert (
        len(made().add({1: "明日東京駅へ行きたいです", 2: "明日東京駅へ行きたいです"}).edges) == 1
    )


def test_two_episodes_with_a_shared_system_prompt_of_500_words_are_strangers() -> None:
    random = Random(4)
    prompt = system(" ".join(words(random, 500)))
    talks = [
        [prompt, user(" ".join(words(random, 50))), said(" ".join(words(random, 50)))]
        for _ in range(2)
    ]
    assert len(made(recipe.transcript()).add(transcripts(*talks)).edges) == 0


def steps(random: Random, count: int) -> list[Body]:
    messages: list[Body] = [user(" ".join(words(random, 30)))]
    for step in range(count):
        messages.append(said(" ".join(words(random, 20)), (f"c{step}", "look", "{}")))
        messages.append(result(f"c{step}", " ".join(words(random, 20))))
    return messages


def test_a_loop_of_30_steps_is_one_document_that_joins_no_other() -> None:
    loops = [steps(Random(seed), 30) for seed in range(5)]
    night = made(recipe.transcript()).add(transcripts(*loops))
    assert (night.signed, len(night.edges)) == (5, 0)


def test_half_a_run_is_no_duplicate_of_the_whole_but_its_replay_is() -> None:
    whole, half = steps(Random(1), 30), steps(Random(1), 15)
    night = made(recipe.transcript()).add(transcripts(whole, half, [*whole, said("Done.")]))
    assert list(pairs(night)) == [(0, 2)]


def test_failed_then_succeeded_may_be_near_but_the_skeletons_differ() -> None:
    """What the outcome then keeps apart; see `duplicate`."""

    def run(answer: str) -> list[Body]:
        talk = steps(Random(2), 10)
        return [*talk, said(None, ("x", "pay", "{}")), result("x", answer)]

    failed, done = run("Error: declined"), run("paid")
    assert len(made(recipe.transcript()).add(transcripts(failed, done)).edges) == 1
    trainable = [m["role"] == "assistant" for m in failed]
    assert Units.of(failed, trainable).skeleton != Units.of(done, trainable).skeleton


def test_a_bucket_that_nobody_would_write_by_hand_is_told_as_a_template(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index, "HOT", 10)
    random, base = Random(6), words(Random(6), 100)
    found = made()
    first = found.add({i: " ".join(base + words(random, 3)) for i in range(8)})
    second = found.add({i: " ".join(base + words(random, 3)) for i in range(8, 14)})
    assert len(first.templates) == 0
    assert 0 in second.templates["oldest"]
    assert second.templates["units"].max() == 14
    assert second.candidates < sum(range(8, 14))  # a star in each bucket, not all pairs


def test_boilerplate_does_not_hide_two_alike() -> None:
    """Strangers that share half of their words are the oldest of the large buckets alone."""
    random, shared = Random(8), words(Random(8), 70)
    strangers = [shared + words(random, 30) for _ in range(300)]
    one = shared + words(random, 30)
    texts = [*strangers, one, edited(random, one, 2)]
    found = pairs(made().add({i: " ".join(t) for i, t in enumerate(texts)}))
    assert (300, 301) in found
