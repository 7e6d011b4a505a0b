"""Near duplicates, found how fast and how well: `python benchmarks/near.py [--texts 10000 50000]`.

Texts of 75 words on average, 36 % of them edits of others, a third with one of 20 boilerplates.
Each method runs in a process of its own: CPU of all its threads, and the memory it needs beyond
texts and libraries. Recall: planted pairs that are an edge, by the exact Jaccard index of their
word 3-grams. Precision: edges with an index of at least .5; `dup`: edges of score .75 with at least
.7. `ratio`: texts a CPU second against datasketch in the same run.

Needs `pip install --group bench`; a method that cannot run says why.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from itertools import pairwise

import msgspec
import numpy as np
from planted import Planted, jaccard, planted
from rich.console import Console
from rich.table import Table

SIZES = (10_000, 50_000, 200_000)
BANDS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0001)
LEAST, DUPLICATE = 0.65, 0.75
NIGHT = 20_000  # texts at once
BASELINE = "datasketch, 20 x 6"

Edges = dict[tuple[int, int], float]
Method = Callable[[Sequence[str]], Edges]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one method did with one number of texts."""

    cpu_s: float
    peak_mib: float  # beyond texts and libraries
    recall: tuple[float, ...]  # by band of the Jaccard index
    precision: float | None  # None: it found nothing
    dup_precision: float | None


def ours(library: str) -> Method:
    def find(texts: Sequence[str]) -> Edges:
        import duckdb

        from headrace.curate.near import recipe
        from headrace.curate.near.index import Index, Signed, signatures_of
        from headrace.lake.store import Transaction

        connection = duckdb.connect()
        connection.execute((files("headrace.lake") / "schema.sql").read_text("utf-8"))
        told = recipe.request(library)  # type: ignore[arg-type]
        index = Index(told, Transaction(connection, {}), "benchmark")
        found: Edges = {}
        for start in range(0, len(texts), NIGHT):
            long, signatures = signatures_of(texts[start : start + NIGHT], told)
            ids = np.array(long, dtype=np.int64) + start
            night = index.add(Signed(ids=ids, signatures=signatures))
            found |= {(a, b): score for a, b, score in night.edges.iter_rows()}
        return found

    return find


def datasketch_lsh(texts: Sequence[str]) -> Edges:
    """The same bands and the same check, in its own words."""
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(num_perm=120, params=(20, 6))
    signed, found = [], {}
    for name, text in enumerate(texts):
        words = text.split()
        sketch = MinHash(num_perm=120, seed=7)
        sketch.update_batch([" ".join(words[i : i + 3]).encode() for i in range(len(words) - 2)])
        for older in lsh.query(sketch):
            if (score := sketch.jaccard(signed[older])) >= LEAST:
                found[older, name] = score
        lsh.insert(name, sketch)
        signed.append(sketch)
    return found


class WordVectors:
    """Random vectors of words, averaged: made-up words have no meaning for a model to know."""

    def __init__(self, size: int = 256) -> None:
        self._drawn = np.random.default_rng(7)
        self._size = size
        self._known: dict[str, np.ndarray] = {}

    def encode(self, inputs: Sequence[str], **_: object) -> np.ndarray:
        return np.stack([self._mean(text) for text in inputs])

    def _mean(self, text: str) -> np.ndarray:
        for word in (words := text.split()):
            if word not in self._known:
                self._known[word] = self._drawn.normal(size=self._size).astype(np.float32)
        return np.mean([self._known[word] for word in words], axis=0)


def semhash_cosine(texts: Sequence[str]) -> Edges:
    """By embeddings, at the cosine of .9 that it takes by itself."""
    from semhash import SemHash

    ids = {text: name for name, text in enumerate(texts)}
    hashed = SemHash.from_records(records=list(texts), model=WordVectors())
    found = {}
    for record in hashed.self_deduplicate(threshold=0.9).filtered:
        pair = sorted((ids[record.record], ids[record.duplicate_of]))
        found[pair[0], pair[1]] = float(record.score)
    return found


