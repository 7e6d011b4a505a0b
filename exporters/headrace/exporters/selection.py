"""The rows of a data set and, for every other episode, the reason why it gave none."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headrace.curate.conversation import Conversation, conversations
from headrace.exporters.eligibility import Finding, Standing, judge
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import Objective
from headrace.exporters.pair import Mined, mined, pairs
from headrace.exporters.row import Row
from headrace.lake.message import digest, dump
from headrace.lake.record import Split
from headrace.lake.statement import statements
from headrace.lake.store import Lake


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Every episode is in a row or has a finding against it, never both."""

    objective: Objective
    rows: tuple[Row, ...]  # by row id
    against: Mapping[str, Finding]  # by episode id
    episodes: tuple[Conversation, ...]

    @property
    def drops(self) -> dict[str, int]:
        """Reason -> episodes, most frequent first."""
        counts = Counter(found.reason for found in self.against.values())
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def taken(self) -> tuple[Conversation, ...]:
        """The episodes that are in a row."""
        return tuple(e for e in self.episodes if e.episode_id not in self.against)


def select(lake: Lake, project: str, objective: Objective) -> Selection:
    """Judge every current episode of a project and make the rows of those that pass."""
    found = conversations(lake, project, waiting=True)
    paired = mined(lake, project) if objective == "dpo" else None
    return choose(found, standings(lake, project), objective, paired)


def standings(lake: Lake, project: str) -> dict[str, Standing]:
    """Episode id -> what curation decided about it."""
    sql = statements("headrace.exporters")
    return {
        row.pop("episode_id"): Standing(**row)
        for row in lake.rows(sql["standings"], {"project": project})
    }


def choose(
    episodes: Iterable[Conversation],
    known: Mapping[str, Standing],
    objective: Objective,
    paired: Mined | None = None,
) -> Selection:
    """The selection from episodes and what is known of them; pure, in any order the same.

    Rows of `dpo` are made from `paired` alone.
    """
    everyone = sorted(episodes, key=lambda episode: episode.episode_id)
    against: dict[str, Finding] = {}
    fit: list[tuple[Conversation, Standing]] = []
    for episode in everyone:
        standing = known.get(episode.episode_id, Standing())
        if (found := judge(episode, standing, objective)) is None:
            fit.append((episode, standing))
        else:
            against[episode.episode_id] = found
    rows, more = _rows(fit, objective, paired or Mined())
    return Selection(
        objective=objective,
        rows=tuple(sorted(rows, key=lambda row: row.row_id)),
        against={**against, **more},
        episodes=tuple(everyone),
    )


Fit = Sequence[tuple[Conversation, Standing]]
Found = tuple[Sequence[Row], Mapping[str, Finding]]


def _rows(fit: Fit, objective: Objective, found: Mined) -> Found:
    if objective == "dpo":
        pairing = pairs(found, {episode.episode_id: (episode, known) for episode, known in fit})
        return pairing.rows, pairing.alone
    make = Row.sft if objective == "sft" else Row.kto
    rows = [make(episode, Lesson.of(episode), _split(known)) for episode, known in fit]
    return _one_label(*_single(rows))


def _split(standing: Standing) -> Split:
    """The side of a judged episode: `judge` lets none without a side through."""
    return standing.split or "train"


def _single(rows: Iterable[Row]) -> tuple[list[Row], dict[str, Finding]]:
    """One row of each content; the first episode by name stands for the others."""
    first: dict[str, Row] = {}
    twice: dict[str, Finding] = {}
    for row in rows:
        kept = first.setdefault(row.row_id, row)
        if kept is not row:
            twice |= _against([row], "duplicate", kept.episode_ids[0])
    return list(first.values()), twice


def _one_label(rows: Sequence[Row], against: Mapping[str, Finding]) -> Found:
    """Leave out texts that stand on both sides of an unpaired set: one of the marks is wrong."""
    by_text: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_text[digest(dump([row.prompt, row.completion, row.messages, row.tools]))].append(row)
    more: dict[str, Finding] = dict(against)
    kept: list[Row] = []
    for same in by_text.values():
        if len({row.label for row in same}) == 1:
            kept += same
        else:
            more |= _against(same[:1], "both_labels", same[1].episode_ids[0])
            more |= _against(same[1:], "both_labels", same[0].episode_ids[0])
    return kept, more


def _against(rows: Iterable[Row], reason: str, because_of: str) -> dict[str, Finding]:
    finding = Finding(reason=reason, because_of=because_of)
    return {name: finding for row in rows for name in row.episode_ids}
