from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.console.rehearsal import MARK, DemoError, latest, prepare
from headrace.console.sample import runs


def test_a_folder_with_somebody_elses_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DemoError, match="--out"):
        prepare(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_folder_of_an_earlier_demo_is_written_anew(tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(out)
    (out / "old").touch()
    prepare(out)
    assert [path.name for path in out.iterdir()] == [MARK]


def test_late_outcomes_concern_the_newest_release_of_each_project() -> None:
    newest = latest(runs(datetime(2026, 6, 1, tzinfo=UTC)))
    assert {(run.project, run.release) for run in newest} == {
        ("taubench-airline", "1.3"),
        ("tau2-service", "2-sft"),
    }
    assert len(newest) == 35 + 60