def naive(texts: Sequence[str]) -> Edges:
    """One hash of all that the user said, normalised: equal or not."""
    from headrace.curate import unit

    first: dict[str | None, int] = {}
    keys = [unit.request_hash(text) for text in texts]
    return {
        (first[key], name): 1.0
        for name, key in enumerate(keys)
        if first.setdefault(key, name) != name
    }


METHODS: dict[str, Method] = {
    BASELINE: datasketch_lsh,
    "headrace, rensa": ours("rensa-R2"),
    "headrace, numpy": ours("numpy-1"),
    "semhash, word vectors": semhash_cosine,
    "all user text, one hash": naive,
}


def measured(name: str, count: int, answer: "multiprocessing.Queue[Row | str]") -> None:
    """Run one method on made-up texts in this process and tell what came of it."""
    measured_on(name, planted(count, np.random.default_rng(7)), answer)


def measured_on(name: str, corpus: Planted, answer: "multiprocessing.Queue[Row | str]") -> None:
    try:
        METHODS[name](corpus.texts[:100])  # imports are not what is measured
    except ImportError as error:
        answer.put(f"{name}: left out, {error}; pip install --group bench")
        return
    before, began = _peak_mib(), time.process_time()
    found = METHODS[name](corpus.texts)
    spent, peak = time.process_time() - began, _peak_mib() - before
    answer.put(judged(found, corpus, spent, peak))


def judged(found: Edges, corpus: Planted, spent: float, peak: float) -> Row:
    shares = np.array([jaccard(*(corpus.texts[i] for i in pair)) for pair in corpus.pairs])
    caught = np.array([pair in found for pair in corpus.pairs])
    bands = [(shares >= low) & (shares < high) for low, high in pairwise(BANDS)]
    return Row(
        cpu_s=spent,
        peak_mib=peak,
        recall=tuple(float(caught[band].mean()) for band in bands),
        precision=_precision(found, corpus, 0, 0.5),
        dup_precision=_precision(found, corpus, DUPLICATE, 0.7),
    )


def _precision(found: Edges, corpus: Planted, score: float, least: float) -> float | None:
    kept = [pair for pair, share in found.items() if share >= score]
    if not kept:
        return None
    true = sum(jaccard(corpus.texts[a], corpus.texts[b]) >= least for a, b in kept)
    return true / len(kept)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(name: str, count: int) -> Row | str:
    """One method in a fresh process, so that peaks of memory do not add up."""
    return _aside(measured, name, count)


def run_on(name: str, corpus: Planted) -> Row | str:
    """The same on texts that are given."""
    return _aside(measured_on, name, corpus)


def _aside(work: Callable[..., None], *given: object) -> Row | str:
    fresh = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[Row | str] = fresh.Queue()
    process = fresh.Process(target=work, args=(*given, answer))
    process.start()
    row = answer.get()
    process.join()
    return row


def table(count: int) -> Table:
    shown = Table(title=f"{count:,} texts")
    ranges = [f"J {low:.1f}-{min(high, 1):.1f}"[2:] for low, high in pairwise(BANDS)]
    for column in ("method", "CPU s", "texts/CPU-s", "ratio", "MiB", *ranges, "precision", "dup"):
        shown.add_column(column, justify="left" if column == "method" else "right")
    return shown


def cells(name: str, count: int, row: Row, baseline: Row | None) -> list[str]:
    ratio = "" if baseline is None else f"{baseline.cpu_s / row.cpu_s:.1f}"
    shares = [*row.recall, row.precision, row.dup_precision]
    return [
        name,
        f"{row.cpu_s:.1f}",
        f"{count / row.cpu_s:,.0f}",
        ratio,
        f"{row.peak_mib:.0f}",
        *("-" if share is None else f"{share:.3f}" for share in shares),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, nargs="+", default=SIZES)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    given = parser.parse_args()
    console = Console(width=140)
    for count in given.texts:
        shown, baseline = table(count), None
        for name in given.methods:
            row = run(name, count)
            if isinstance(row, str):
                console.print(row)
                continue
            baseline = row if name == BASELINE else baseline
            shown.add_row(*cells(name, count, row, baseline))
        console.print(shown)


if __name__ == "__main__":
    main()
