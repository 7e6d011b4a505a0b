"""Rows of preference pairs, from the pairs that the night made of episodes that may be exported.

A pair names two episodes and the message at which they part. Nothing of it is taken on trust: both
must be fit now, their outcomes opposite still, and all before that message equal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from headrace.curate.conversation import Conversation
from headrace.curate.pairs.dialogue import key
from headrace.exporters.call import arguments, names
from headrace.exporters.eligibility import Finding, Standing
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body
from headrace.lake.record import Split
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Fit = Mapping[str, Standing]  # episodes that may be exported, by id
Read = Callable[[Iterable[str]], Iterable[Conversation]]  # episodes by id, as they come
Talks = Mapping[str, Conversation]

BATCH = 500  # pairs whose episodes are held at once


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A pair as the night left it."""

    chosen: str
    rejected: str
    turn: int  # message at which the two part
    margin: float | None = None  # between the probabilities of success
    corrected: Body | None = None  # what should have been said; both names are one episode then

    @property
    def names(self) -> tuple[str, ...]:
        return (self.rejected,) if self.corrected else (self.chosen, self.rejected)


class Mined(msgspec.Struct, frozen=True, kw_only=True):
    """The pairs of a project, and why the night left the other episodes alone."""

    pairs: tuple[Made, ...] = ()
    alone: Mapping[str, Finding] = {}


def mined(lake: Lake, project: str) -> Mined:
    """What the step `pair` left in the lake."""
    sql, given = statements("headrace.exporters"), {"project": project}
    pairs = lake.rows(sql["pairs"], given)
    alone = lake.rows(sql["pairless"], given)
    return Mined(
        pairs=tuple(_made(row) for row in pairs),
        alone={
            row["episode_id"]: Finding(reason=row["reason"], because_of=row["because_of"])
            for row in alone
        },
    )


def pairs(
    found: Mined, fit: Fit, read: Read, objective: Objective, rows: RowFile
) -> dict[str, Finding]:
    """Add the rows of the pairs whose episodes are all fit; why each fit one in no row is in none.

    The episodes of a few pairs are read at a time.
    """
    lost: dict[str, Finding] = {}
    twice: dict[str, str] = {}  # an episode -> the row that stands for its own
    for start in range(0, len(found.pairs), BATCH):
        part = found.pairs[start : start + BATCH]
        names = {name for made in part for name in made.names if name in fit}
        talks = {episode.episode_id: episode for episode in read(names)}
        for made in part:
            if (reason := _against(made, fit, talks)) is None:
                row = _row(made, fit, talks, objective)
                if (gone := rows.add(row)) is not None:
                    twice.update(dict.fromkeys(gone.episode_ids, row.row_id))
                continue
            for name in made.names:
                others = [other for other in made.names if other != name]
                told = Finding(reason=reason, because_of=next(iter(others), None))
                lost.setdefault(name, told)
    for name, row_id in twice.items():
        stands = rows.entry(row_id).episode_ids[0]
        lost[name] = Finding(reason="duplicate", because_of=stands)
    in_rows = {name for entry in rows.entries for name in entry.episode_ids}
    unknown = Finding(reason="not_paired")
    return {
        name: lost.get(name) or found.alone.get(name) or unknown
        for name in fit
        if name not in in_rows
    }


def _against(made: Made, fit: Fit, talks: Talks) -> str | None:
    """Why a pair makes no row."""
    if any(name not in fit for name in made.names):
        return "partner_left_out"
    rejected, chosen = talks[made.rejected], talks[made.chosen]
    if rejected.resolution != "failure" or fit[made.rejected].split != fit[made.chosen].split:
        return "pair_out_of_date"
    if made.corrected is not None:
        told = made.corrected.get("tool_calls") or ()
        known = names(rejected.tools or ())
        sound = all(c["function"]["name"] in known and arguments(c) is not None for c in told)
        was = _said(rejected, made.turn)
        changed = was is not None and was != key(made.corrected)
        return None if sound and changed else "pair_out_of_date"
    same = _heard(chosen, made.turn) == _heard(rejected, made.turn)
    good, bad = _said(chosen, made.turn), _said(rejected, made.turn)
    opposed = chosen.resolution == "success" and good and bad and good != bad
    same = same and chosen.tools == rejected.tools
    return None if same and opposed else "pair_out_of_date"


def _heard(episode: Conversation, turn: int) -> Sequence[object]:
    return [key(message) for message in episode.messages[:turn]]


def _said(episode: Conversation, turn: int) -> object:
    """The answer at a turn; None where there is none to train."""
    if not 0 <= turn < len(episode.messages) or not episode.trainable[turn]:
        return None
    found = key(episode.messages[turn])
    return found if found[0] == "assistant" else None


def _row(made: Made, fit: Fit, talks: Talks, objective: Objective) -> Row:
    rejected = talks[made.rejected]
    split: Split = fit[made.rejected].split or "train"  # none without a side passes the gates
    if made.corrected is not None:
        return Row.corrected(rejected, made.corrected, made.turn, split, objective)
    chosen = talks[made.chosen]
    return Row.pair(chosen, rejected, made.turn, split, objective, _margin(made, chosen, rejected))


def _margin(made: Made, chosen: Conversation, rejected: Conversation) -> float | None:
    """By how much the scores differ; where they do not say, the probabilities of success."""
    if chosen.score is None or rejected.score is None or chosen.score <= rejected.score:
        return made.margin
    return chosen.score - rejected.score


def _made(row: Mapping[str, object]) -> Made:
    body = row["corrected"]
    corrected = None if body is None else msgspec.json.decode(str(body))
    fields = {name: row[name] for name in ("chosen", "rejected", "turn", "margin")}
    return msgspec.convert({**fields, "corrected": corrected}, Made)
