"""The rows of a data set and, for every other episode, the reason why it gave none."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from headrace.curate.backlog import Backlog
from headrace.curate.conversation import Conversation
from headrace.exporters.eligibility import Finding, Standing, judge, question_of
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import Objective
from headrace.exporters.pair import Mined, Read, mined, pairs
from headrace.exporters.row import Rate, Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import digest, dump
from headrace.lake.record import Split
from headrace.lake.statement import statements
from headrace.lake.store import Lake

STEP = "export"  # never marked as done: every build looks at all episodes

Told = Callable[[int, int], None]  # episodes looked at, and all


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Every episode is in a row or has a finding against it, never both."""

    objective: Objective
    rows: RowFile
    against: Mapping[str, Finding]  # by episode id
    marks: Mapping[str, str]  # of every other one: who resolved it, and as what

    @property
    def drops(self) -> dict[str, int]:
        """Reason -> episodes, most frequent first."""
        counts = Counter(found.reason for found in self.against.values())
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def episodes(self) -> list[str]:
        """All that were looked at, by name."""
        return sorted({*self.against, *self.marks})


def select(
    lake: Lake,
    project: str,
    objective: Objective,
    *,
    folder: Path | None = None,
    told: Told = lambda done, of: None,
) -> Selection:
    """Judge every current episode of a project and make the rows of those that pass.

    The rows lie on the disk of `folder`; memory holds the episodes of a chunk.
    """
    given = {"project": project}
    hidden = lake.rows(statements("headrace.exporters")["unscrubbed"], given)
    backlog = Backlog.of(lake, project, step=STEP, version="", scrubbed=True)

    def read(names: Iterable[str]) -> Iterator[Conversation]:
        return (episode for chunk in backlog.named(names) for episode in chunk)

    chosen = choose(
        _counted(backlog, told),
        standings(lake, project),
        objective,
        folder=folder,
        paired=mined(lake, project) if objective in ("dpo", "rm") else None,
        read=read,
        rates=rates(lake, project) if objective == "rl" else {},
    )
    names = [row["episode_id"] for row in hidden if row["episode_id"] not in chosen.marks]
    unscrubbed = dict.fromkeys(names, Finding(reason="not_scrubbed"))
    return msgspec.structs.replace(chosen, against={**unscrubbed, **chosen.against})


def standings(lake: Lake, project: str) -> dict[str, Standing]:
    """Episode id -> what curation decided about it."""
    sql = statements("headrace.exporters")
    return {
        row.pop("episode_id"): Standing(**row)
        for row in lake.rows(sql["standings"], {"project": project})
    }


def rates(lake: Lake, project: str) -> dict[str, Rate]:
    """Cluster of equal requests -> how often production has answered them well."""
    rows = lake.rows(statements("headrace.exporters")["rates"], {"project": project})
    return {row.pop("request"): msgspec.convert(row, Rate) for row in rows}


def choose(
    episodes: Iterable[Conversation],
    known: Mapping[str, Standing],
    objective: Objective,
    *,
    folder: Path | None = None,
    paired: Mined | None = None,
    read: Read | None = None,
    rates: Mapping[str, Rate] = {},
) -> Selection:
    """The selection from episodes and what is known of them, in any order the same.

    Rows of `dpo` and `rm` are made from `paired` alone, whose episodes `read` gives once more.
    """
    rows = _Rows(objective, folder)
    fit: dict[str, Standing] = {}
    for episode in episodes:
        standing = known.get(episode.episode_id, Standing())
        found = judge(episode, standing, objective)
        if found is not None:
            rows.against[episode.episode_id] = found
            continue
        rows.marks[episode.episode_id] = f"{episode.resolved_by or 'unknown'}: {episode.resolution}"
        if paired is None:
            rows.add(_row(episode, objective, standing, rates))
        else:
            fit[episode.episode_id] = standing
    if paired is not None and read is not None:
        rows.pair(paired, fit, read)
    return rows.selected()


class _Rows:
    """Rows as they come, and what speaks against those that had to give way."""

    def __init__(self, objective: Objective, folder: Path | None) -> None:
        self._objective = objective
        self._file = RowFile(folder)
        self._labelled: dict[str, dict[bool, str]] = {}  # a text -> its label -> its row
        self._tasks: dict[str, set[str]] = {}  # a prompt to answer anew -> its rows
        self._twice: dict[str, str] = {}  # an episode -> the row that others are in
        self.against: dict[str, Finding] = {}
        self.marks: dict[str, str] = {}

    def add(self, row: Row) -> None:
        if (lost := self._file.add(row)) is not None:
            self._twice.update(dict.fromkeys(lost.episode_ids, row.row_id))
        if row.label is not None:
            text = digest(dump([row.prompt, row.completion, row.tools]))
            self._labelled.setdefault(text, {})[row.label] = row.row_id
        if row.task_id is not None:
            self._tasks.setdefault(row.task_id, set()).add(row.row_id)

    def pair(self, paired: Mined, fit: Mapping[str, Standing], read: Read) -> None:
        alone = pairs(paired, fit, read, self._objective, self._file)
        for name, finding in alone.items():
            self.against[name] = finding
            del self.marks[name]

    def selected(self) -> Selection:
        """Without texts that stand on both sides of an unpaired set, where one mark is wrong, and
        with each prompt to answer anew once."""
        for name, row_id in self._twice.items():
            self._drop([name], "duplicate", self._file.entry(row_id).episode_ids[0])
        for sides in self._labelled.values():
            if len(sides) == 2:
                one, other = (self._file.discard(sides[label]) for label in (True, False))
                self._drop(one.episode_ids, "both_labels", other.episode_ids[0])
                self._drop(other.episode_ids, "both_labels", one.episode_ids[0])
        for kept, *others in map(sorted, self._tasks.values()):
            for gone in map(self._file.discard, others):
                stands = self._file.entry(kept).episode_ids[0]
                self._drop(gone.episode_ids, "same_task", stands)
        return Selection(
            objective=self._objective, rows=self._file, against=self.against, marks=self.marks
        )

    def _drop(self, episodes: Iterable[str], reason: str, because_of: str) -> None:
        for name in episodes:
            self.against[name] = Finding(reason=reason, because_of=because_of)
            self.marks.pop(name, None)


def _row(
    episode: Conversation, objective: Objective, standing: Standing, rates: Mapping[str, Rate]
) -> Row:
    split: Split = standing.split or "train"  # `judge` lets none without a side through
    if objective == "rl" and (question := question_of(episode)) is not None:
        return Row.rl(episode, question, split, rates.get(standing.request or "", Rate()))
    make = Row.sft if objective == "sft" else Row.kto
    return make(episode, Lesson.of(episode), split)


def _counted(backlog: Backlog, told: Told) -> Iterator[Conversation]:
    done = 0
    for chunk in backlog:
        yield from chunk
        done += len(chunk)
        told(done, len(backlog))
