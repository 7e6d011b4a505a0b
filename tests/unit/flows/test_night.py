from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.flows.night import Line, Night, record
from headrace.lake import Lake

AT = datetime(2026, 6, 1, 3, tzinfo=UTC)
LINES = (
    Line(project="a", step="dedupe", said="kept", seen=1200, kept=1190, dropped={"duplicate": 10}),
    Line(project="a", step="sft", said="refused: no | rows\nyet", state="refused"),
    Line(project="b", step="dedupe", said="kept", seen=0, kept=0),
)
NIGHT = Night(night_id="n", started_at=AT, ended_at=AT, until=AT, lines=LINES)


def test_the_page_of_a_night_has_a_table_per_project() -> None:
    page = NIGHT.markdown
    assert page.startswith("# Night of 2026-06-01 03:00 UTC")
    assert [line for line in page.splitlines() if line.startswith("##")] == ["## a", "## b"]
    assert "| dedupe | 1,200 | 1,190 | 10 duplicate | kept |" in page


def test_a_sentence_cannot_break_the_table() -> None:
    row = next(line for line in NIGHT.markdown.splitlines() if line.startswith("| sft"))
    assert row == r"| sft |  |  |  | refused: no \| rows yet |"


def test_a_count_that_was_not_made_is_empty_and_not_zero() -> None:
    assert "| dedupe | 0 | 0 |  | kept |" in NIGHT.markdown
    assert "| sft |  |  |" in NIGHT.markdown


def test_the_line_of_a_step_is_found_by_project() -> None:
    assert NIGHT.of("b", "dedupe").seen == 0
    with pytest.raises(KeyError):
        NIGHT.of("b", "sft")


def test_a_night_is_kept_once_however_often_it_runs(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        record(lake, NIGHT)
        record(lake, NIGHT)
        [row] = lake.rows("select *, json_array_length(summary) as lines from nights")
    assert (row["until"], row["status"], row["lines"]) == (AT, "done", 3)
