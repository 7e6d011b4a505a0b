"""Inspect logs as attempts: the header first, then one summary per sample, never transcripts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from inspect_ai.log import (
    EvalLog,
    EvalSampleSummary,
    EvalSpec,
    read_eval_log,
    read_eval_log_sample_summaries,
)
from inspect_ai.model import ModelUsage
from inspect_ai.scorer import Value

from headrace.evals.attempt import Attempt, Measured
from headrace.evals.errors import ScoresRefused
from headrace.evals.scorer import GRADERS, case_scorer
from headrace.lake.message import digest, dump

LETTERS: Mapping[str, float] = MappingProxyType({"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0})
_OURS = case_scorer.__name__
_TEXT = 300  # characters of an error that are kept: enough to know it, too few for a transcript


def read_logs(files: Iterable[Path | str], release: str | None = None) -> list[Measured]:
    """The runs in Inspect logs (`.eval`, `.json`), oldest first.

    A copied log counts once, and so does a sample that a retried log took over. Values: C/I/P/N
    are 1/0/.5/0, error is absent, a limit that was reached is 0. Raises ScoresRefused.
    """
    headers: dict[str, tuple[str, EvalLog]] = {}
    for name in map(str, files):
        header = _header(name)
        known = headers.setdefault(header.eval.eval_id, (name, header))
        if known[1].status == "started":  # a copy made while it ran
            headers[header.eval.eval_id] = (name, header)
    newest_first = sorted(headers.values(), key=lambda item: item[1].eval.created, reverse=True)
    seen: set[str] = set()
    return [_measured(name, header, release, seen) for name, header in newest_first][::-1]


def judge_hash(spec: EvalSpec) -> str:
    """The identity of what scored: scorers with their options, judge models, Inspect's version.

    Packages enter too, for a scorer's rules change with them; ours carry their own version.
    """
    roles = {name: _plain(role) for name, role in (spec.model_roles or {}).items()}
    scorers = sorted(
        dump([item.name.rpartition("/")[2], item.options or {}]) for item in spec.scorers or []
    )
    packages = {name: v for name, v in spec.packages.items() if name != "headrace"}
    return digest(dump([scorers, roles, packages]))


def value_of(value: Value) -> float | None:
    """A score's value in [0, 1]; None where Inspect left it unscored. Raises ValueError."""
    if isinstance(value, str):
        return LETTERS[value] if value in LETTERS else _number(float(value))
    if isinstance(value, bool | int | float):
        return _number(float(value))
    raise ValueError("no number")


def _number(value: float) -> float | None:
    if math.isnan(value):
        return None
    if not 0 <= value <= 1:
        raise ValueError("outside [0, 1]")
    return value


def _header(name: str) -> EvalLog:
    try:
        return read_eval_log(name, header_only=True)
    except FileNotFoundError as error:
        raise ScoresRefused(f"{name}: there is no such file") from error
    except Exception as error:  # Inspect raises whatever its zip and JSON readers raise
        raise ScoresRefused(
            f"{name} cannot be read as an Inspect log ({type(error).__name__}): give a `.eval` "
            "file or an Inspect `.json` log; rows belong in `.jsonl` or `.csv`"
        ) from error


def _measured(name: str, header: EvalLog, release: str | None, seen: set[str]) -> Measured:
    spec = header.eval
    started = _time(spec.created)
    named = release or _release(name, spec)
    summaries = [s for s in read_eval_log_sample_summaries(name) if _is_new(s, seen)]
    scorers = _scorers(spec, summaries)
    attempts = [a for s in summaries for a in _attempts(name, header, s, scorers)]
    return Measured(
        key=f"inspect:{spec.eval_id}",
        release=named,
        released_at=started,
        started_at=started,
        attempts=tuple(attempts),
        status=header.status,
        model=spec.model,
        config_hash=_config_hash(spec, named),
        judge_hash=judge_hash(spec),
        log_uri=header.location or name,
    )


def _is_new(summary: EvalSampleSummary, seen: set[str]) -> bool:
    if summary.uuid is None:
        return True
    if summary.uuid in seen:
        return False
    seen.add(summary.uuid)
    return True


def _release(name: str, spec: EvalSpec) -> str:
    said = spec.metadata or {}
    tagged = [t.partition(":")[2] for t in spec.tags or [] if t.startswith("release:")]
    for found in [*tagged, said.get("release"), said.get("release_id")]:
        if found:
            return str(found)
    raise ScoresRefused(
        f"{name} does not say which release it measured: load it with `--release NAME`, or run "
        "Inspect with `--tags release:NAME`"
    )


