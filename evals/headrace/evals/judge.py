"""A judge on trial: its scores beside people's labels, and whether a verdict may rest on them."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import polars as pl

from headrace.evals.display.wording import plural
from headrace.evals.errors import UntrustedJudge
from headrace.evals.judges.agreement import Agreement, agree
from headrace.evals.judges.anchored import Anchored, anchor
from headrace.evals.judges.bar import is_refuted, kappa_words, shortfalls
from headrace.evals.judges.calibration import Labels
from headrace.evals.judges.pairing import Pairs, pair
from headrace.evals.series import Series, UnknownSeries, all_series, chosen, scores
from headrace.evals.statistics.contrast import Codes, Floats
from headrace.lake.store import Lake

HUMAN = "human"  # scorer under which people's labels stand, where nobody says otherwise
LEAST = 20  # labels of a release below which nothing is said of it alone


class SliceAgreement(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    agreement: Agreement


class AnchoredRelease(msgspec.Struct, frozen=True, kw_only=True):
    """The pass rate of a release as people would see it; None stands for all of them together."""

    release: str | None
    rate: Anchored


class JudgeTrial(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge is worth on one suite."""

    project: str
    suite: str
    judge: str
    human: str
    trusted: bool  # a verdict may rest on it
    refuted: bool  # the labels show that none may; neither: there are too few to tell
    shortfalls: tuple[str, ...]  # else: what it lacks and what would mend that
    agreement: Agreement | None  # None: no attempt was labelled by both
    slices: tuple[SliceAgreement, ...]  # largest first; none where there is one slice alone
    people: Agreement | None  # of two of them, where attempts were labelled twice
    anchored: tuple[AnchoredRelease, ...]  # releases in their order, then all of them
    split: int
    absent: int
    unjudged: int
    ambiguous: int
    graded: int

    @property
    def words(self) -> str:
        """The finding in some sentences."""
        return " ".join(_words(self))


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """A trial and the labels that it rests on."""

    trial: JudgeTrial
    labels: Labels

    @property
    def is_telling(self) -> bool:
        """Whether the labels say how much comes through the judge: a refuted one is not asked."""
        found = self.trial.agreement
        return found is not None and not (found.one_class or self.trial.refuted)


def try_judge(
    lake: Lake,
    *,
    suite: str,
    project: str = "default",
    judge: str | None = None,
    human: str = HUMAN,
) -> JudgeTrial:
    """Put a scorer of a suite on trial against another one that holds people's labels.

    By default the judge is the scorer with most releases. Raises UnknownSeries.
    """
    people = named_series(lake, project, suite, human)
    if not people:
        raise UnknownSeries(_nobody(lake, project, suite, human))
    first, *others = chosen(lake, project, suite, judge)
    on_trial = next((s for s in (first, *others) if s not in people), None)
    if on_trial is None or (judge is not None and on_trial != first):
        raise UnknownSeries(
            f"suite {suite!r} has no scorer beside {human!r} to put on trial: load the judge's "
            "scores into the same suite, or name two scorers with --judge and --human"
        )
    return tried(project, suite, on_trial, human, pairs_of(lake, project, suite, on_trial, people))


def named_series(lake: Lake, project: str, suite: str, human: str) -> list[Series]:
    """People's labels, with whatever other scorers they were recorded. Raises UnknownSeries."""
    return [series for series in all_series(lake, project, suite) if series.is_named(human)]


def pairs_of(
    lake: Lake, project: str, suite: str, judge: Series, people: Sequence[Series]
) -> Pairs:
    labels = [scores(lake, project, suite, series) for series in people]
    return pair(scores(lake, project, suite, judge), labels)


def hearing(
    lake: Lake, project: str, suite: str, series: Series, human: str | None
) -> Hearing | None:
    """The trial of a series that a verdict would rest on; None where no label speaks of it.

    Without a name, people's labels are looked for under `human`. Raises UnknownSeries for a name
    that nobody has.
    """
    people = named_series(lake, project, suite, human or HUMAN)
    if human is not None and not people:
        raise UnknownSeries(_nobody(lake, project, suite, human))
    if not people or series in people:
        return None
    pairs = pairs_of(lake, project, suite, series, people)
    if pairs.frame.is_empty():
        return None
    trial = tried(project, suite, series, human or HUMAN, pairs)
    return Hearing(trial=trial, labels=pairs.labels)


def refuse_untrusted(lake: Lake, project: str, suite: str, series: Series) -> None:
    """Raises UntrustedJudge where people's labels show that a series may not feed a verdict."""
    heard = hearing(lake, project, suite, series, None)
    if heard is not None and heard.trial.refuted:
        raise UntrustedJudge(no_verdict(heard.trial))


def no_verdict(trial: JudgeTrial) -> str:
    """The refusal of a verdict that would rest on an untrusted judge."""
    return " ".join([f"No verdict: the judge {trial.judge} may not feed one.", *trial.shortfalls])


