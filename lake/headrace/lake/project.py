"""What each project says in `headrace.toml`: one file to read, one place that knows its names."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from headrace.lake.errors import SettingsError
from headrace.lake.settings import LONGEST_WAIT, Settings
from headrace.lake.threshold import Threshold, parsed

FILE = "headrace.toml"
PROJECTS = "projects"
# tables that other modules read with `table`, of all and of a project
ELSEWHERE = ("business", "families", "late", "error_rates", "judges", "tools", "screens", "intents")
REVIEW_SIZE = 50  # episodes that wait for a reviewer
REVIEW_TWICE = 0.1  # share of the even sample that two reviewers are asked for

_Table = Mapping[str, Any]
T = TypeVar("T")


class ProjectSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one project."""

    waiting: timedelta  # an episode without a mark is `pending` for so long
    link_without_conversation: bool  # join traces by their messages where no id joins them
    thresholds: Mapping[str, Threshold]  # name of a score -> when it is a success
    rules: Path | None = None  # file of rules that vote on episodes
    scrub_extra: Literal["presidio"] | None = None  # a second finder of personal data
    review_size: int = REVIEW_SIZE
    review_twice: float = REVIEW_TWICE
    hold_similar: bool = True  # what may rephrase a case that the team brought is not trained on
    judge_similar: str | None = None  # name of the judge whose model is asked about such


class _Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that may stand at the top for all projects, and again below each one."""

    waiting_days: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_WAIT)] | None = None
    link_without_conversation: bool | None = None
    rules: str | None = None  # beside the file that names it, where it is no full path
    thresholds: dict[str, Any] = {}
    scrub_extra: Literal["presidio", "none"] | None = None
    review_size: Annotated[int, msgspec.Meta(ge=0)] | None = None
    review_twice: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    hold_similar: bool | None = None
    judge_similar: Annotated[str, msgspec.Meta(min_length=1)] | None = None


class _Section(msgspec.Struct, frozen=True, kw_only=True):
    """The top of a file, or one project's part of it."""

    keys: _Keys = _Keys()
    thresholds: Mapping[str, Threshold] = {}
    tables: Mapping[str, _Table] = {}  # of `ELSEWHERE`, as they stand


def settings_of(settings: Settings, project: str) -> ProjectSettings:
    """Settings of a project: its own section, else the top of the file, else the environment.

    Raises SettingsError naming file, key and cure, wherever in the file the fault is.
    """
    top, own = _read(settings, project)
    return ProjectSettings(
        waiting=timedelta(
            days=_first(own.keys.waiting_days, top.keys.waiting_days, settings.waiting_days)
        ),
        link_without_conversation=_first(
            own.keys.link_without_conversation,
            top.keys.link_without_conversation,
            settings.link_without_conversation,
        ),
        thresholds={**top.thresholds, **own.thresholds},
        rules=_beside(settings, own.keys.rules or top.keys.rules),
        scrub_extra=_extra(own.keys.scrub_extra, top.keys.scrub_extra, settings.scrub_extra),
        review_size=_first(own.keys.review_size, top.keys.review_size, REVIEW_SIZE),
        review_twice=_first(own.keys.review_twice, top.keys.review_twice, REVIEW_TWICE),
        hold_similar=_first(own.keys.hold_similar, top.keys.hold_similar, True),
        judge_similar=own.keys.judge_similar or top.keys.judge_similar,
    )


def check(settings: Settings) -> None:
    """Raises SettingsError where the file has a fault: before work begins that would need it."""
    _read(settings, "")


def table(settings: Settings, project: str, name: str) -> dict[str, Any]:
    """A table of `ELSEWHERE`: the keys for all projects, this one's own in their place.

    Empty where there is none; what its keys mean is for the caller to check. Raises SettingsError.
    """
    top, own = _read(settings, project)
    return {**top.tables.get(name, {}), **own.tables.get(name, {})}


def place(settings: Settings) -> Path | None:
    """The file: HEADRACE_CONFIG, else in the home, else beside it; None where there is none.

    Raises SettingsError where HEADRACE_CONFIG names no file.
    """
    given, home = settings.config, settings.home.absolute()
    if given is not None and not given.is_file():
        raise SettingsError(f"HEADRACE_CONFIG={str(given)!r}: no such file. Correct it or unset it")
    usual = (path for path in (home / FILE, home.parent / FILE) if path.is_file())
    return given or next(usual, None)


def _beside(settings: Settings, name: str | None) -> Path | None:
    """A file that the file of settings names: from the folder where that one lies."""
    path = place(settings)
    return None if name is None or path is None else path.parent / name


def _read(settings: Settings, project: str) -> tuple[_Section, _Section]:
    """The part of the file for all projects and that of one; the rest is checked as well."""
    path = place(settings)
    if path is None:
        return _Section(), _Section()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        below = _below(document.pop(PROJECTS, {}), PROJECTS)
        own = {
            name: _section(_below(held, f"{PROJECTS}.{name}"), f"{PROJECTS}.{name}.")
            for name, held in below.items()
        }
        return _section(document, "", PROJECTS), own.get(project, _Section())
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is no TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def _section(held: _Table, where: str, *more: str) -> _Section:
    _known(held, where, *more)
    own = {key: value for key, value in held.items() if key in _Keys.__struct_fields__}
    try:
        keys = msgspec.convert(own, _Keys)
    except msgspec.ValidationError as error:
        raise SettingsError(str(error).replace("`$.", f"`{where}")) from error
    return _Section(
        keys=keys,
        thresholds={
            name: _threshold(rule, f"{where}thresholds.{name}")
            for name, rule in keys.thresholds.items()
        },
        tables={key: _below(held[key], where + key) for key in ELSEWHERE if key in held},
    )


def _known(held: _Table, where: str, *more: str) -> None:
    """Refuse a key that nobody reads: misspelt, it would leave a default in force unseen."""
    names = (*_Keys.__struct_fields__, *ELSEWHERE, *more)
    for key in held:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise SettingsError(f"no setting {where + key!r}: {meant}there are {', '.join(names)}")


def _below(value: object, name: str) -> _Table:
    if not isinstance(value, Mapping):
        raise SettingsError(f"{name} is {value!r}: make it a table, [{name}]")
    return value


def _threshold(rule: object, where: str) -> Threshold:
    try:
        return parsed(rule)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from error


def _extra(*values: Literal["presidio", "none"] | None) -> Literal["presidio"] | None:
    return "presidio" if _first(*values, "none") == "presidio" else None


def _first(*values: T | None) -> T:
    """The first that is given; the last one is."""
    return next(value for value in values if value is not None)
