"""The benchmark of near duplicates runs and tells the methods apart."""

from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[4] / "benchmarks"


def test_signatures_find_edits_that_one_hash_of_the_text_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    benchmark = run_path(str(FOLDER / "near.py"))
    corpus = benchmark["planted"](1_000, np.random.default_rng(7))

    def row(name: str) -> list[str]:
        found = benchmark["METHODS"][name](corpus.texts)
        told = benchmark["judged"](found, corpus, 0.5, 20.0)
        shown: list[str] = benchmark["cells"](name, 1_000, told, None)
        return shown

    ours, naive = row("headrace, rensa"), row("all user text, one hash")
    assert ours[:5] == ["headrace, rensa", "0.5", "2,000", "", "20"]
    assert float(ours[8]) > 0.99  # an index of .8 to .9
    assert float(ours[10]) > 0.99  # precision
    assert float(naive[8]) == 0
