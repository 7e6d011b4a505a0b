"""What a project says of its votes in `headrace.toml`: families, late outcomes, rates of error."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from headrace.curate.labels import audit
from headrace.curate.labels.late import Late
from headrace.curate.labels.vote import NO_FAMILIES, Families
from headrace.lake.errors import SettingsError
from headrace.lake.project import settings_of, table
from headrace.lake.record import Source
from headrace.lake.settings import Settings
from headrace.lake.threshold import Threshold

Rate = Annotated[float, msgspec.Meta(gt=0, lt=0.5)]

# Who knows what came of an episode holds it at a rate of error, and is no witness beside others. A
# lone word of each passes the gate of .9: product and user are believed as the table of sources
# believes them, the user less, as a thumb is given to a mood as well.
PRODUCT = 0.02
USER = 0.08


class ErrorRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the word of those who know is wrong."""

    human: Rate = audit.ERROR  # until double audits show it
    product: Rate = PRODUCT
    user: Rate = USER


class _Late(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    window_days: Annotated[float, msgspec.Meta(gt=0, le=3650)]
    silence: Literal["success", "failure"]
    source: Source = "product"


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the votes of one project."""

    thresholds: Mapping[str, Threshold] = {}
    rules: Path | None = None
    families: Families = NO_FAMILIES  # witness -> family
    late: tuple[Late, ...] = ()
    rates: ErrorRates = ErrorRates()

    @property
    def longest_window(self) -> timedelta:
        """So long after its end somebody is awaited to speak of an episode."""
        return max((one.window for one in self.late), default=timedelta())


def declared(settings: Settings, project: str) -> Declared:
    """Raises SettingsError naming the key, what is wrong with it and what would be right."""
    told = settings_of(settings, project)
    return Declared(
        thresholds=told.thresholds,
        rules=told.rules,
        families=_families(table(settings, project, "families")),
        late=tuple(_outcome(name, held) for name, held in table(settings, project, "late").items()),
        rates=_read(table(settings, project, "error_rates"), ErrorRates, "error_rates"),
    )


def _families(given: Mapping[str, Any]) -> Families:
    members = {name: _read(held, list[str], f"families.{name}") for name, held in given.items()}
    found: dict[str, str] = {}
    for name, witnesses in members.items():
        for witness in witnesses:
            if witness in found:
                raise SettingsError(
                    f"families.{name}: {witness!r} is of family {found[witness]!r} already: name "
                    "it once"
                )
            found[witness] = name
    return MappingProxyType(found)


def _outcome(name: str, held: object) -> Late:
    read = _read(held, _Late, f"late.{name}")
    return Late(
        name=name,
        window=timedelta(days=read.window_days),
        silence=1 if read.silence == "success" else 0,
        source=read.source,
    )


def _read(held: object, kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(held, kind)
    except msgspec.ValidationError as error:
        raise SettingsError(f"headrace.toml, {where}: {error}") from error
