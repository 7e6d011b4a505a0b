"""All that was said of a project's episodes, in columns, and what it adds up to."""

from collections.abc import Mapping
from typing import get_args

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from headrace.curate.labels import audit
from headrace.curate.labels.dawid_skene import Ballot, Fit, Ids, fit
from headrace.curate.labels.declared import Declared
from headrace.curate.labels.odds import Floats, probability
from headrace.lake.record import Source
from headrace.lake.statement import statements
from headrace.lake.store import Lake
from headrace.lake.threshold import Threshold

RANKS: tuple[Source, ...] = get_args(Source)  # who is believed first
DIGITS = 3  # of a probability: another night's votes must not rewrite every episode


class Poll(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Everybody's word on one project."""

    marks: pa.Table  # episode_id (null: it reaches none), source, name, author, at, score, verdict
    heard: pa.Table  # votes of rules, judges and silence that stand
    rulings: pa.Table  # per episode what the table of sources says
    voices: pa.Table  # votes of rules, judges, models and people, families once
    weighed: pa.Table  # per episode: success, witnesses, voices (of rules, judges, models), ayes
    ballot: Ballot
    found: Fit
    auditor_error: float


def poll(
    lake: Lake,
    project: str,
    *,
    terms: Declared,
    thresholds: Mapping[str, Threshold],
) -> Poll:
    """Read the marks and votes of a project and weigh them; costs seconds for a million."""
    marks = marks_of(lake, project, thresholds)
    heard = lake.table(_sql("heard"), {"project": project}, {"marks": marks})
    said = {"marks": marks, "heard": heard}
    rulings = lake.table(_sql("rulings"), None, {**said, "policy": _policy()})
    voices = lake.table(_sql("voices"), None, {**said, "families": _families(terms)})
    return _weighed(marks, heard, rulings, voices, terms)


def marks_of(lake: Lake, project: str, thresholds: Mapping[str, Threshold]) -> pa.Table:
    """The outcomes of a project and the episodes that each reaches."""
    sql, rules = statements("headrace.curate")["marks_of_episodes"], _thresholds(thresholds)
    return lake.table(sql, {"project": project}, {"thresholds": rules})


def words(lake: Lake, polled: Poll, terms: Declared) -> pa.Table:
    """What each voter's word is: episode_id, source, witness, author, family, value."""
    said = {"marks": polled.marks, "heard": polled.heard, "families": _families(terms)}
    return lake.table(_sql("words"), None, said)


def unaided(polled: Poll, terms: Declared) -> tuple[list[str], Floats, Ids]:
    """What all but people make of the episodes that people spoke of, to be held against them.

    Episode ids, P(success), and how many more people say yes than no.
    """
    order, place, margin, _ = _people(polled.rulings, polled.voices)
    human = _is_human(polled.voices)
    fixed = _fixed(np.zeros_like(margin), _by_place(polled.rulings, order), 0.0, terms)
    value = polled.voices["value"].to_numpy()
    ballot = _ballot(polled.voices["witness"], place, value, ~human, len(order))
    spoken = np.bincount(ballot.episode, minlength=len(order)) > 0
    asked = np.flatnonzero((margin != 0) & (spoken | ~np.isnan(fixed)))
    return order.take(asked).to_pylist(), fit(ballot, fixed).success[asked], margin[asked]


def _weighed(
    marks: pa.Table, heard: pa.Table, rulings: pa.Table, voices: pa.Table, terms: Declared
) -> Poll:
    order, place, margin, people = _people(rulings, voices)
    count, human = len(order), _is_human(voices)
    wrong = audit.error_of(*_doubles(voices, place, count), terms.rates.human)
    known = _by_place(rulings, order)
    fixed = _fixed(margin, known, wrong, terms)
    ballot = _ballot(voices["witness"], place, voices["value"].to_numpy(), ~human, count)
    found = fit(ballot, fixed)
    cast = np.bincount(ballot.episode, minlength=count)
    ayes = np.bincount(ballot.episode[ballot.value == 1], minlength=count)
    witnesses = cast + people + known["knowing"]
    return Poll(
        marks=marks,
        heard=heard,
        rulings=rulings,
        voices=voices,
        weighed=pa.table(
            {
                "episode_id": order,
                "success": pa.array(np.round(found.success, DIGITS), mask=witnesses == 0),
                "witnesses": witnesses,
                "voices": cast,
                "ayes": ayes,
            }
        ),
        ballot=ballot,
        found=found,
        auditor_error=wrong,
    )


def _people(rulings: pa.Table, voices: pa.Table) -> tuple[pa.Array, Ids, Ids, Ids]:
    """Episodes that anybody spoke of, in order; where each voice stands among them; by how many
    more people yes than no was said; and how many people spoke.
    """
    spoken = [*voices["episode_id"].chunks, *_knowing(rulings).chunks]
    names = pc.unique(pa.chunked_array(spoken, pa.string()))
    order = names.take(pc.sort_indices(names))
    place = pc.index_in(voices["episode_id"], order).to_numpy()
    value = voices["value"].to_numpy()
    human = _is_human(voices)
    ones, zeros = (
        np.bincount(place[human & (value == kind)], minlength=len(order)) for kind in (1, 0)
    )
    return order, place, ones - zeros, ones + zeros


def _doubles(voices: pa.Table, place: Ids, count: int) -> tuple[Ids, Ids]:
    """How many of the first two people say yes of each episode, and how many no.

    A third is asked where two disagree: to count that one as well would make auditors look worse.
    """
    value, blind = voices["value"].to_numpy(), voices["blind"].to_numpy()
    ones, zeros = (np.bincount(place[blind & (value == kind)], minlength=count) for kind in (1, 0))
    return ones, zeros


def _is_human(voices: pa.Table) -> NDArray[np.bool_]:
    human: NDArray[np.bool_] = pc.equal(voices["source"], audit.AUDITOR).to_numpy()
    return human


def _fixed(margin: Ids, known: Mapping[str, Ids], wrong: float, terms: Declared) -> Floats:
    """P(success) that those who know hold an episode at; NaN where none does or they are divided.

    What a person says who looked at the episode is weighed alone.
    """
    people = margin * audit.weight(wrong)
    others = sum(
        known[name] * audit.weight(getattr(terms.rates, name)) for name in ("product", "user")
    )
    evidence = np.where(people != 0, people, others)
    fixed: Floats = np.where(evidence != 0, probability(evidence), np.nan)
    return fixed


def _knowing(rulings: pa.Table) -> pa.ChunkedArray:
    return rulings.filter(pc.greater(rulings["knowing"], 0))["episode_id"]


def _by_place(rulings: pa.Table, order: pa.Array) -> dict[str, Ids]:
    """Columns of the rulings in the order of these episodes; 0 where there is none."""
    row = pc.index_in(order, rulings["episode_id"].combine_chunks())
    return {
        name: pc.fill_null(pc.cast(rulings[name], "int64").combine_chunks().take(row), 0).to_numpy(
            zero_copy_only=False
        )
        for name in ("product", "user", "knowing")
    }


def _ballot(
    witness: pa.ChunkedArray, place: Ids, value: Ids, counted: NDArray[np.bool_], episodes: int
) -> Ballot:
    cast = witness.filter(counted)
    names = sorted(pc.unique(cast).to_pylist())
    return Ballot(
        episodes=episodes,
        witnesses=tuple(names),
        episode=place[counted].astype(np.int64),
        witness=pc.index_in(cast, pa.array(names, cast.type)).to_numpy().astype(np.int64),
        value=value[counted].astype(np.float64),
    )


def _thresholds(given: Mapping[str, Threshold]) -> pa.Table:
    rules = given.values()
    return pa.table(
        {
            "name": pa.array(list(given), pa.string()),
            "comparator": pa.array([rule.comparator for rule in rules], pa.string()),
            "bound": pa.array([rule.bound for rule in rules], pa.float64()),
        }
    )


def _policy() -> pa.Table:
    return pa.table({"source": list(RANKS), "rank": list(range(len(RANKS)))})


def _families(terms: Declared) -> pa.Table:
    return pa.table(
        {
            "witness": pa.array(list(terms.families), pa.string()),
            "family": pa.array(list(terms.families.values()), pa.string()),
        }
    )


def _sql(name: str) -> str:
    return statements("headrace.curate", "votes.sql")[name]
