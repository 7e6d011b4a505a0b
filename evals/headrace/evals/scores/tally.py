"""What a load brought, summed up run by run: nothing of the runs themselves is kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from headrace.evals.display.wording import plural
from headrace.evals.scores.attempt import LIMIT, Measured, reasons
from headrace.evals.scores.recording import Recorded

_SHOWN = 3  # names in a sentence


class LoadedScores(msgspec.Struct, frozen=True, kw_only=True):
    """What the files held and what of it was new."""

    project: str
    suite: str
    files: int
    runs: int
    releases: tuple[str, ...]  # oldest first
    cases: int
    scores: int  # attempts in the files, each once
    absent: int  # of these without a value
    reasons: Mapping[str, int]  # why they have none -> how many
    copies: int  # rows or logs that stood there twice
    new_releases: tuple[str, ...]
    new_cases: int
    written: int  # scores that were new or had changed
    edited: tuple[str, ...]  # new cases that ask something else under an id that was known
    notes: tuple[str, ...]  # what is worth knowing, in sentences


class Tally:
    """Sums that grow with the distinct cases, releases and reasons alone."""

    def __init__(self) -> None:
        self._runs = self._scores = self._absent = self._copies = self._taken_over = 0
        self._new_cases = self._written = self._limited = 0
        self._releases: dict[str, datetime] = {}
        self._cases: set[str] = set()
        self._reasons: Counter[str] = Counter()
        self._new_releases: list[str] = []
        self._edited: list[str] = []
        self._uneven = 0
        self._overruled: list[str] = []
        self._empty: list[str] = []
        self._open: list[str] = []
        self._broken: list[str] = []

    def add(self, runs: Sequence[Measured], done: Recorded) -> None:
        """A batch that was recorded."""
        for run in runs:
            self._add_run(run)
        self._new_releases += done.new_releases
        self._new_cases += done.new_cases
        self._written += done.written
        self._edited += done.edited

    def add_copies(self, count: int) -> None:
        self._copies += count

    def add_overruled(self, releases: Sequence[str]) -> None:
        """Of logs that name another release than the one they are loaded as."""
        self._overruled += releases

    def loaded(self, project: str, suite: str, files: int, passed_over: int) -> LoadedScores:
        """The sum of it all."""
        return LoadedScores(
            project=project,
            suite=suite,
            files=files,
            runs=self._runs,
            releases=tuple(sorted(self._releases, key=self._releases.__getitem__)),
            cases=len(self._cases),
            scores=self._scores,
            absent=self._absent,
            reasons=dict(self._reasons.most_common()),
            copies=self._copies,
            new_releases=tuple(self._new_releases),
            new_cases=self._new_cases,
            written=self._written,
            edited=tuple(self._edited),
            notes=tuple(self._notes(passed_over)),
        )

    def _add_run(self, run: Measured) -> None:
        self._runs += 1
        self._scores += len(run.attempts)
        self._taken_over += run.taken_over
        self._uneven += run.uneven
        known = self._releases.setdefault(run.release, run.released_at)
        self._releases[run.release] = min(known, run.released_at)
        self._cases.update(attempt.case_id for attempt in run.attempts)
        self._absent += sum(attempt.value is None for attempt in run.attempts)
        self._reasons.update(reasons(run.attempts))
        self._limited += sum((a.error or "").startswith(LIMIT) for a in run.attempts)
        self._add_state(run)

    def _add_state(self, run: Measured) -> None:
        name = run.log_uri or run.key
        if not run.attempts and not run.taken_over:
            self._empty.append(name)
        if run.status == "started":
            self._open.append(name)
        elif run.status != "success":
            self._broken.append(name)

    def _notes(self, passed_over: int) -> Iterator[str]:
        if self._copies:
            yield f"{plural(self._copies, 'copy', 'copies')} of a row or log: each counts once."
        if self._uneven:
            cases = plural(self._uneven, "case has", "cases have")
            yield (
                f"{cases} more rows than most in a release: each row counts as an attempt. Take "
                "copies out, or number attempts with --epoch."
            )
        if self._overruled:
            logs = plural(len(self._overruled), "log names", "logs name")
            names = _names(dict.fromkeys(self._overruled))
            yield f"{logs} another release ({names}): --release stands before it."
        if self._taken_over:
            samples = plural(self._taken_over, "sample")
            yield f"{samples} of a log stand in its retry too: they count there alone."
        if self._limited:
            scores = plural(self._limited, "score")
            yield f"{scores} of 0 where a limit of tokens, time or messages ended the sample."
        if self._edited:
            cases = plural(len(self._edited), "case asks", "cases ask")
            yield (
                f"{cases} something else than before under the same id: new cases "
                f"({_names(self._edited)}). If they are the same to you, load with --by-id."
            )
        yield from self._states()
        if passed_over:
            yield f"{plural(passed_over, '.json file')} passed over: not named like a log."

    def _states(self) -> Iterator[str]:
        if self._empty:
            logs = plural(len(self._empty), "run")
            yield f"{logs} without a single sample: nothing to load ({_names(self._empty)})."
        if self._open:
            logs = plural(len(self._open), "run")
            yield (
                f"{logs} not ended yet, or killed: no verdict uses it until its finished log is "
                f"loaded ({_names(self._open)})."
            )
        if self._broken:
            logs = plural(len(self._broken), "run")
            yield (
                f"{logs} broken off or cancelled: no verdict uses it. `inspect eval-retry` ends "
                f"it ({_names(self._broken)})."
            )


def _names(names: Iterable[str]) -> str:
    some = [name.rpartition("/")[2] for name in names]
    return ", ".join(some[:_SHOWN]) + (", ..." if len(some) > _SHOWN else "")
