"""The exact text of every format.

`HEADRACE_WRITE_GOLDEN=1 pytest tests/unit/exporters/test_golden.py` writes it anew: read the diff.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from tests.corpus import corpus

GOLDEN = Path(__file__).parents[2] / "fixtures" / "formats"
PAIRS = [(name, objective) for name, row in FORMATS.items() for objective in row.objectives]
WRITE = "HEADRACE_WRITE_GOLDEN" in os.environ


@pytest.mark.parametrize(("format", "objective"), PAIRS)
def test_the_files_of_a_format_are_the_golden_ones(
    adapted: Callable[..., Any], format: str, objective: Objective
) -> None:
    """Of text files; what is Parquet is held against its records by the test of its format."""
    made = adapted(format, corpus(objective), objective).files
    texts = {name: text for name, text in made.items() if isinstance(text, str)}
    place = GOLDEN / format / objective
    if WRITE:
        for name, text in texts.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, encoding="utf-8", newline="\n")
    known = {
        file.relative_to(place).as_posix(): file.read_bytes().decode()
        for file in sorted(place.rglob("*"))
        if file.is_file()
    }
    assert texts == known


def test_no_golden_file_is_of_a_format_that_is_gone() -> None:
    there = {(folder.parent.name, folder.name) for folder in GOLDEN.glob("*/*")}
    assert there == set(PAIRS)
