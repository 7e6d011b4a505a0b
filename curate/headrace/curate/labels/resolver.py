"""From votes to labels: a probability and a state for every episode."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
import numpy as np

from headrace.curate.labels import audit
from headrace.curate.labels.dawid_skene import Ballot, Fit, ballot, fit
from headrace.curate.labels.vote import NO_FAMILIES, Families, Vote, pooled, standing
from headrace.lake.record import Resolution

VERSION = "pooled-dawid-skene/1"
SUCCESS = 0.9  # from here on; 97 % of such labels are right where sources are as in the guide
FAILURE = 0.1  # up to here


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What the votes on an episode add up to."""

    episode_id: str
    state: Resolution
    success: float | None  # P(success); None: no vote stands
    votes: int  # that counted, each family once
    audited: bool


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """A source or family as the votes show it."""

    name: str
    votes: int
    hit: float  # P(votes 1 | success)
    reject: float  # P(votes 0 | failure)


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """Labels in order of episode id, and what they rest on."""

    labels: tuple[Label, ...]
    witnesses: tuple[Witness, ...]
    base: float | None  # share of successes; None: no votes at all
    auditor_error: float
    unmatched: int  # votes on episodes that are not known
    version: str = VERSION


def resolve(
    votes: Iterable[Vote],
    ended: Mapping[str, datetime],
    *,
    now: datetime,
    waiting: timedelta,
    families: Families = NO_FAMILIES,
) -> Labels:
    """Resolve the episodes whose ends are given, by all votes on them.

    Votes of people are audits: they hold an episode at the auditors' own rate of error and are no
    votes beside the others; where they are divided it is conflicting, whatever others say. An
    episode that no vote decides is pending for `waiting` after its end. The order of votes and
    episodes counts for nothing, to the last bit.
    """
    given = list(votes)
    audits, others = audit.split(vote for vote in given if vote.episode_id in ended)
    said = audit.counted(audits)
    wrong = audit.error(said)
    held = audit.held(said, wrong)
    cast = pooled(standing(others, families))
    counted = Counter(vote.episode_id for vote in cast)
    names = sorted({*counted, *held})
    paper = ballot(cast, names)
    found = fit(paper, np.array([held.get(name, np.nan) for name in names], dtype=np.float64))
    success = dict(zip(names, found.success.tolist(), strict=True))
    return Labels(
        labels=tuple(
            Label(
                episode_id=name,
                state=(
                    "conflicting"
                    if name in said and name not in held
                    else state(success.get(name), open_still=now - ended[name] <= waiting)
                ),
                success=success.get(name),
                votes=counted[name],
                audited=name in held,
            )
            for name in sorted(ended)
        ),
        witnesses=witnesses(paper, found),
        base=found.base if success else None,
        auditor_error=wrong,
        unmatched=len(given) - len(audits) - len(others),
    )


def state(success: float | None, *, open_still: bool) -> Resolution:
    """The state for a P(success); `open_still`: an outcome may yet come that is awaited."""
    if success is not None and success >= SUCCESS:
        return "success"
    if success is not None and success <= FAILURE:
        return "failure"
    if open_still:
        return "pending"
    return "unmarked" if success is None else "conflicting"


def witnesses(paper: Ballot, found: Fit) -> tuple[Witness, ...]:
    """Who voted, by name, and how well."""
    votes = np.bincount(paper.witness, minlength=len(paper.witnesses)).tolist()
    rows = zip(paper.witnesses, votes, found.hit.tolist(), found.reject.tolist(), strict=True)
    return tuple(
        Witness(name=name, votes=count, hit=hit, reject=reject) for name, count, hit, reject in rows
    )
