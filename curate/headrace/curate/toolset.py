"""The tools of an episode: the union of what its calls were given."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headrace.lake.message import Body, dump
from headrace.lake.record import Span

_MOST = 1_000  # unions remembered: every episode of an agent has the same

_unions: "dict[tuple[str, ...], Toolset]" = {}  # by hashes: what a hash names never changes


class Toolset(msgspec.Struct, frozen=True, kw_only=True):
    """Definitions by first appearance, each as it was last given."""

    definitions: tuple[Body, ...]
    changed: bool  # one name had different schemas on the way
    body: str | None  # canonical JSON; None where no definition is known

    @classmethod
    def union(cls, spans: Iterable[Span], toolsets: Mapping[str, Sequence[Body]]) -> "Toolset":
        hashes = dict.fromkeys(span.tools_hash for span in spans if span.tools_hash)
        known = tuple(name for name in hashes if name in toolsets)
        found = _unions.get(known)
        if found is None:
            if len(_unions) >= _MOST:
                _unions.clear()
            found = _unions[known] = _united([tool for name in known for tool in toolsets[name]])
        return found


def _united(given: Sequence[Body]) -> Toolset:
    last = {_name(tool): tool for tool in given}
    return Toolset(
        definitions=tuple(last.values()),
        changed=any(dump(tool) != dump(last[_name(tool)]) for tool in given),
        body=dump(list(last.values())) if last else None,
    )


def _name(tool: Body) -> str:
    return str(tool.get("function", tool).get("name"))
