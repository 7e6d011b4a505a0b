"""Who votes on episodes, how good each one is, and whether it may be believed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from headrace.curate.labels.calibration import ece
from headrace.curate.labels.declared import Declared, declared
from headrace.curate.labels.family import Proposal, propose
from headrace.curate.labels.poll import Poll, poll, unaided, words
from headrace.curate.labels.resolver import FAILURE, SUCCESS, witnesses
from headrace.curate.labels.vote import Vote
from headrace.evals.judge import LEAST, SliceAgreement
from headrace.evals.judges.agreement import Agreement, agree
from headrace.evals.judges.bar import is_refuted, kappa_words, shortfalls
from headrace.lake.record import Source
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Row = Mapping[str, Any]

_ANY_TIME = datetime.min.replace(tzinfo=UTC)  # of votes that stand alone


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """A source and name, or a judge, as its votes show it."""

    name: str
    source: Source
    family: str | None  # those who count once with it
    votes: int
    episodes: int
    ayes: int  # votes for success
    hit: float | None  # of successes, the share that it (or its family) calls so
    false: float | None  # of failures, the share that it calls successes
    assumed: bool  # these two are no finding: it is taken to know
    trusted: bool  # those who know agree with it well enough
    refuted: bool  # they show that it may not be believed; neither: too few words to tell
    shortfalls: tuple[str, ...]  # what it lacks, and what would mend that
    agreement: Agreement | None  # with those who know; None: nothing to compare with
    slices: tuple[SliceAgreement, ...]  # by release, those with 20 episodes or more

    @property
    def words(self) -> str:
        """The finding in a sentence or more."""
        if self.agreement is None:
            return f"{self.name}: nobody who knows spoke of an episode that it voted on."
        said = "agrees" if self.trusted else "is untrustworthy" if self.refuted else "is not proven"
        kappa = f"kappa {kappa_words(self.agreement)} on {self.agreement.n} episodes"
        return " ".join([f"{self.name} {said}: {kappa}.", *self.shortfalls])


class Fidelity(msgspec.Struct, frozen=True, kw_only=True):
    """Whether probabilities made without people mean what people then say."""

    episodes: int
    even: bool  # of the even sample of the review queue alone, which speaks of all
    error: float  # expected calibration error
    accuracy: float  # at .5
    gated: int  # of them, those at .9 and above or .1 and below
    right: float | None  # of those, the share on the right side; None: there are none


class Witnesses(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who votes on the episodes of a project."""

    project: str
    truth: Source  # who the others are compared with
    base: float | None  # share of successes, by all votes together
    auditor_error: float
    witnesses: tuple[Witness, ...]  # in order of name
    proposals: tuple[Proposal, ...]  # who looks like a family, and is not declared as one
    fidelity: Fidelity | None  # None: people spoke of too few episodes that others spoke of


def heard(lake: Lake, project: str, *, truth: Source = "human") -> Witnesses:
    """Read the votes of a project and compare each witness with those who know.

    Rates of products, users and people are what they are taken for; those of rules, judges and
    models come out of all votes together, one of a family for each of its members.
    """
    terms = declared(lake.settings, project)
    polled = poll(lake, project, terms=terms, thresholds=terms.thresholds)
    said = words(lake, polled, terms)
    beside = lake.table(
        _sql("beside_those_who_know"), {"project": project, "truth": truth}, {"words": said}
    ).to_pylist()
    pairs = {name: list(rows) for name, rows in groupby(beside, key=lambda row: row["witness"])}
    sources = lake.table(_sql("sources"), None, {"words": said}).to_pylist()
    rates = _rates(polled, terms)
    return Witnesses(
        project=project,
        truth=truth,
        base=polled.found.base if polled.ballot.episodes else None,
        auditor_error=polled.auditor_error,
        witnesses=tuple(_witness(row, rates, pairs.get(row["witness"], [])) for row in sources),
        proposals=tuple(_proposals(lake, said, terms)),
        fidelity=_fidelity(lake, project, polled, terms),
    )


