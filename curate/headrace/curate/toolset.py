"""The tools of an episode: the union of what its calls were given."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headrace.lake.message import Body, dump
from headrace.lake.record import Span


class Toolset(msgspec.Struct, frozen=True, kw_only=True):
    """Definitions by first appearance, each as it was last given."""

    definitions: tuple[Body, ...]
    changed: bool  # one name had different schemas on the way

    @classmethod
    def union(cls, spans: Iterable[Span], toolsets: Mapping[str, Sequence[Body]]) -> "Toolset":
        names = dict.fromkeys(span.tools_hash for span in spans if span.tools_hash)
        given = [tool for name in names for tool in toolsets.get(name, ())]
        last = {_name(tool): tool for tool in given}
        return cls(
            definitions=tuple(last.values()),
            changed=any(dump(tool) != dump(last[_name(tool)]) for tool in given),
        )

    @property
    def body(self) -> str | None:
        """Canonical JSON; None where no definition is known."""
        return dump(self.definitions) if self.definitions else None


def _name(tool: Body) -> str:
    return str(tool.get("function", tool).get("name"))
