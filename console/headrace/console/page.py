"""What people read goes to stdout through rich; what machines read is one JSON document."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

WIDTH = 100  # where stdout is no terminal


def page() -> Console:
    """The console for results; plain and of fixed width where nobody looks at a terminal.

    No text is read as markup: names of projects, releases and reasons may hold brackets.
    """
    width = None if sys.stdout.isatty() else WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False)


def errors() -> Console:
    """The console for progress and errors, on stderr."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


@contextmanager
def aside() -> Iterator[None]:
    """While a user's agent, scorer or provider runs, what they print goes to stderr."""
    with redirect_stdout(sys.stderr):
        yield


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr while somebody looks; the function that moves it takes done and steps."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = errors()
    hidden = not console.is_terminal  # rich would leave an empty line
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, steps: bar.update(task, completed=done, total=steps)


def print_json(document: object) -> None:
    """One JSON document on stdout; times as ISO 8601, decimals as strings."""
    encoded = msgspec.json.format(msgspec.json.encode(document, enc_hook=str, order="sorted"))
    sys.stdout.write(encoded.decode() + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose columns are set right where their name starts with `#`."""
    result = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in columns:
        result.add_column(name.lstrip("#"), justify="right" if name.startswith("#") else "left")
    for row in rows:
        result.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    return result


def cell(value: Any) -> str:
    """A value as people read it: thousands apart, nothing for what is not known."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return str(value)


def percent(value: float | None) -> str:
    """A share as a percentage with one digit; `-` where it was not measured."""
    return "-" if value is None else f"{100 * value:.1f} %"


def counted(number: int, noun: str) -> str:
    """How many there are of what `noun` names one of."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