def tried(project: str, suite: str, judge: Series, human: str, pairs: Pairs) -> JudgeTrial:
    """The finding on these pairs. Pure: no clock, no chance."""
    found = _agreement(pairs.frame)
    lacks = shortfalls(found) if found else (_unpaired(pairs),)
    doubles = pairs.doubles
    return JudgeTrial(
        project=project,
        suite=suite,
        judge=judge.name,
        human=human,
        trusted=not lacks,
        refuted=found is not None and is_refuted(found),
        shortfalls=lacks,
        agreement=found,
        slices=tuple(_slices(pairs.frame)),
        people=None if doubles.is_empty() else agree(*_columns(doubles, "first", "second")),
        anchored=tuple(_anchored(pairs)),
        split=pairs.split,
        absent=pairs.absent,
        unjudged=pairs.unjudged,
        ambiguous=pairs.ambiguous,
        graded=pairs.graded,
    )


def _nobody(lake: Lake, project: str, suite: str, human: str) -> str:
    known = ", ".join(series.name for series in all_series(lake, project, suite))
    return (
        f"no labels by people in suite {suite!r} under the name {human!r}; scorers: {known}. "
        "Load them with `headrace eval load labels.csv --scorer \"'human'\"`, or name their "
        "scorer with --human"
    )


def _unpaired(pairs: Pairs) -> str:
    if pairs.absent + pairs.unjudged + pairs.ambiguous == 0:
        return "No attempt has a label that tells anything: label 100."
    return (
        "Judge and people scored no attempt in common: label attempts that the judge scored, with "
        "their release, case and epoch."
    )


def _agreement(frame: pl.DataFrame) -> Agreement | None:
    return None if frame.is_empty() else agree(*_columns(frame, "human", "judge"))


def _columns(frame: pl.DataFrame, one: str, other: str) -> tuple[list[int], list[int], list[str]]:
    return frame[one].to_list(), frame[other].to_list(), frame["cluster"].to_list()


def _slices(frame: pl.DataFrame) -> Iterator[SliceAgreement]:
    named = frame.filter(pl.col("slice").is_not_null())
    parts = named.partition_by("slice", as_dict=True, maintain_order=True)
    if len(parts) < 2 and len(named) == len(frame):
        return
    for (name,), part in sorted(parts.items(), key=lambda item: (-len(item[1]), item[0])):
        found = _agreement(part)
        if found is not None:
            yield SliceAgreement(name=str(name), agreement=found)


def _anchored(pairs: Pairs) -> Iterator[AnchoredRelease]:
    counts = pairs.frame.group_by("measured", maintain_order=True).len()
    for release, labels in counts.iter_rows():
        if labels >= LEAST and len(counts) > 1:
            yield AnchoredRelease(release=release, rate=_rate(pairs, release))
    if len(pairs.frame):
        yield AnchoredRelease(release=None, rate=_rate(pairs, None))


def _rate(pairs: Pairs, release: str | None) -> Anchored:
    labelled, rest = pairs.frame, pairs.rest
    if release is not None:
        labelled, rest = (part.filter(pl.col("measured") == release) for part in (labelled, rest))
    return anchor(
        _floats(labelled, "human"),
        _floats(labelled, "value"),
        _floats(rest, "value"),
        _codes([*labelled["cluster"], *rest["cluster"]]),
    )


def _floats(frame: pl.DataFrame, name: str) -> Floats:
    return frame[name].cast(pl.Float64).to_numpy()


def _codes(clusters: Sequence[str]) -> Codes:
    return np.unique(np.array(clusters, dtype=str), return_inverse=True)[1].astype(np.intp)


def _words(trial: JudgeTrial) -> Iterator[str]:
    found = trial.agreement
    said = (
        "may be trusted"
        if trial.trusted
        else "may not feed a verdict"
        if trial.refuted
        else "is not proven yet"
    )
    beside = f" over {plural(found.n, 'label')}" if found else ""
    kappa = f": kappa {kappa_words(found)}" if found and found.kappa is not None else ""
    yield f"Judge {trial.judge} {said}{kappa}{beside}."
    yield from trial.shortfalls
    if trial.anchored:
        rate = trial.anchored[-1].rate
        yield (
            f"Human-anchored pass rate {_percent(rate.mean)} [{_percent(rate.low)}, "
            f"{_percent(rate.high)}]; the judge alone says {_percent(rate.judge)}."
        )
    if trial.people is not None and trial.people.kappa is not None:
        yield (
            f"Two people agree with kappa {kappa_words(trial.people)} on "
            f"{plural(trial.people.n, 'attempt')} labelled twice."
        )
    yield from _left_out(trial)


def _left_out(trial: JudgeTrial) -> Iterator[str]:
    if trial.split:
        yield f"{plural(trial.split, 'attempt')} left out: people are divided."
    if trial.absent:
        yield f"{plural(trial.absent, 'labelled attempt')} without a score of the judge."
    if trial.unjudged:
        yield f"{plural(trial.unjudged, 'labelled attempt')} that the judge never saw."
    if trial.ambiguous:
        yield f"{plural(trial.ambiguous, 'labelled attempt')} left out: it scored them differently."
    if trial.graded:
        yield f"{plural(trial.graded, 'graded score')} of the judge count as passes from 0.5 up."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
