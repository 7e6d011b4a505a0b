import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_the_wheel_shows_its_help(headrace: Path, desk: Path, bare: dict[str, str]) -> None:
    shown = subprocess.run([headrace, "--help"], cwd=desk, env=bare, capture_output=True, text=True)
    assert shown.returncode == 0
    for command in ("demo", "serve", "load", "nightly", "verdict", "eval", "dataset"):
        assert command in shown.stdout


def test_the_demo_of_the_wheel_agrees_with_the_data(demo: str) -> None:
    said = " ".join(demo.split())
    assert "140 episodes: 43 successes, 97 failures, 0 pending; 35 tasks, 17 with both" in said
    assert "120 episodes: 91 successes, 29 failures, 0 pending; 60 tasks" in said


def test_the_demo_leaves_data_sets_cards_and_a_chart_per_suite(demo: str, desk: Path) -> None:
    assert demo
    out = desk / "demo-out"
    assert (out / "datasets/taubench-airline/kto/README.md").is_file()
    assert (out / "datasets/taubench-airline/sft/manifest.json").is_file()
    assert len(list((out / "charts").glob("*.svg"))) == 2
    report = json.loads((out / "report.json").read_text())
    assert [p["project"] for p in report["products"]] == ["tau2-service", "taubench-airline"]


def test_late_outcomes_left_episodes_pending_in_the_first_night(demo: str, desk: Path) -> None:
    assert demo
    report = json.loads((desk / "demo-out/report.json").read_text())
    for product in report["products"]:
        assert 0 < product["pending_before"] == product["late"]
