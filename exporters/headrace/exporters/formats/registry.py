"""The trainer dialects that there are, one module each."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

import msgspec

from headrace.exporters.errors import UnknownFormat
from headrace.exporters.formats.dialect import Dialect
from headrace.exporters.objective import Objective
from headrace.lake.record import Split

JSONL: Mapping[Split, str] = MappingProxyType({"train": "train.jsonl", "test": "test.jsonl"})


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A dialect, before its module is loaded."""

    name: str
    about: str  # the trainers that read it, with versions
    objectives: tuple[Objective, ...]
    module: str = ""  # default: its name
    files: Mapping[Split, str] = JSONL

    @property
    def dialect(self) -> Dialect:
        name = self.module or self.name.replace("-", "_")
        return cast(Dialect, import_module(f"headrace.exporters.formats.{name}"))


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        row.name: row
        for row in (
            Format(
                name="trl",
                about="Hugging Face TRL 1.16: SFT, KTO, DPO and Reward trainers",
                objectives=("sft", "kto", "dpo", "rm"),
            ),
        )
    }
)


def format_named(name: str, objective: Objective) -> Format:
    """A dialect that can say rows of this objective. Raises UnknownFormat."""
    found = FORMATS.get(name)
    able = [one.name for one in FORMATS.values() if objective in one.objectives]
    if found is None:
        raise UnknownFormat(f"no format {name!r}; for {objective} there are: {', '.join(able)}")
    if objective not in found.objectives:
        raise UnknownFormat(
            f"format {name!r} has no {objective}, only {', '.join(found.objectives)}; for "
            f"{objective} there are: {', '.join(able)}"
        )
    return found
