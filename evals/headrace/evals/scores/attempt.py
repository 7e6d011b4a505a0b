"""Attempts at cases, and the run that made them, before they are rows of the lake."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from statistics import median

import msgspec

from headrace.lake.record import Run, Score

LIMIT = "limit reached: "  # before the limit that made a value zero
_PLACES = Decimal("1e-9")  # what the lake keeps of a cost: the same number must compare equal


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a case, scored by one scorer."""

    case_id: str
    scorer: str
    value: float | None  # in [0, 1]; None: not measured
    epoch: int = 1
    error: str | None = None  # why there is no value, or why it is zero
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None  # of the input, as its price is another one
    cache_write_tokens: int | None = None
    latency_ms: float | None = None
    cost_usd: Decimal | None = None
    slice: str | None = None
    cluster: str | None = None
    content: str | None = None  # hash of what the case asks and wants; None: only its id is known

    def score(self, run_id: str) -> Score:
        """The row of `scores`."""
        return Score(
            run_id=run_id,
            case_id=self.case_id,
            epoch=self.epoch,
            scorer=self.scorer,
            value=self.value,
            error=self.error,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            latency_ms=self.latency_ms,
            cost_usd=None if self.cost_usd is None else self.cost_usd.quantize(_PLACES),
        )


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a suite against a release; `key` names it wherever its file is copied."""

    key: str
    release: str
    released_at: datetime  # orders releases that the lake does not know yet
    started_at: datetime
    attempts: tuple[Attempt, ...]
    status: str = "success"  # Inspect's words: success, error, cancelled, started
    model: str | None = None
    config_hash: str | None = None
    judge_hash: str | None = None
    log_uri: str | None = None
    uneven: int = 0  # cases with more rows than most, where nothing numbers them
    taken_over: int = 0  # samples left out, as a retry of this run has them

    def run(self, project: str, suite: str, run_id: str) -> Run:
        """The row of `runs`."""
        return Run(
            project=project,
            run_id=run_id,
            suite=suite,
            release=self.release,
            status=self.status,
            started_at=self.started_at,
            model=self.model,
            config_hash=self.config_hash,
            judge_hash=self.judge_hash,
            log_uri=self.log_uri,
        )


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """One run as it stands in the lake, for people to read."""

    project: str
    run_id: str
    suite: str
    release: str
    model: str | None
    status: str
    cases: int
    scores: int
    absent: int  # scores without a value: failed measurements, or outcomes nobody knows
    reasons: Mapping[str, int]  # why they have none -> how many
    mean: float | None  # of the values there are, for display; None where there is none
    changed: bool  # False: the lake knew all of it
    log_uri: str | None = None
    left_out: int = 0  # cases of the suite that only production can answer
    failures: Mapping[str, int] = {}  # why values are zero where no answer was wrong -> how many
    latency_ms: float | None = None  # median of a case, where known
    cost_usd: Decimal | None = None  # of all attempts together, as far as it is known


def ran(run: Run, attempts: Iterable[Attempt], *, changed: bool, left_out: int = 0) -> Ran:
    """The sum of a run."""
    rows = list(attempts)
    values = [attempt.value for attempt in rows if attempt.value is not None]
    return Ran(
        project=run.project,
        run_id=run.run_id,
        suite=run.suite,
        release=run.release,
        model=run.model,
        status=run.status,
        cases=len({attempt.case_id for attempt in rows}),
        scores=len(rows),
        absent=len(rows) - len(values),
        reasons=reasons(rows),
        mean=sum(values) / len(values) if values else None,
        changed=changed,
        log_uri=run.log_uri,
        left_out=left_out,
        failures=dict(Counter(a.error for a in rows if a.value == 0 and a.error).most_common()),
        latency_ms=_median(rows),
        cost_usd=_cost(rows),
    )


def reasons(attempts: Iterable[Attempt]) -> dict[str, int]:
    """Why attempts have no value, commonest first."""
    absent = Counter(a.error or "no value given" for a in attempts if a.value is None)
    return dict(absent.most_common())


def _median(rows: Iterable[Attempt]) -> float | None:
    known = [row.latency_ms for row in rows if row.latency_ms is not None]
    return median(known) if known else None


def _cost(rows: Iterable[Attempt]) -> Decimal | None:
    """Each attempt once, however many scorers looked at it."""
    known = {(r.case_id, r.epoch): r.cost_usd for r in rows if r.cost_usd is not None}
    return sum(known.values(), Decimal(0)) if known else None
