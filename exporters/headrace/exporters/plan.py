"""What could be built now, before anything is: a waterfall of gates for each objective.

Episodes are read once for all objectives. Nothing is written, neither to the lake nor to a folder.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from headrace.curate.backlog import Backlog
from headrace.curate.conversation import Conversation
from headrace.curate.step import most_first
from headrace.exporters import gate
from headrace.exporters.audit import suites
from headrace.exporters.eligibility import Seen, Standing, findings
from headrace.exporters.errors import NoSuite, NothingToExport, OneLabelOnly, TooFew
from headrace.exporters.objective import Objective
from headrace.exporters.pair import mined
from headrace.exporters.reason import STAGES, advice, can_change, stage_of
from headrace.exporters.recipe import Recipe
from headrace.exporters.selection import (
    STEP,
    Making,
    Selection,
    Told,
    asked_anew,
    standings,
    unscrubbed,
)
from headrace.exporters.terms import Standings, terms
from headrace.lake.record import Split
from headrace.lake.store import Lake

HIDDEN = "not_scrubbed"
UNRESOLVED = "unresolved"  # how pairs call what the gate of outcomes tells apart


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the waterfall."""

    name: str
    drops: Mapping[str, int]  # reason -> episodes that it stops first, most frequent first
    left: int  # episodes after it


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody could change."""

    reason: str
    episodes: int  # that nothing else keeps out: so many more at most
    advice: str


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What a build for one objective would give now."""

    objective: Objective
    episodes: int
    stages: tuple[Stage, ...]
    rows: int
    splits: Mapping[Split, int]
    against: Mapping[
        str, int
    ]  # reason -> every episode that has it, whether it counts first or not
    switch: Switch | None  # that would help most; None where none would
    refused: str | None  # why a build would be refused as a whole


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    project: str
    outlooks: tuple[Outlook, ...]


def plan(
    lake: Lake,
    project: str,
    recipes: Iterable[Recipe],
    *,
    told: Told = lambda done, of: None,
) -> Plan:
    """The outlook of each recipe, as a build would have it now. Raises BadRecipe."""
    with lake.at(lake.snapshot_id) as still:
        backlog = Backlog.of(still, project, step=STEP, version="", scrubbed=True)
        known = standings(still, project)  # once: what objectives share is held once
        looks = [_Look(still, project, recipe, backlog, known) for recipe in recipes]
        done = 0
        for chunk in backlog:
            for episode in chunk:
                seen: Seen = {}
                for look in looks:
                    look.take(episode, seen)
            done += len(chunk)
            told(done, len(backlog))
        hidden, cases = unscrubbed(still, project), suites(still, project)
        outlooks = tuple(look.outlook(project, hidden, cases) for look in looks)
        return Plan(project=project, outlooks=outlooks)


class _Look:
    """One objective while episodes come."""

    def __init__(
        self, lake: Lake, project: str, recipe: Recipe, backlog: Backlog, known: Standings
    ) -> None:
        paired = mined(lake, project) if recipe.objective in ("dpo", "rm") else None
        self._recipe = recipe
        if recipe.objective == "rl":
            known = asked_anew(lake, project, known)
        self._known = terms(lake, project, recipe, known)
        self._pairless = {} if paired is None else paired.alone
        self._making = Making(recipe, self._known, paired=paired, read=backlog.read, bare=True)
        self._stopped: set[str] = set()
        self._against: Counter[str] = Counter()
        self._alone: Counter[str] = Counter()  # of episodes that have one reason and no other

    def take(self, episode: Conversation, seen: Seen) -> None:
        recipe, standing = self._recipe, self._known.get(episode.episode_id, Standing())
        found = list(findings(episode, standing, recipe.objective, recipe.masks, seen))
        self._making.take(episode, found[0] if found else None)
        if found:
            self._stopped.add(episode.episode_id)
            self._count({one.reason for one in found} | self._unpaired(episode.episode_id))

    def outlook(self, project: str, hidden: Iterable[str], cases: Mapping[str, int]) -> Outlook:
        """What came of all of them, of those that nobody may look at, and of the suites' cases."""
        made = self._making.selected()
        for name, found in made.against.items():
            if name not in self._stopped:  # what came of its row
                self._count({found.reason})
        drops = Counter(made.drops)
        unseen = len({*hidden} - {*made.episodes})
        for counts in (drops, self._against, self._alone):
            counts.update({HIDDEN: unseen} if unseen else {})
        return Outlook(
            objective=made.objective,
            episodes=len(made.marks) + drops.total(),
            stages=tuple(_stages(drops, len(made.marks))),
            rows=len(made.rows),
            splits={"train": made.rows.count("train"), "test": made.rows.count("test")},
            against=most_first(self._against),
            switch=_switch(self._alone),
            refused=_refusal(made, self._recipe, project, cases),
        )

    def _unpaired(self, name: str) -> set[str]:
        """Why an episode that passes no gate would have been in no pair either."""
        found = self._pairless.get(name)
        return set() if found is None or found.reason == UNRESOLVED else {found.reason}

    def _count(self, reasons: set[str]) -> None:
        self._against.update(reasons)
        if "no_tool_definitions" in reasons:  # which would make every tool known
            reasons = reasons - {"call_to_unknown_tool"}
        if len(reasons) == 1:
            self._alone.update(reasons)


def _stages(drops: Mapping[str, int], kept: int) -> Iterator[Stage]:
    left = kept + sum(drops.values())
    for name in STAGES:
        own = {reason: n for reason, n in most_first(drops).items() if stage_of(reason) == name}
        left -= sum(own.values())
        yield Stage(name=name, drops=own, left=left)


def _switch(alone: Mapping[str, int]) -> Switch | None:
    able = [(reason, n) for reason, n in most_first(alone).items() if can_change(reason)]
    for reason, episodes in able[:1]:
        return Switch(reason=reason, episodes=episodes, advice=advice(reason))
    return None


def _refusal(made: Selection, recipe: Recipe, project: str, cases: Mapping[str, int]) -> str | None:
    try:
        gate.check_suites(project, cases, recipe)
        gate.check_rows(made)
        gate.check_enough(made, recipe)
    except (NoSuite, NothingToExport, OneLabelOnly, TooFew) as error:
        return str(error)
    return None
