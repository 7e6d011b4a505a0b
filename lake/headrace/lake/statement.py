"""Named SQL: every statement lives in a `.sql` file under a `-- name:` line."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: *(\w+).*$", re.MULTILINE)


@cache
def statements(package: str, file: str = "queries.sql") -> Mapping[str, str]:
    """The statements of one file of a package by name.

    Raises ValueError where a name stands twice or text stands before the first name.
    """
    return parse((files(package) / file).read_text(encoding="utf-8"))


def parse(text: str) -> Mapping[str, str]:
    """Name -> statement; a statement goes from its `-- name:` line to the next one."""
    head, *rest = _NAME.split(text)
    if any(line and not line.startswith("--") for line in head.splitlines()):
        raise ValueError("SQL before the first `-- name:` line belongs to no statement")
    names, bodies = rest[::2], rest[1::2]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"named twice: {', '.join(twice)}")
    return MappingProxyType({n: b.strip().rstrip(";") for n, b in zip(names, bodies, strict=True)})
