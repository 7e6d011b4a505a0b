"""What people read goes to stdout through rich; what machines read is one JSON document."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from typing import Any, Protocol

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
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


class Mover(Protocol):
    """Moves a bar; `doing` is what is done from here on."""

    def __call__(self, done: int, steps: int, doing: str | None = None) -> None: ...


@contextmanager
def progress(doing: str) -> Iterator[Mover]:
    """A bar on stderr while somebody looks; what moves it takes done and steps."""
    said = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), said, BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = errors()
    hidden = not console.is_terminal  # rich would leave an empty line
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(doing, total=None)

        def move(done: int, steps: int, doing: str | None = None) -> None:
            shown = None if doing is None else "".join(filter(str.isprintable, doing))
            bar.update(task, completed=done, total=steps, description=shown)

        yield move


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
