"""Documented commands work: every `$ headrace` line of the pages is run, in order."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    "README.md",
    *(f"docs/{n}.md" for n in ("capture", "keys", "load", "nightly", "evals", "costs", "datasets")),
]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENDLESS = "# runs until it is stopped"


def commands(page: str) -> list[str]:
    """The `$ headrace` lines of a page, but those that never end by themselves."""
    blocks = BLOCK.findall((ROOT / page).read_text())
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line for line in lines if line.startswith("headrace") and ENDLESS not in line]


def test_the_pages_hold_commands_to_run() -> None:
    found = {page: len(commands(page)) for page in PAGES}
    assert sum(found.values()) >= 10, found


@pytest.mark.slow
def test_every_documented_command_succeeds(
    headrace: Path, desk: Path, bare: dict[str, str], demo: str
) -> None:
    assert demo
    for page in PAGES:
        for line in commands(page):
            words = [str(headrace), *shlex.split(line, comments=True)[1:]]
            done = subprocess.run(words, cwd=desk, env=bare, capture_output=True, text=True)
            assert done.returncode == 0, f"{page}: {line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_the_readme_shows_what_the_demo_prints(demo: str) -> None:
    [shown] = re.findall(r"^```\n(taubench.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    printed = {" ".join(line.split()) for line in demo.splitlines()}
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert [line for line in lines if "[...]" not in line and line not in printed] == []
