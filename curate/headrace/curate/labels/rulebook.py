"""A file of rules: Python functions under `@rule`, or named queries."""

import hashlib
import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import duckdb

from headrace.curate.errors import RulebookError
from headrace.curate.labels.rule import AnyRule, Rule, SqlRule
from headrace.lake.statement import parse

_FAMILY = "-- family:"


def rulebook(path: Path) -> tuple[AnyRule, ...]:
    """The rules of a `.py` or `.sql` file, in the order in which they stand there.

    Raises RulebookError that names the file, what is wrong with it and what would be right.
    """
    if not path.is_file():
        raise RulebookError(f"no file of rules at {path}: give a .py or .sql file")
    if path.suffix not in (".py", ".sql"):
        raise RulebookError(f"{path} is no file of rules: give a .py or .sql file")
    found = tuple(_functions(path) if path.suffix == ".py" else _queries(path))
    if not found:
        cure = "@rule(name='...')" if path.suffix == ".py" else "a line '-- name: ...'"
        raise RulebookError(f"{path} holds no rule: put {cure} above each")
    counts = Counter(one.name for one in found)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise RulebookError(
            f"{path} has several rules named {', '.join(twice)}: rename all but one"
        )
    return found


def _functions(path: Path) -> Iterator[AnyRule]:
    """Each rule once, however many names it has there."""
    seen: set[int] = set()
    for value in vars(_module(path)).values():
        if isinstance(value, Rule | SqlRule) and id(value) not in seen:
            seen.add(id(value))
            yield value


def _module(path: Path) -> ModuleType:
    """The file run as a module; known by that name while it runs, as dataclasses ask."""
    name = f"_rules_{hashlib.blake2b(str(path.resolve()).encode(), digest_size=8).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RulebookError(f"{path} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        ours = isinstance(error, RulebookError)
        what = str(error) if ours else f"it does not run: {type(error).__name__}: {error}"
        raise RulebookError(f"{path}{_line(error, path)}: {what}") from error
    return module


def _line(error: BaseException, path: Path) -> str:
    """', line 7': the last line of the file that the error passed through."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}" if error.lineno else ""
    line, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return line


def _queries(path: Path) -> Iterator[SqlRule]:
    try:
        named = parse(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RulebookError(f"{path}: {error}") from error
    for name, body in named.items():
        yield sql_rule(name, body, where=f"{path}, rule {name!r}")


def sql_rule(name: str, body: str, *, where: str) -> SqlRule:
    """A rule of one query; a line `-- family: NAME` in it says the family.

    Raises RulebookError, naming `where`, unless it is one query that only reads.
    """
    heads = [line for line in body.splitlines() if line.startswith(_FAMILY)]
    try:
        parts = duckdb.extract_statements(body)
    except duckdb.Error as error:
        raise RulebookError(f"{where} is no SQL: {error}") from error
    if [part.type for part in parts] != [duckdb.StatementType.SELECT]:
        raise RulebookError(f"{where} has to be one query: select episode_id, ... as vote from ...")
    family = heads[-1].removeprefix(_FAMILY).strip() if heads else ""
    return SqlRule(name=name, query=body, family=family or None)
