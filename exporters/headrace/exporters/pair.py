"""Rows of preference pairs, from the pairs that the night made of episodes that may be exported.

A pair names two episodes and the message at which they part. Nothing of it is taken on trust: both
must be fit now, their outcomes opposite still, and all before that message equal.
"""

from collections.abc import Mapping, Sequence

import msgspec

from headrace.curate.conversation import Conversation
from headrace.curate.pairs.dialogue import key
from headrace.exporters.call import arguments, names
from headrace.exporters.eligibility import Finding, Standing
from headrace.exporters.row import Row
from headrace.lake.message import Body
from headrace.lake.record import Split
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Fit = Mapping[str, tuple[Conversation, Standing]]  # episodes that may be exported, by id


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A pair as the night left it."""

    chosen: str
    rejected: str
    turn: int  # message at which the two part
    corrected: Body | None = None  # what should have been said; both names are one episode then

    @property
    def names(self) -> tuple[str, ...]:
        return (self.rejected,) if self.corrected else (self.chosen, self.rejected)


class Mined(msgspec.Struct, frozen=True, kw_only=True):
    """The pairs of a project, and why the night left the other episodes alone."""

    pairs: tuple[Made, ...] = ()
    alone: Mapping[str, Finding] = {}


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """The rows, and why the fit episodes in none of them are in none."""

    rows: tuple[Row, ...]
    alone: Mapping[str, Finding]


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


def pairs(found: Mined, fit: Fit) -> Pairing:
    """The rows of the pairs whose episodes are all fit; of the others the reason is told."""
    rows: list[Row] = []
    lost: dict[str, Finding] = {}
    for made in found.pairs:
        reason = _against(made, fit)
        if reason is None:
            rows.append(_row(made, fit))
            continue
        for name in made.names:
            others = [other for other in made.names if other != name]
            lost.setdefault(name, Finding(reason=reason, because_of=next(iter(others), None)))
    in_rows = {name for row in rows for name in row.episode_ids}
    unknown = Finding(reason="not_paired")
    alone = {
        name: lost.get(name) or found.alone.get(name) or unknown
        for name in fit
        if name not in in_rows
    }
    return Pairing(rows=tuple(rows), alone=alone)


def _against(made: Made, fit: Fit) -> str | None:
    """Why a pair makes no row."""
    if any(name not in fit for name in made.names):
        return "partner_left_out"
    rejected, standing = fit[made.rejected]
    chosen, other = fit[made.chosen]
    if rejected.resolution != "failure" or standing.split != other.split:
        return "pair_out_of_date"
    if made.corrected is not None:
        told = made.corrected.get("tool_calls") or ()
        known = names(rejected.tools or ())
        sound = all(c["function"]["name"] in known and arguments(c) is not None for c in told)
        return None if sound and _said(rejected, made.turn) else "pair_out_of_date"
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


def _row(made: Made, fit: Fit) -> Row:
    rejected, standing = fit[made.rejected]
    split: Split = standing.split or "train"  # `judge` lets none without a side through
    if made.corrected is not None:
        return Row.corrected(rejected, made.corrected, made.turn, split)
    return Row.dpo(fit[made.chosen][0], rejected, made.turn, split)


def _made(row: Mapping[str, object]) -> Made:
    body = row["corrected"]
    corrected = None if body is None else msgspec.json.decode(str(body))
    fields = {name: row[name] for name in ("chosen", "rejected", "turn")}
    return msgspec.convert({**fields, "corrected": corrected}, Made)
