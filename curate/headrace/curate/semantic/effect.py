"""Which tools change something: only such a call shows what a request was about.

Seven requests about an order may all end in one look at it; what was changed differs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from headrace.lake.errors import SettingsError
from headrace.lake.message import Body
from headrace.lake.project import table
from headrace.lake.settings import Settings

TABLE = "tools"  # of headrace.toml

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_READS = frozenset(
    "get list search find read lookup look fetch check calculate compute think query show view "
    "describe count compare retrieve browse inspect verify validate estimate preview explain "
    "summarize summarise analyze analyse translate convert scan select load download parse "
    "extract grep cat ls glob head tail stat peek detect classify recommend suggest ask wait "
    "poll ping help observe watch monitor track status info details history current".split()
)
_CHANGES = frozenset(
    "create update delete remove add set insert put post patch send cancel book modify change "
    "edit write move rename transfer pay refund return exchange schedule reschedule invite "
    "approve reject assign close open start stop enable disable submit reserve upload save "
    "append copy replace toggle turn lock unlock block unblock reset confirm purchase buy "
    "subscribe unsubscribe publish share merge archive restore revoke grant checkout".split()
)
# Whatever is asked for, these are called in the same way: they tell nothing.
_ANYTHING = frozenset(
    "python bash shell sh terminal command cmd exec execute run code interpreter repl sql "
    "notebook script eval http request browser computer tool call invoke function action".split()
)


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """Tools that are known to change something, or not to; the name decides for the others."""

    known: Mapping[str, bool] = {}

    @classmethod
    def of(cls, settings: Settings, project: str, tools: Iterable[Body] = ()) -> "Effects":
        """`[tools]` of headrace.toml goes before what definitions say of themselves."""
        return cls(known={**hints(tools), **_listed(table(settings, project, TABLE))})

    def changing(self, skeleton: str) -> bool:
        """Whether a skeleton holds a call that changes something; a failed one was meant to."""
        return any(map(self._changes, tools_of(skeleton)))

    def _changes(self, tool: str) -> bool:
        known = self.known.get(tool)
        return _sounds_changing(tool) if known is None else known


def tools_of(skeleton: str) -> Iterator[str]:
    """The names of the tools that were called, in order."""
    for line in skeleton.splitlines():
        yield line.partition("(")[0]


def hints(tools: Iterable[Body]) -> dict[str, bool]:
    """What definitions say of themselves, as MCP has it: `readOnlyHint`, `destructiveHint`."""
    found: dict[str, bool] = {}
    for tool in tools:
        told = tool.get("function") or tool
        says = {**_mapping(told.get("annotations")), **_mapping(tool.get("annotations"))}
        if says.get("readOnlyHint") is True:
            found[str(told.get("name"))] = False
        elif says.get("readOnlyHint") is False or says.get("destructiveHint") is True:
            found[str(told.get("name"))] = True
    return found


def _sounds_changing(tool: str) -> bool:
    """By the first word of a name that is a known verb; a tool without one is a thing to be done.

    Reading has few verbs, doing has many: `airfryer_on` is more likely the one than the other.
    """
    words = [word.lower() for word in _WORD.findall(tool)]
    for word in words:
        if word in _READS:
            return False
        if word in _CHANGES:
            return True
    return not _ANYTHING.intersection(words)


def _listed(given: Mapping[str, Any]) -> dict[str, bool]:
    names = {"read_only": False, "changing": True}
    found: dict[str, bool] = {}
    for key, value in given.items():
        if key not in names:
            near = get_close_matches(key, names, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise SettingsError(f"no setting '{TABLE}.{key}': {meant}there are {', '.join(names)}")
        for tool in _texts(key, value):
            if found.setdefault(tool, names[key]) != names[key]:
                raise SettingsError(f"{TABLE}: {tool!r} is listed both ways; keep it in one list")
    return found


def _texts(key: str, value: object) -> Sequence[str]:
    try:
        return msgspec.convert(value, list[str])
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{TABLE}.{key} is {value!r}: give a list of names, as in ['get_order']"
        ) from error


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
