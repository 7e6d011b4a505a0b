"""`headrace eval compare`: two releases of loaded scores, for people and for machines."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Headrace = Callable[..., Any]


@pytest.fixture
def loaded(headrace: Headrace, tmp_path: Path) -> tuple[str, ...]:
    """Release v2 fixes thirty of eighty cases of v1, and breaks those about refunds."""
    rows = [
        {
            "release": release,
            "case_id": f"c{case:02}",
            "value": int(case >= 30 if release == "v1" else case < 60),
            "slice": "refunds" if case >= 60 else "booking",
            "at": f"2026-0{release[1]}-01T00:00:00Z",
        }
        for release in ("v1", "v2")
        for case in range(80)
    ]
    file = tmp_path / "scores.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    where = ("--suite", "compared", "--project", "elsewhere")
    assert headrace("eval", "load", file, "--slice", "slice", *where).code == 0
    return where


def test_a_comparison_for_people_has_tables_and_sentences(
    headrace: Headrace, loaded: tuple[str, ...]
) -> None:
    ran = headrace("eval", "compare", "v1", "v2", *loaded)
    assert ran.code == 0
    assert "compared: v2 against v1" in ran.out
    assert "all 80 62.5 % 75.0 % +12.5" in ran.words
    assert ran.words.index("refunds 20 -100.0") < ran.words.index("booking 60 +50.0")
    assert "20 broken, 30 fixed (30 more: --json)\n" in ran.out
    assert "Cannot tell v2 from v1 (underpowered): +12.5 points (95 % interval" in ran.words
    assert "Slice refunds is worse, against the total: -100.0 points" in ran.words
    assert "A delta of 3 points is assumed, not given." in ran.words


def test_a_comparison_for_machines_has_every_flip(
    headrace: Headrace, loaded: tuple[str, ...]
) -> None:
    ran = headrace("eval", "compare", "v1", "v2", "--delta", "0.1", "--json", *loaded)
    found = ran.json["comparison"]
    assert (found["fixed"], found["broken"], len(found["flips"])) == (30, 20, 50)
    assert found["delta"] == 0.1 and "assumed" not in ran.json["words"]
    assert found["mcnemar_p"] == pytest.approx(0.2026, abs=1e-3)


def test_a_release_nobody_measured_is_refused_with_those_there_are(
    headrace: Headrace, loaded: tuple[str, ...]
) -> None:
    ran = headrace("eval", "compare", "v1", "v9", *loaded)
    assert (ran.code, ran.out) == (1, "")
    assert "release 'v9' has no scores in suite 'compared'; releases with scores: v1, v2" in ran.err


def test_one_release_named_twice_is_refused(headrace: Headrace, loaded: tuple[str, ...]) -> None:
    ran = headrace("eval", "compare", "v1", "v1", *loaded)
    assert (ran.code, ran.out) == (1, "")
    assert "release 'v1' is named twice" in ran.err
