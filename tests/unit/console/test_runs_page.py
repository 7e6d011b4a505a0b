"""docs/runs.md names what there is: commands that parse, scorers with their options, statuses."""

import re
import shlex
from pathlib import Path
from typing import Any

from typer.main import get_command

from headrace.console.cli import app
from headrace.evals.scorers.table import SCORERS
from headrace.evals.solvers.blame import is_outside_status, may_pass
from headrace.evals.solvers.replay import MESSAGES
from headrace.evals.suite import suite

PAGE = (Path(__file__).parents[3] / "docs" / "runs.md").read_text()


def lines() -> list[list[str]]:
    """The words of each `headrace` line in the `sh` blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    joined = [block.replace("\\\n", " ") for block in blocks]
    found = [shlex.split(line) for block in joined for line in block.splitlines()]
    return [words for words in found if words[0] == "headrace"]


def command(*names: str) -> Any:
    found: Any = get_command(app)
    for name in names:
        found = found.commands[name]
    return found


def test_every_command_of_the_page_parses() -> None:
    assert len(lines()) >= 6
    for words in lines():
        context = command(*words[1:3]).make_context("it", words[3:])
        assert context.params


def test_every_option_the_page_speaks_of_is_one_of_run() -> None:
    known = {name for param in command("eval", "run").params for name in param.opts}
    spoken = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE))
    assert spoken - known == {"--tags", "--no-fail-on-error"}  # of `inspect eval`


def test_the_page_lists_scorers_with_their_options() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .*? \| (.*)\|$", PAGE, re.MULTILINE))
    told = {name: set(re.findall(r"`(\w+)`", options)) for name, options in rows.items()}
    assert told == {name: set(row.options) for name, row in SCORERS.items()}


def test_the_page_says_who_is_to_blame_for_a_status() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    zeros = [line for line in rows if line.endswith("| 0 |")]
    absent = [line for line in rows if line.endswith("| absent |")]
    assert all(not is_outside_status(int(s)) for s in re.findall(r"\b4\d\d\b", " ".join(zeros)))
    named = re.findall(r"\b4\d\d\b", " ".join(absent))
    assert len(named) > 6 and all(is_outside_status(int(status)) for status in named)
    assert may_pass(503) and not may_pass(401)


def test_the_page_names_what_inspect_takes() -> None:
    [told] = re.findall(r"`-T` takes `([^`]+)`", PAGE)
    names = suite.__wrapped__.__code__  # type: ignore[attr-defined]
    assert told.split(", ") == list(names.co_varnames[: names.co_argcount])
    assert f"After {MESSAGES} messages" in PAGE
