"""A sample of an Inspect log as attempts, one for each scorer."""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from inspect_ai.scorer import Value

from headrace.evals.cases.content import question_hash
from headrace.evals.errors import ScoresRefused
from headrace.evals.scorers.case import case_scorer
from headrace.evals.scorers.table import is_known
from headrace.evals.scores.archive import SampleRow, Tokens
from headrace.evals.scores.attempt import LIMIT, Attempt
from headrace.evals.scores.header import Header
from headrace.evals.solvers.told import FAILURE, UNRECORDED, figures

LETTERS: Mapping[str, float] = MappingProxyType({"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0})
_OURS = case_scorer.__name__
_LIMITS = MappingProxyType({"working": "working time"})  # where Inspect's word says little
_OPERATOR = "operator"  # somebody stopped it, which says nothing of the product
_NOT_MEASURED = ("grader_failed", "scoring_failed")  # in Inspect's words, whatever the value
_TEXT = 300  # characters of an error that are kept: enough to know it, too few for a transcript


def attempts(log: Header, rows: Sequence[SampleRow]) -> list[Attempt]:
    """One attempt per sample, epoch and scorer: C/I/P/N are 1/0/.5/0, a limit that was reached is
    0, an error absent.

    Raises ScoresRefused where a value lies off the scale.
    """
    scorers = _scorers(log, rows)
    return [attempt for row in rows for attempt in _attempts(log, row, scorers)]


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


def _attempts(log: Header, row: SampleRow, scorers: Sequence[str]) -> list[Attempt]:
    usage = _usage(log.model, row) | (figures(row.metadata) if log.ours else {})
    content = question_hash(row.input, row.target, row.choices)
    return [
        Attempt(
            case_id=str(row.id),
            epoch=row.epoch,
            scorer=_scorer(scorer, row),
            value=value,
            error=error,
            slice=_text(row.metadata.get("slice")),
            cluster=_text(row.metadata.get("cluster")),
            content=content,
            **usage,
        )
        for scorer, value, error in _values(log, row, scorers)
    ]


def _values(
    log: Header, row: SampleRow, scorers: Sequence[str]
) -> list[tuple[str, float | None, str | None]]:
    """Scorer, value and what to say beside it."""
    if row.error or not (row.completed or row.scores):
        why = _short(row.error or log.broken or "the sample was not completed")
        return [(scorer, None, why) for scorer in scorers]
    if log.ours and (failed := row.metadata.get(FAILURE)):
        return [(scorer, 0.0, _short(str(failed))) for scorer in scorers]
    if row.silent or row.limit == _OPERATOR:
        why = "the model timed out" if row.silent else "ended by an operator"
        return [(scorer, None, why) for scorer in scorers]
    if row.limit:
        return [(scorer, 0.0, LIMIT + _LIMITS.get(row.limit, row.limit)) for scorer in scorers]
    if not row.scores:
        why = _short(log.broken or "the sample was not scored")
        return [(scorer, None, why) for scorer in scorers]
    found = [_checked(log.name, row, *part) for part in _parts(row)]
    lost = row.metadata.get(UNRECORDED) if log.ours else None
    told = f"{lost} tool calls were never recorded"  # why a replay may have gone astray
    return [(scorer, v, told if lost and v == 0 else why) for scorer, v, why in found]


def _checked(
    name: str, row: SampleRow, scorer: str, value: Value, reason: str | None
) -> tuple[str, float | None, str | None]:
    if reason in _NOT_MEASURED:
        return scorer, None, f"unscored: {reason}"
    try:
        number = value_of(value)
    except ValueError as error:
        raise ScoresRefused(
            f"{name}: case {row.id!r} has the value {_short(repr(value))} "
            f"from scorer {scorer!r}; values lie in [0, 1], or are C, I, P, N: rescale in the "
            "suite and score again"
        ) from error
    why = "unscored" if reason is None else f"unscored: {_short(reason)}"
    return scorer, number, None if number is not None else why


def _parts(row: SampleRow) -> list[tuple[str, Value, str | None]]:
    """A scorer that gives several values counts as several scorers, `name/key`."""
    parts: list[tuple[str, Value, str | None]] = []
    for scorer, grade in sorted((row.scores or {}).items()):
        if isinstance(grade.value, Mapping):
            named = sorted(grade.value.items())
            parts += [(f"{scorer}/{key}", _present(v), grade.reason) for key, v in named]
        else:
            parts.append((scorer, _present(grade.value), grade.reason))
    return parts


def _present(value: Any) -> Value:
    return math.nan if value is None else value


def _scorers(log: Header, rows: Iterable[SampleRow]) -> list[str]:
    """Whose value is missing where a sample has none: those seen in the log, else its header."""
    seen = {scorer for row in rows for scorer, _, _ in _parts(row)}
    return sorted(seen or set(log.scorers)) or ["unknown"]


def _scorer(name: str, row: SampleRow) -> str:
    """A case of ours names its scorer itself."""
    named = row.metadata.get("scorer")
    ours = name.rpartition("/")[2] == _OURS and is_known(named)
    return str(named) if ours else name


def _usage(model: str, row: SampleRow) -> dict[str, Any]:
    """Of the model under test where the log tells it apart from judges."""
    used = row.model_usage
    rows: list[Tokens] = [used[model]] if model in used else list(used.values())
    seconds = row.working_time if row.working_time is not None else row.total_time
    latency = {"latency_ms": None if seconds is None else seconds * 1000}
    if not rows:
        return latency
    read = sum(t.input_tokens_cache_read or 0 for t in rows)
    written = sum(t.input_tokens_cache_write or 0 for t in rows)
    costs = [t.total_cost for t in rows if t.total_cost is not None]
    return {
        **latency,
        "input_tokens": sum(t.input_tokens for t in rows) + read + written,
        "cached_tokens": read,
        "cache_write_tokens": written,
        "output_tokens": sum(t.output_tokens for t in rows),
        "cost_usd": Decimal(str(sum(costs))) if costs else None,
    }


def _short(text: str) -> str:
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= _TEXT else line[: _TEXT - 1] + "…"


def _text(value: object) -> str | None:
    return None if value is None else str(value)
