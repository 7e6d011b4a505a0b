"""The trainer dialects that there are, one module each."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

import msgspec

from headrace.exporters.errors import UnknownFormat
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.lake.errors import MissingExtra


class Adapted(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one dialect, by their name below `formats/<name>/`, and what they lost."""

    files: Mapping[str, str]  # HOWTO.md among them
    loss: LossReport


Write = Callable[[Sequence[Row], Objective], Adapted]


class Format(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    module: str
    about: str
    extra: str | None = None  # what to install, where the module needs more than Headrace


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        row.name: row
        for row in (
            Format(
                name="trl",
                module="headrace.exporters.formats.trl",
                about="Hugging Face TRL 1.16: SFTTrainer, KTOTrainer, DPOTrainer",
            ),
        )
    }
)


def writer(name: str) -> Write:
    """The `write` of a dialect. Raises UnknownFormat, MissingExtra."""
    if name not in FORMATS:
        raise UnknownFormat(f"no format {name!r}; there are: {', '.join(FORMATS)}")
    row = FORMATS[name]
    try:
        write: Write = import_module(row.module).write
    except ModuleNotFoundError as error:
        ours = (error.name or "").startswith("headrace")
        if ours or row.extra is None:
            raise
        raise MissingExtra(f"{name!r} needs: pip install {row.extra!r}") from error
    return write
