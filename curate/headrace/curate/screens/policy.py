"""Which screens a project wants, and how strict they are: `[screens]` in `headrace.toml`."""

from typing import Annotated, Any

import msgspec

from headrace.lake.errors import SettingsError
from headrace.lake.project import table
from headrace.lake.settings import Settings

SHARE = 0.2  # of the episodes that one user or tenant may be
RESIDUAL = 4.0  # times the median deviation that a score may lie off its judge

Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Times = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=2)]


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The screens, each of which can be `false`."""

    flagged: bool = True
    injection: bool = True
    self_scoring: bool = True
    heavy_user: Share | bool = SHARE
    heavy_user_least: Count = 100  # episodes, below which shares say nothing
    tenant: str = "tenant"  # key of the metadata that names one
    score_outlier: Times | bool = RESIDUAL
    score_outlier_least: Count = 50  # episodes with a score and a judge's

    @property
    def share(self) -> float | None:
        """The most of all episodes that one may be; None: not looked at."""
        return _bound(self.heavy_user, SHARE)

    @property
    def residual(self) -> float | None:
        """In median deviations; None: not looked at."""
        return _bound(self.score_outlier, RESIDUAL)


def policy(settings: Settings, project: str) -> Policy:
    """The screens of a project. Raises SettingsError naming the key and what is wrong with it."""
    held: dict[str, Any] = table(settings, project, "screens")
    try:
        return msgspec.convert(held, Policy)
    except msgspec.ValidationError as error:
        names = ", ".join(Policy.__struct_fields__)
        raise SettingsError(f"headrace.toml, screens: {error}; there are {names}") from error


def _bound(given: float | bool, default: float) -> float | None:
    if isinstance(given, bool):
        return default if given else None
    return given
