"""The rows of a data set and, for every other episode, the reason why it gave none."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from sys import intern

import msgspec

from headrace.curate.backlog import Backlog
from headrace.curate.conversation import Conversation
from headrace.curate.step import most_first
from headrace.exporters.eligibility import Finding, Standing, judge
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import Objective
from headrace.exporters.pair import Mined, Read, mined, pairs
from headrace.exporters.ration import Portion, surplus
from headrace.exporters.recipe import Recipe
from headrace.exporters.row import Rate, Row
from headrace.exporters.rowfile import Entry, RowFile
from headrace.exporters.task import corrections, question, rates
from headrace.exporters.terms import terms
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
        return most_first(Counter(found.reason for found in self.against.values()))

    @property
    def episodes(self) -> list[str]:
        """All that were looked at, by name."""
        return sorted({*self.against, *self.marks})


def select(
    lake: Lake,
    project: str,
    objective: Objective,
    *,
    recipe: Recipe | None = None,
    folder: Path | None = None,
    told: Told = lambda done, of: None,
) -> Selection:
    """Judge every current episode of a project and make the rows of those that pass.

    The rows lie on the disk of `folder`; memory holds the episodes of a chunk. Raises BadRecipe.
    """
    recipe = recipe or Recipe(objective=objective)
    backlog = Backlog.of(lake, project, step=STEP, version="", scrubbed=True)
    chosen = choose(
        _counted(backlog, told),
        terms(lake, project, recipe, standings(lake, project, objective)),
        objective,
        recipe=recipe,
        folder=folder,
        paired=mined(lake, project) if objective in ("dpo", "rm") else None,
        read=backlog.read,
    )
    names = [name for name in unscrubbed(lake, project) if name not in chosen.marks]
    hidden = dict.fromkeys(names, Finding(reason="not_scrubbed"))
    return msgspec.structs.replace(chosen, against={**hidden, **chosen.against})


def unscrubbed(lake: Lake, project: str) -> list[str]:
    """The episodes that nothing may be learnt of yet."""
    rows = lake.rows(statements("headrace.exporters")["unscrubbed"], {"project": project})
    return [row["episode_id"] for row in rows]


def standings(lake: Lake, project: str, objective: Objective | None = None) -> dict[str, Standing]:
    """Episode id -> what curation decided about it, and what the objective needs beside that."""
    rows = lake.rows(statements("headrace.exporters")["standings"], {"project": project})
    known = {row.pop("episode_id"): Standing(**row) for row in rows}
    return asked_anew(lake, project, known) if objective == "rl" else known


def asked_anew(lake: Lake, project: str, known: Mapping[str, Standing]) -> dict[str, Standing]:
    """The same with what is needed where prompts are answered anew."""
    measured, corrected = rates(lake, project), corrections(lake, project)
    return {
        name: msgspec.structs.replace(
            one, rate=measured.get(one.request or "", Rate()), correction=corrected.get(name)
        )
        for name, one in known.items()
    }


def choose(
    episodes: Iterable[Conversation],
    known: Mapping[str, Standing],
    objective: Objective,
    *,
    recipe: Recipe | None = None,
    folder: Path | None = None,
    paired: Mined | None = None,
    read: Read | None = None,
) -> Selection:
    """The selection from episodes and what is known of them, in any order the same.

    Rows of `dpo` and `rm` are made from `paired` alone, whose episodes `read` gives once more.
    """
    recipe = recipe or Recipe(objective=objective)
    made = Making(recipe, known, folder=folder, paired=paired, read=read)
    for episode in episodes:
        standing = known.get(episode.episode_id, Standing())
        made.take(episode, judge(episode, standing, objective, recipe.masks))
    return made.selected()


class Making:
    """A selection while episodes come: their rows, and what speaks against the others.

    A `bare` one counts rows and keeps none.
    """

    def __init__(
        self,
        recipe: Recipe,
        known: Mapping[str, Standing],
        *,
        folder: Path | None = None,
        paired: Mined | None = None,
        read: Read | None = None,
        bare: bool = False,
    ) -> None:
        self._recipe, self._objective = recipe, recipe.objective
        self._known, self._paired, self._read = known, paired, read
        self._fit: dict[str, Standing] = {}  # what may be in a pair
        self._file = RowFile(folder, bare=bare)
        self._good: dict[str, str] = {}  # a text that is labelled so -> its row
        self._bad: dict[str, str] = {}
        self._tasks: dict[str, list[str]] = {}  # a prompt to answer anew -> its rows
        self._twice: dict[str, str] = {}  # an episode -> the row that others are in
        self.against: dict[str, Finding] = {}
        self.marks: dict[str, str] = {}

    def take(self, episode: Conversation, against: Finding | None) -> None:
        """An episode, and the first reason against it if there is one."""
        name = episode.episode_id
        if against is not None:
            self.against[name] = against
            return
        standing = self._known.get(name, Standing())
        self.marks[name] = intern(f"{episode.resolved_by or 'unknown'}: {episode.resolution}")
        if self._paired is None:
            self._add(_row(episode, self._recipe, standing))
        else:
            self._fit[name] = standing

    def _add(self, row: Row) -> None:
        if (lost := self._file.add(row)) is not None:
            self._twice.update(dict.fromkeys(lost.episode_ids, row.row_id))
        if row.label is not None:
            text = digest(dump([row.prompt, row.completion, row.tools]))
            (self._good if row.label else self._bad)[text] = row.row_id
        if row.task_id is not None and lost is None:
            self._tasks.setdefault(row.task_id, []).append(row.row_id)

    def selected(self) -> Selection:
        """The rows that stay: each content once, and no more than the recipe takes."""
        if self._paired is not None and self._read is not None:
            self._pair(self._paired, self._read)
        self._settle()
        self._ration()
        return Selection(
            objective=self._objective, rows=self._file, against=self.against, marks=self.marks
        )

    def _pair(self, paired: Mined, read: Read) -> None:
        alone = pairs(paired, self._fit, read, self._objective, self._file)
        for name, finding in alone.items():
            self.against[name] = finding
            del self.marks[name]

    def _settle(self) -> None:
        """Without texts that stand on both sides of an unpaired set, where one mark is wrong, and
        with each prompt to answer anew once."""
        for name, row_id in self._twice.items():
            self._drop([name], "duplicate", self._file.entry(row_id).episode_ids[0])
        for text in sorted(self._good.keys() & self._bad.keys()):
            one, other = self._file.discard(self._good[text]), self._file.discard(self._bad[text])
            self._drop(one.episode_ids, "both_labels", other.episode_ids[0])
            self._drop(other.episode_ids, "both_labels", one.episode_ids[0])
        for kept, *others in map(sorted, self._tasks.values()):
            for gone in map(self._file.discard, others):
                stands = self._file.entry(kept).episode_ids[0]
                self._drop(gone.episode_ids, "same_task", stands)

    def _ration(self) -> None:
        """Without what the recipe has enough of; an episode may be in another row still."""
        lost = surplus(map(self._portion, self._file.entries), self._recipe)
        gone = [(self._file.discard(row_id), reason) for row_id, reason in lost.items()]
        stay = {name for entry in self._file.entries for name in entry.episode_ids}
        for entry, reason in gone:
            self._drop((name for name in entry.episode_ids if name not in stay), reason)

    def _portion(self, entry: Entry) -> Portion:
        known = [self._known.get(name, Standing()) for name in entry.episode_ids]
        return Portion(
            row_id=entry.row_id,
            split=entry.split,
            tokens=self._file.tokens(entry.row_id),
            label=self._file.label(entry.row_id),
            request=known[0].request,
            customers=tuple(sorted({one.customer for one in known if one.customer is not None})),
            part=known[0].part,
        )

    def _drop(self, episodes: Iterable[str], reason: str, because_of: str | None = None) -> None:
        for name in episodes:
            self.against[name] = Finding(reason=reason, because_of=because_of)
            self.marks.pop(name, None)


def _row(episode: Conversation, recipe: Recipe, standing: Standing) -> Row:
    objective = recipe.objective
    split: Split = standing.split or "train"  # `judge` lets none without a side through
    if objective == "rl" and (asked := question(episode, standing.correction)) is not None:
        return Row.rl(episode, asked, split, standing.rate)
    make = Row.sft if objective == "sft" else Row.kto
    return make(episode, Lesson.of(episode, recipe.masks), split)


def _counted(backlog: Backlog, told: Told) -> Iterator[Conversation]:
    done = 0
    for chunk in backlog:
        yield from chunk
        done += len(chunk)
        told(done, len(backlog))
