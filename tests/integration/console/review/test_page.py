"""docs/review.md says what the command does."""

import re
import shlex
from pathlib import Path
from typing import Any

from typer.main import get_command

from headrace.console import cli
from headrace.console.review.app import ReviewScreen
from headrace.curate.labels.review import SHARES

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "review.md").read_text()
NAMES = {"question_mark": "?", "pagedown": "page down", "pageup": "page up"}


def test_every_command_of_the_page_parses() -> None:
    lines = re.findall(r"^\$ headrace review (.*)$", PAGE, re.MULTILINE)
    command: Any = get_command(cli.app).commands["review"]  # type: ignore[attr-defined]
    assert len(lines) >= 4
    for line in lines:
        assert command.make_context("review", shlex.split(line)).params


def test_every_key_of_the_app_is_on_the_page() -> None:
    rows = re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE)
    told = {key.strip(" `") for row in rows for key in row.split(",")}
    bound = {
        NAMES.get(key, key)
        for binding in ReviewScreen.BINDINGS
        for key in binding.key.split(",")  # type: ignore[union-attr]
    }
    assert bound <= told


def test_the_shares_of_the_page_are_those_of_the_queue() -> None:
    told = re.findall(r"^\| (\d+) % \|", PAGE, re.MULTILINE)
    assert [int(share) for share in told] == [round(100 * share) for share in SHARES.values()]