def _config_hash(spec: EvalSpec, release: str) -> str:
    """What the log declares, else release and model settings: the release names its prompt."""
    declared = (spec.metadata or {}).get("config_hash")
    if declared:
        return str(declared)
    return config_hash(
        release, spec.model, spec.model_generate_config.model_dump(exclude_none=True)
    )


def config_hash(release: str, model: str | None, settings: Mapping[str, Any]) -> str:
    """32 hex digits; runs with the same hash measured the same thing again."""
    return digest(dump([release, model, _plain(settings)]))


def _attempts(
    name: str, header: EvalLog, summary: EvalSampleSummary, scorers: Sequence[str]
) -> list[Attempt]:
    about = summary.metadata
    usage = _usage(header.eval, summary)
    seconds = summary.working_time if summary.working_time is not None else summary.total_time
    return [
        Attempt(
            case_id=str(summary.id),
            epoch=summary.epoch,
            scorer=_scorer(scorer, summary),
            value=value,
            error=error,
            latency_ms=None if seconds is None else seconds * 1000,
            slice=_text(about.get("slice")),
            cluster=_text(about.get("cluster")),
            **usage,
        )
        for scorer, value, error in _values(name, header, summary, scorers)
    ]


def _values(
    name: str, header: EvalLog, summary: EvalSampleSummary, scorers: Sequence[str]
) -> list[tuple[str, float | None, str | None]]:
    """Scorer, value and what to say beside it."""
    if summary.error or not summary.completed:
        why = _short(summary.error or _broken(header) or "the sample was not completed")
        return [(scorer, None, why) for scorer in scorers]
    if summary.limit:
        return [(scorer, 0.0, f"limit reached: {summary.limit}") for scorer in scorers]
    if not summary.scores:
        why = _short(_broken(header) or "the sample was not scored")
        return [(scorer, None, why) for scorer in scorers]
    found = _parts(summary)
    return [_checked(name, summary, scorer, value) for scorer, value in found]


def _broken(header: EvalLog) -> str | None:
    """What ended the whole run before its samples were done."""
    return f"the run broke off: {header.error.message}" if header.error else None


def _checked(
    name: str, summary: EvalSampleSummary, scorer: str, value: Value
) -> tuple[str, float | None, str | None]:
    try:
        number = value_of(value)
    except ValueError as error:
        raise ScoresRefused(
            f"{name}: case {summary.id!r} has the value {_short(repr(value))} "
            f"from scorer {scorer!r}; values lie in [0, 1], or are C, I, P, N: rescale in the "
            "suite and score again"
        ) from error
    return scorer, number, None if number is not None else "unscored"


def _parts(summary: EvalSampleSummary) -> list[tuple[str, Value]]:
    """A scorer that gives several values counts as several scorers, `name/key`."""
    parts: list[tuple[str, Value]] = []
    for scorer, score in sorted((summary.scores or {}).items()):
        if isinstance(score.value, Mapping):
            parts += [(f"{scorer}/{k}", _present(item)) for k, item in sorted(score.value.items())]
        else:
            parts.append((scorer, score.value))
    return parts


def _present(value: str | int | float | bool | None) -> Value:
    return math.nan if value is None else value


def _scorers(spec: EvalSpec, summaries: Iterable[EvalSampleSummary]) -> list[str]:
    """Whose value is missing where a sample has none: those seen in the log, else its header."""
    seen = {scorer for summary in summaries for scorer, _ in _parts(summary)}
    named = {item.name.rpartition("/")[2] for item in spec.scorers or []}
    return sorted(seen or named) or ["unknown"]


def _scorer(name: str, summary: EvalSampleSummary) -> str:
    """A case of ours names its scorer itself."""
    named = summary.metadata.get("scorer")
    ours = name.rpartition("/")[2] == _OURS and named in GRADERS
    return str(named) if ours else name


def _usage(spec: EvalSpec, summary: EvalSampleSummary) -> dict[str, Any]:
    """Of the model under test where the log tells it apart from judges."""
    used = summary.model_usage
    rows: list[ModelUsage] = [used[spec.model]] if spec.model in used else list(used.values())
    if not rows:
        return {}
    total = sum(rows, ModelUsage())
    cached = (total.input_tokens_cache_read or 0) + (total.input_tokens_cache_write or 0)
    return {
        "input_tokens": total.input_tokens + cached,
        "output_tokens": total.output_tokens,
        "cost_usd": None if total.total_cost is None else Decimal(str(total.total_cost)),
    }


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT else line[: _TEXT - 1] + "…"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _plain(value: object) -> Any:
    """JSON for a hash; what JSON does not know goes by its type, never by its address."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "model_dump"):
        return _plain(value.model_dump(mode="json", exclude_none=True))
    return value if isinstance(value, str | int | float | None) else type(value).__name__
