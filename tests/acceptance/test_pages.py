"""The wheel does what the pages say: its demo, and every `$ headrace` line of them, in order.

All of it is one file, as the wheel, its environment and its demo are made once for a file.
"""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    f"docs/{n}.md"
    for n in ("capture", "keys", "load", "nightly", "evals", "suite", "trend", "costs", "datasets")
]
# The commands of a page in one process: to start costs more than most of them.
READER = """
import shlex, sys
from headrace.console.cli import main

for line in sys.argv[1:]:
    sys.argv = shlex.split(line, comments=True)
    try:
        main()
    except SystemExit as left:
        if left.code:
            print("failed:", line)
            raise
    print("succeeded:", line)
"""
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENDLESS = "# runs until it is stopped"


def commands(page: str) -> list[str]:
    """The `$ headrace` lines of a page, but those that never end by themselves."""
    blocks = BLOCK.findall((ROOT / page).read_text())
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line for line in lines if line.startswith("headrace") and ENDLESS not in line]


def test_the_pages_hold_commands_to_run() -> None:
    found = {page: len(commands(page)) for page in ("README.md", *PAGES)}
    assert found["README.md"] >= 2 and sum(found.values()) >= 10, found


@pytest.mark.slow
def test_the_wheel_shows_its_help(headrace: Path, desk: Path, bare: dict[str, str]) -> None:
    shown = subprocess.run([headrace, "--help"], cwd=desk, env=bare, capture_output=True, text=True)
    assert shown.returncode == 0
    for command in ("demo", "serve", "load", "nightly", "verdict", "eval", "dataset"):
        assert command in shown.stdout


@pytest.mark.slow
def test_the_demo_of_the_wheel_agrees_with_the_data(demo: str) -> None:
    said = " ".join(demo.split())
    assert "140 episodes: 43 successes, 97 failures, 0 pending; 35 tasks, 17 with both" in said
    assert "120 episodes: 91 successes, 29 failures, 0 pending; 60 tasks" in said


@pytest.mark.slow
def test_the_demo_leaves_data_sets_cards_and_a_chart_per_suite(demo: str, desk: Path) -> None:
    assert demo
    out = desk / "demo-out"
    assert (out / "datasets/taubench-airline/kto/README.md").is_file()
    assert (out / "datasets/taubench-airline/sft/manifest.json").is_file()
    assert len(list((out / "charts").glob("*.svg"))) == 2
    report = json.loads((out / "report.json").read_text())
    assert [p["project"] for p in report["products"]] == ["tau2-service", "taubench-airline"]


@pytest.mark.slow
def test_late_outcomes_left_episodes_pending_in_the_first_night(demo: str, desk: Path) -> None:
    assert demo
    report = json.loads((desk / "demo-out/report.json").read_text())
    for product in report["products"]:
        assert 0 < product["pending_before"] == product["late"]


@pytest.mark.slow
def test_the_readme_shows_what_the_demo_prints(demo: str) -> None:
    [shown] = re.findall(r"^```\n(taubench.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    printed = {" ".join(line.split()) for line in demo.splitlines()}
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert [line for line in lines if "[...]" not in line and line not in printed] == []


@pytest.mark.slow
def test_every_command_of_the_readme_succeeds(
    headrace: Path, desk: Path, bare: dict[str, str], demo: str
) -> None:
    assert demo
    for line in commands("README.md"):
        words = [str(headrace), *shlex.split(line, comments=True)[1:]]
        done = subprocess.run(words, cwd=desk, env=bare, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_every_documented_command_succeeds(
    headrace: Path, desk: Path, bare: dict[str, str], demo: str
) -> None:
    assert demo
    for page in PAGES:
        words = [str(headrace.with_name("python")), "-P", "-c", READER, *commands(page)]
        done = subprocess.run(words, cwd=desk, env=bare, capture_output=True, text=True)
        assert done.returncode == 0, f"{page}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.count("succeeded: headrace ") == len(commands(page))
