"""Data sets: built from the lake, checked against the evaluation, written whole, recorded."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from headrace.curate.decontaminate import leaks
from headrace.exporters import card, folder, gate, manifest, table
from headrace.exporters.audit import audit, suites
from headrace.exporters.eligibility import Finding
from headrace.exporters.errors import NotADataset
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.formats.registry import Adapted, Write, writer
from headrace.exporters.manifest import Audit, Manifest, Recipe
from headrace.exporters.objective import objective as objective_named
from headrace.exporters.selection import Selection, select
from headrace.exporters.validation import SPLITS, Validation, validate
from headrace.lake.message import dump
from headrace.lake.record import Dataset, Decision, Member, Split
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

__all__ = ["Built", "Validation", "build", "listed", "validate"]


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What a build made."""

    version: str
    rows: int
    splits: Mapping[Split, int]
    drops: Mapping[str, int]  # reason -> episodes
    path: Path
    loss: tuple[LossReport, ...]  # one per format
    written: bool  # False: the folder already held this version


def build(
    lake: Lake,
    project: str,
    name: str,
    objective: str,
    *,
    out: Path | str,
    now: datetime,
    formats: Sequence[str] = ("trl",),
    license: str = "other",
    without_evals: bool = False,
    accept_leaks: bool = False,
    allow_lossy: bool = False,
) -> Built:
    """Build a data set into the folder `out` and record it with its rows and decisions.

    The same lake and recipe give the same version and the same bytes. Raises UnusableName,
    UnknownObjective, UnknownFormat, NotADataset, Unwritable, NoSuite, NothingToExport,
    OneLabelOnly, EvalLeak, LossyFormat.
    """
    gate.check_name(name)
    recipe = Recipe(
        objective=objective_named(objective),
        formats=tuple(sorted(set(formats))),
        license=license,
        without_evals=without_evals,
        accept_leaks=accept_leaks,
        allow_lossy=allow_lossy,
    )
    writers = {format: writer(format) for format in recipe.formats}
    place = folder.place(out)
    snapshot = lake.snapshot_id
    gate.check_suites(project, suites(lake, project), recipe)
    selection = _select(lake, project, recipe, now)
    leaked = gate.check_leaks(_overlaps(lake, project, selection), recipe)
    counted = audit(lake, project, selection, leaked)
    adapted = _adapt(selection, writers, recipe)
    made = _manifest(lake, project, name, snapshot, recipe, selection, counted, adapted)
    contents = _contents(made, selection, adapted)
    made = msgspec.structs.replace(made, files={k: manifest.sha(v) for k, v in contents.items()})
    with folder.writing(place):
        written = not _holds(place, made)
        if written:
            folder.put(place, {**contents, manifest.NAME: made.encode()})
    made = Manifest.load(place)  # of two builds of one version, the first one's stands
    lake.write(lambda tx: _record(tx, made, now))
    return Built(
        version=made.version,
        rows=len(made.rows),
        splits=made.splits,
        drops=selection.drops,
        path=place,
        loss=made.losses,
        written=written,
    )


def listed(lake: Lake, project: str) -> list[Dataset]:
    """The data sets of a project, oldest first."""
    rows = lake.rows(statements("headrace.exporters")["datasets"], {"project": project})
    return [Dataset(**row) for row in rows]


def _select(lake: Lake, project: str, recipe: Recipe, now: datetime) -> Selection:
    """The rows; what was decided is kept even where nothing is left to export, to be read."""
    selection = select(lake, project, recipe.objective)
    lake.write(lambda tx: _write_decisions(tx, project, selection, now))
    gate.check_rows(selection)
    return selection


def _write_decisions(tx: Transaction, project: str, selection: Selection, now: datetime) -> None:
    """Put the verdicts of this build in the place of those of the last one for its objective."""
    where = {"project": project, "version": selection.objective}
    tx.run(statements("headrace.exporters")["forget_decisions"], where)
    decisions = [
        Decision(
            project=project,
            step="export",
            version=selection.objective,
            episode_id=episode.episode_id,
            kept=found is None,
            reason="exported" if found is None else found.reason,
            because_of=None if found is None else found.because_of,
            at=now,
        )
        for episode in selection.episodes
        for found in [selection.against.get(episode.episode_id)]
    ]
    tx.append("decisions", decisions)


def _overlaps(lake: Lake, project: str, selection: Selection) -> dict[str, Finding]:
    """The episodes to be exported that overlap the evaluation, looked for once more."""
    found = leaks(lake, project, {episode.episode_id for episode in selection.taken})
    return {leak.episode_id: Finding(reason=leak.reason, because_of=leak.case_id) for leak in found}


def _adapt(
    selection: Selection, writers: Mapping[str, Write], recipe: Recipe
) -> dict[str, Adapted]:
    adapted = {format: write(selection.rows, recipe.objective) for format, write in writers.items()}
    gate.check_loss((made.loss for made in adapted.values()), recipe)
    return adapted


def _manifest(
    lake: Lake,
    project: str,
    name: str,
    snapshot: int,
    recipe: Recipe,
    selection: Selection,
    counted: Audit,
    adapted: Mapping[str, Adapted],
) -> Manifest:
    rows = manifest.entries(selection.rows)
    version = manifest.version(rows, recipe)
    where = {"project": project, "name": name, "version": version}
    # A version built before keeps its snapshot: the same version is the same bytes.
    before = lake.rows(statements("headrace.exporters")["built"], where)
    return Manifest(
        project=project,
        name=name,
        version=version,
        objective=recipe.objective,
        recipe=recipe,
        snapshot_id=before[0]["snapshot_id"] if before else snapshot,
        rows=rows,
        audit=counted,
        losses=tuple(made.loss for made in adapted.values()),
        libraries=manifest.libraries(),
        files={},
    )


def _contents(
    made: Manifest, selection: Selection, adapted: Mapping[str, Adapted]
) -> dict[str, bytes]:
    """Every file but the manifest."""
    contents = {"README.md": card.card(made).encode()}
    for split in SPLITS:
        if rows := [row for row in selection.rows if row.split == split]:
            contents[table.path(split)] = table.write(rows, made.objective)
    for format, files in adapted.items():
        for file, text in files.files.items():
            contents[f"formats/{format}/{file}"] = text.encode()
    return contents


def _holds(place: Path, made: Manifest) -> bool:
    """Does the folder hold this version, whole?"""
    try:
        there = Manifest.load(place)
    except NotADataset:
        return False
    same = (there.project, there.name, there.version) == (made.project, made.name, made.version)
    return same and validate(place).ok


def _record(tx: Transaction, made: Manifest, now: datetime) -> None:
    dataset = Dataset(
        project=made.project,
        name=made.name,
        version=made.version,
        objective=made.objective,
        at=now,
        snapshot_id=made.snapshot_id,
        rows=len(made.rows),
        recipe=dump(msgspec.to_builtins(made.recipe)),
        manifest_hash=manifest.sha(made.encode()),
    )
    members = [
        Member(
            project=made.project,
            name=made.name,
            version=made.version,
            row_id=row.row_id,
            split=row.split,
            episode_ids=row.episode_ids,
        )
        for row in made.rows
    ]
    tx.add_new("datasets", [dataset], on=["project", "name", "version"])
    tx.add_new("members", members, on=["project", "name", "version", "row_id"])
