"""What changed from one version of a data set to another: rows, recipe, suites, drops."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from headrace.curate.step import most_first
from headrace.exporters import manifest
from headrace.exporters.errors import NotADataset
from headrace.exporters.manifest import Manifest
from headrace.lake.record import Split
from headrace.lake.statement import statements
from headrace.lake.store import Lake

Change = tuple[Any, Any]  # before, after; null: it was not there


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a row stands, and whose it is."""

    split: Split
    episode_ids: tuple[str, ...]


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of two versions; drops and suites are known of a folder alone."""

    project: str
    name: str
    version: str
    objective: str
    rows: Mapping[str, Place]
    recipe: Mapping[str, Any]
    drops: Mapping[str, int] | None = None
    suites: Mapping[str, str] | None = None  # suite -> hash and number of its cases

    @classmethod
    def of(cls, made: Manifest) -> Self:
        places = {
            row.row_id: Place(split=row.split, episode_ids=row.episode_ids) for row in made.rows
        }
        return cls(
            project=made.project,
            name=made.name,
            version=made.version,
            objective=made.objective,
            rows=places,
            recipe=msgspec.json.decode(msgspec.json.encode(made.recipe.said)),  # as in the lake
            drops=made.audit.drops,
            suites={
                suite: f"{cases} cases {made.audit.suite_hashes.get(suite, '')[:12]}".strip()
                for suite, cases in made.audit.suites.items()
            },
        )

    @classmethod
    def stored(cls, lake: Lake, row: Mapping[str, Any]) -> Self:
        """A version as the lake knows it."""
        where = {key: row[key] for key in ("project", "name", "version")}
        found = lake.rows(statements("headrace.exporters")["version_members"], where)
        return cls(
            **where,
            objective=row["objective"],
            rows={each.pop("row_id"): msgspec.convert(each, Place) for each in found},
            recipe=msgspec.json.decode(row["recipe"]),
        )

    @property
    def episodes(self) -> set[str]:
        return {name for place in self.rows.values() for name in place.episode_ids}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """From `before` to `after`; reasons count rows."""

    before: str
    after: str
    kept: int  # rows that are in both
    added: Mapping[str, int]  # why -> rows
    removed: Mapping[str, int]
    moved: Mapping[str, int]  # "train to test" -> rows
    recipe: Mapping[str, Change]
    suites: Mapping[str, Change] | None  # None: not known of both
    drops: Mapping[str, Change] | None
    added_rows: tuple[str, ...]
    removed_rows: tuple[str, ...]
    moved_rows: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not any((self.added, self.removed, self.moved, self.recipe))


def side(word: str, lake: Lake | None, project: str | None = None) -> Side:
    """A folder, a version, or the newest version of a name. Raises NotADataset."""
    if (Path(word) / manifest.NAME).is_file() or lake is None:
        return Side.of(Manifest.load(Path(word)))
    given = {"project": project, "word": word}
    found = lake.rows(statements("headrace.exporters")["versions"], given)
    if not found:
        raise NotADataset(
            f"{word!r} is neither the folder of a data set nor a version or a name that "
            "`headrace dataset list` shows"
        )
    return Side.stored(lake, found[0])


def difference(before: Side, after: Side, lake: Lake | None = None) -> Difference:
    """What became of every row; the lake, where there is one, knows why episodes left."""
    added, removed = after.rows.keys() - before.rows.keys(), before.rows.keys() - after.rows.keys()
    both, known = before.rows.keys() & after.rows.keys(), before.episodes
    sides = {row: (before.rows[row].split, after.rows[row].split) for row in both}
    moved = {row: f"{old} to {new}" for row, (old, new) in sides.items() if old != new}
    return Difference(
        before=f"{before.name} {before.version}",
        after=f"{after.name} {after.version}",
        kept=len(both),
        added=most_first(Counter(_came(after.rows[row], known) for row in added)),
        removed=most_first(Counter(_left(before, removed, after, lake).values())),
        moved=most_first(Counter(moved.values())),
        recipe=_changes(before.recipe, after.recipe),
        suites=_known(before.suites, after.suites),
        drops=_known(before.drops, after.drops),
        added_rows=tuple(sorted(added)),
        removed_rows=tuple(sorted(removed)),
        moved_rows=tuple(sorted(moved)),
    )


def _came(place: Place, known: set[str]) -> str:
    return "changed" if known & set(place.episode_ids) else "new"


def _left(before: Side, removed: Iterable[str], after: Side, lake: Lake | None) -> dict[str, str]:
    """Row -> why it is not there any more."""
    names = {row: before.rows[row].episode_ids for row in removed}
    fates = _fates(before, {name for each in names.values() for name in each}, lake)
    still = after.episodes
    return {
        row: next(
            (fates[name] for name in each if name in fates),
            "changed" if still & set(each) else "not known",
        )
        for row, each in names.items()
    }


def _fates(before: Side, episodes: set[str], lake: Lake | None) -> dict[str, str]:
    """Episode -> the reason for which the last build left it out, of those that it did."""
    if lake is None or not episodes:
        return {}
    given = {
        "project": before.project,
        "objective": before.objective,
        "episodes": sorted(episodes),
    }
    rows = lake.rows(statements("headrace.exporters")["fates"], given)
    return {row["episode_id"]: row["reason"] for row in rows if row["reason"]}


def _known(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Any:
    return None if before is None or after is None else _changes(before, after)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Change]:
    keys = sorted(before.keys() | after.keys())
    pairs = {key: (before.get(key), after.get(key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
