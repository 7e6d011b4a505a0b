"""Expressions that are pure and grow without end: they are ended, and the build with a sentence."""

import pyarrow as pa

from headrace.exporters import cell
from headrace.exporters.condition import Condition


def test_an_expression_that_takes_too_long_is_ended() -> None:
    """Each `%` doubles the work of the one before it."""
    long = pa.table({"episode_id": ["e"], "request": ["a" * 60]})
    told = cell.ask(f"request like '{'%a_' * 30}b'", long, seconds=1)
    assert told.bad == "it takes more than 1 s or 2 GiB"


def test_an_expression_that_takes_too_much_memory_is_ended() -> None:
    wide = pa.table(
        {"episode_id": [f"e{n}" for n in range(2_048)], "request": ["a" * 9_000] * 2_048}
    )
    text = f"len(concat({','.join(['request'] * 900)})) > 3"
    assert "Out of Memory" in (cell.ask(Condition.of(text).text, wide).bad or "")
