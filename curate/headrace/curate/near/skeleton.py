"""U2, what an episode did: its tool calls by name, argument keys and outcome."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from headrace.curate import unit
from headrace.curate.near.toolcall import ToolCall

Enums = Mapping[str, frozenset[str]]  # by tool


def skeleton(calls: Sequence[ToolCall], enums: Enums) -> str:
    """`tool(key, flag=true)->ok` for each call, one a line; empty where no tool was called.

    Values stay for booleans and enums, as on and off are often one flag of one tool. A run of
    equal lines is one line with its length rounded down to a power of two: 30 polls and 2 are two
    behaviours, 30 and 31 are one. Only runs of one call are collapsed: a longer loop left as it is
    keeps episodes apart and never merges them.
    """
    lines = (_line(call, enums.get(call.name, frozenset())) for call in calls)
    return "\n".join(_run(line, sum(1 for _ in same)) for line, same in groupby(lines))


def _line(call: ToolCall, enums: frozenset[str]) -> str:
    keys = sorted(set(_keys("", call.arguments, enums)))
    return f"{call.name}({', '.join(keys)})->{call.outcome}"


def _keys(path: str, value: object, enums: frozenset[str]) -> Iterator[str]:
    """The paths of the leaves, with the value where it carries the intent."""
    match value:
        case dict() as fields if fields:
            for key, held in fields.items():
                yield from _keys(f"{path}.{key}" if path else str(key), held, enums)
        case list() as items if items:
            yield from _each(f"{path}[]", items, enums)
        case bool() as flag:
            yield f"{path}={str(flag).lower()}"
        case str() as text if unit.norm(text) in enums:
            yield f"{path}={unit.norm(text)}"
        case _ if path:
            yield path


def _each(path: str, items: Iterable[object], enums: frozenset[str]) -> Iterator[str]:
    for item in items:
        yield from _keys(path, item, enums)


def _run(line: str, length: int) -> str:
    rounded = 1 << (length.bit_length() - 1)
    return line if rounded == 1 else f"{line} x{rounded}"