def _fidelity(lake: Lake, project: str, polled: Poll, terms: Declared) -> Fidelity | None:
    """By the even sample of the review queue where it is large enough, else by all reviews."""
    names, success, margin = unaided(polled, terms)
    rows = lake.rows(_sql("chances"), {"project": project})
    chances = {row["episode_id"]: row["chance"] for row in rows}
    drawn = np.array([name in chances for name in names], dtype=bool)
    even = int(drawn.sum()) >= LEAST
    if len(names) < LEAST:
        return None
    chance = [chances[name] for name in names if name in chances] if even else None
    kept = drawn if even else np.ones(len(names), dtype=bool)
    said, truth = success[kept], (margin[kept] > 0).astype(np.int64)
    error = ece(said, truth, chance)
    sure = (said >= SUCCESS) | (said <= FAILURE)
    right = (said > 0.5) == (truth == 1)
    return (
        None
        if error is None
        else Fidelity(
            episodes=len(said),
            even=even,
            error=error,
            accuracy=float(right.mean()),
            gated=int(sure.sum()),
            right=float(right[sure].mean()) if sure.any() else None,
        )
    )


def _rates(polled: Poll, terms: Declared) -> dict[str, tuple[float, float]]:
    """(hit, false) by family or name of those that vote, by source of those that know."""
    known = {
        "human": polled.auditor_error,
        "product": terms.rates.product,
        "user": terms.rates.user,
    }
    return {
        **{
            found.name: (found.hit, 1 - found.reject)
            for found in witnesses(polled.ballot, polled.found)
        },
        **{source: (1 - error, error) for source, error in known.items()},
    }


def _witness(row: Row, rates: Mapping[str, tuple[float, float]], pairs: Sequence[Row]) -> Witness:
    assumed = row["source"] in ("human", "product", "user")
    named = row["source"] if assumed else row["family"] or row["witness"]
    hit, false = rates.get(named, (None, None))
    found = _agreement(pairs)
    lacks = () if found is None else shortfalls(found)
    return Witness(
        name=row["witness"],
        source=row["source"],
        family=row["family"],
        votes=row["votes"],
        episodes=row["episodes"],
        ayes=row["ayes"],
        hit=hit,
        false=false,
        assumed=assumed,
        trusted=found is not None and not lacks,
        refuted=found is not None and is_refuted(found),
        shortfalls=lacks,
        agreement=found,
        slices=tuple(_slices(pairs)),
    )


def _agreement(pairs: Sequence[Row]) -> Agreement | None:
    if not pairs:
        return None
    truth, value, cluster = ([row[name] for row in pairs] for name in ("truth", "value", "cluster"))
    return agree(truth, value, cluster)


def _slices(pairs: Sequence[Row]) -> Iterator[SliceAgreement]:
    """Releases, the largest first; one alone is all there is."""
    parts: dict[str, list[Row]] = {}
    for row in pairs:
        if row["release"] is not None:
            parts.setdefault(row["release"], []).append(row)
    if len(parts) < 2:
        return
    for name, part in sorted(parts.items(), key=lambda item: (-len(item[1]), item[0])):
        found = _agreement(part) if len(part) >= LEAST else None
        if found is not None:
            yield SliceAgreement(name=name, agreement=found)


def _proposals(lake: Lake, said: pa.Table, terms: Declared) -> list[Proposal]:
    rows = lake.table(_sql("audited_words"), None, {"words": said}).to_pylist()
    votes = [
        Vote(
            episode_id=row["episode_id"],
            name=row["witness"].partition("/")[2],
            source=row["source"],
            author=row["author"],
            family=row["family"],
            value=row["value"],
            at=_ANY_TIME,
        )
        for row in rows
    ]
    return propose(votes, terms.families)


def _sql(name: str) -> str:
    return statements("headrace.curate", "votes.sql")[name]
