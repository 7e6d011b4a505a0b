"""The header of an Inspect log: which release it measured, with what, and who scored."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

import msgspec
from inspect_ai.log import EvalLog, EvalSpec

from headrace.evals.errors import ScoresRefused
from headrace.evals.scores import archive
from headrace.evals.scores.fingerprint import config_hash, plain
from headrace.lake.message import digest, dump

T = TypeVar("T")

_OURS = "headrace/suite"  # name of the task
_PATIENCE = frozenset(  # settings that change how long one waits, and nothing in the answer
    {
        *("max_retries", "timeout", "attempt_timeout", "stream_idle_timeout"),
        *("max_connections", "adaptive_connections", "cache", "batch"),
    }
)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a log says of itself before its samples are read."""

    name: str  # of the file
    eval_id: str
    task_id: str  # a retry keeps it
    release: str
    overruled: str | None = None  # the release that the log names itself, where another was given
    created: datetime
    status: str
    broken: str | None  # what ended the whole run before its samples were done
    model: str
    config_hash: str
    judge_hash: str
    scorers: tuple[str, ...]
    location: str
    ours: bool = False  # our own task ran: its samples tell more, in words of ours


def read_header(name: str, release: str | None) -> Header:
    """The header of a log; `release` stands before what it says itself. Raises ScoresRefused."""
    log = opened(name, archive.header)
    spec = log.eval
    said = _said(log)
    named = release or said or _nowhere(name)
    return Header(
        name=name,
        eval_id=spec.eval_id,
        task_id=spec.task_id,
        release=named,
        overruled=said if said != named else None,
        created=_time(spec.created),
        status=log.status,
        broken=f"the run broke off: {log.error.message}" if log.error else None,
        model=_model(log),
        config_hash=_config_hash(log, named),
        judge_hash=judge_hash(spec),
        scorers=tuple(item.name.rpartition("/")[2] for item in spec.scorers or []),
        location=log.location or name,
        ours=spec.task == _OURS,
    )


def judge_hash(spec: EvalSpec) -> str:
    """The identity of what scored: scorers with their options, judge models, Inspect's version.

    Packages enter too, for a scorer's rules change with them; ours carry their own version.
    """
    roles = {name: plain(role) for name, role in (spec.model_roles or {}).items()}
    scorers = sorted(
        dump([item.name.rpartition("/")[2], item.options or {}]) for item in spec.scorers or []
    )
    packages = {name: v for name, v in spec.packages.items() if name != "headrace"}
    source = (spec.metadata or {}).get("scorer_source")  # of a scorer that no package versions
    return digest(dump([scorers, roles, packages, *([source] if source else [])]))


def opened(name: str, read: Callable[[str], T]) -> T:
    """What `read` finds in a log. Raises ScoresRefused where that is no log."""
    try:
        return read(name)
    except FileNotFoundError as error:
        raise ScoresRefused(f"{name}: there is no such file") from error
    except Exception as error:  # Inspect raises whatever its zip and JSON readers raise
        raise ScoresRefused(
            f"{name} cannot be read as an Inspect log ({type(error).__name__}): it is cut off, or "
            "none. Copy it again or move it away; rows belong in `.jsonl` or `.csv`"
        ) from error


def _said(log: EvalLog) -> str | None:
    """As tagged or told, also afterwards: Inspect lets people edit tags and metadata of a log."""
    tagged = [tag.partition(":")[2] for tag in log.tags if tag.startswith("release:")]
    for found in [*tagged, log.metadata.get("release"), log.metadata.get("release_id")]:
        if found:
            return str(found)
    return None


def _nowhere(name: str) -> NoReturn:
    raise ScoresRefused(
        f"{name} does not say which release it measured: load it by itself with `--release NAME`, "
        "or run Inspect with `--tags release:NAME`"
    )


def _config_hash(log: EvalLog, release: str) -> str:
    """What the log declares, else release and model settings: the release names its prompt."""
    declared = log.metadata.get("config_hash")
    if declared:
        return str(declared)
    told = log.eval.model_generate_config.model_dump(exclude_none=True)
    settings = {name: value for name, value in told.items() if name not in _PATIENCE}
    setup = log.metadata.get("setup")  # how a task of ours was answered, where not by one turn
    return config_hash(release, log.eval.model, settings | ({"setup": setup} if setup else {}))


def _model(log: EvalLog) -> str:
    """An agent stands for the model that it needs none of."""
    setup = log.metadata.get("setup")
    agent = setup.get("agent") if isinstance(setup, dict) else None
    return str(agent) if agent and log.eval.model == "none/none" else log.eval.model


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
