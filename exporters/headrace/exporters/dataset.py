"""Data sets: built from the lake, checked against the evaluation, written whole, recorded."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from headrace.curate.decontaminate import leaks
from headrace.exporters import card, croissant, folder, gate, manifest, picture, recipefile, table
from headrace.exporters.audit import audit, suites
from headrace.exporters.eligibility import Finding
from headrace.exporters.errors import NotADataset
from headrace.exporters.formats import writer
from headrace.exporters.formats.dialect import Shape
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.formats.registry import Format, format_named
from headrace.exporters.manifest import Manifest
from headrace.exporters.recipe import Recipe
from headrace.exporters.rowfile import SPLITS
from headrace.exporters.selection import Selection, select
from headrace.exporters.validation import Validation, validate
from headrace.lake.message import dump
from headrace.lake.record import Dataset, Decision, Member, Split
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

__all__ = ["Built", "Validation", "build", "build_from", "listed", "validate"]

# what is being done, how much of it is done, and of how much
Told = Callable[[str, int, int], None]


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
    told: Told = lambda what, done, of: None,
) -> Built:
    """As `build_from`, with a recipe of these words alone. Raises UnknownObjective too."""
    words = {
        "objective": objective,
        "formats": [*formats],
        "license": license,
        "without_evals": without_evals,
        "accept_leaks": accept_leaks,
        "allow_lossy": allow_lossy,
    }
    recipe = recipefile.recipe(words)
    return build_from(lake, project, name, recipe, out=out, now=now, told=told)


def build_from(
    lake: Lake,
    project: str,
    name: str,
    recipe: Recipe,
    *,
    out: Path | str,
    now: datetime,
    told: Told = lambda what, done, of: None,
) -> Built:
    """Build a data set into the folder `out` and record it with its rows and decisions.

    The same lake and recipe give the same version and the same bytes. All is read from one
    snapshot, whatever is written meanwhile. Memory holds what is known of rows, not the rows.
    Raises UnusableName, UnknownFormat, BadRecipe, NotADataset, Unwritable, NoSuite,
    NothingToExport, OneLabelOnly, EvalLeak, LossyFormat, TooFew, TooLarge.
    """
    gate.check_name(name)
    dialects = [format_named(format, recipe.objective) for format in recipe.formats]
    place = folder.place(out)
    folder.check_owner(place, project, name)
    gate.check_suites(project, suites(lake, project), recipe)
    snapshot = lake.snapshot_id
    with folder.fresh(place) as fresh, lake.at(snapshot) as still:
        selection = _select(lake, still, project, recipe, place.parent, now, told)
        leaked = gate.check_leaks(_overlaps(still, project, selection), recipe)
        version = manifest.version(selection.rows.entries, recipe)
        there = _there(place, project, name, version)
        if there is None:
            draft = _draft(still, project, name, version, snapshot, recipe, selection, leaked)
            with folder.writing(place):
                made = _put(fresh, draft, selection, dialects, told)
            folder.check_free(place)  # somebody may have put a file there meanwhile
        else:
            made = there
    lake.write(lambda tx: _record(tx, made, now))
    return Built(
        version=made.version,
        rows=len(made.rows),
        splits=made.splits,
        drops=selection.drops,
        path=place,
        loss=made.formats,
        written=there is None,
    )


def listed(lake: Lake, project: str) -> list[Dataset]:
    """The data sets of a project, oldest first."""
    rows = lake.rows(statements("headrace.exporters")["datasets"], {"project": project})
    return [Dataset(**row) for row in rows]


def _select(
    lake: Lake,
    still: Lake,
    project: str,
    recipe: Recipe,
    disk: Path,
    now: datetime,
    told: Told,
) -> Selection:
    """The rows; what was decided is kept even where nothing is left to export, to be read."""

    def looked(done: int, of: int) -> None:
        told("episodes", done, of)

    with folder.writing(disk):
        selection = select(
            still, project, recipe.objective, recipe=recipe, folder=disk, told=looked
        )
    lake.write(lambda tx: _write_decisions(tx, project, selection, now))
    gate.check_rows(selection)
    gate.check_enough(selection, recipe)
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
            episode_id=name,
            kept=found is None,
            reason="exported" if found is None else found.reason,
            because_of=None if found is None else found.because_of,
            at=now,
        )
        for name in selection.episodes
        for found in [selection.against.get(name)]
    ]
    tx.append("decisions", decisions)


def _overlaps(lake: Lake, project: str, selection: Selection) -> dict[str, Finding]:
    """The episodes to be exported that overlap the evaluation, looked for once more."""
    found = leaks(lake, project, set(selection.marks))
    return {leak.episode_id: Finding(reason=leak.reason, because_of=leak.case_id) for leak in found}


def _there(place: Path, project: str, name: str, version: str) -> Manifest | None:
    """What the folder holds, where it holds this version, whole, as these libraries write it."""
    try:
        there = Manifest.load(place)
    except NotADataset:
        return None
    same = (there.project, there.name, there.version) == (project, name, version)
    same = same and there.libraries == manifest.libraries()
    return there if same and validate(place).ok else None


def _draft(
    lake: Lake,
    project: str,
    name: str,
    version: str,
    snapshot: int,
    recipe: Recipe,
    selection: Selection,
    leaked: int,
) -> Manifest:
    """The manifest before there are files; a version built before keeps its snapshot."""
    where = {"project": project, "name": name, "version": version}
    before = lake.rows(statements("headrace.exporters")["built"], where)
    stood = before[0]["snapshot_id"] if before else snapshot
    older = {**where, "objective": recipe.objective, "snapshot": stood}
    parents = lake.rows(statements("headrace.exporters")["parent"], older)
    return Manifest(
        project=project,
        name=name,
        version=version,
        objective=recipe.objective,
        recipe=recipe,
        snapshot_id=stood,
        rows=selection.rows.entries,
        audit=audit(lake, project, selection, leaked),
        formats=(),
        libraries=manifest.libraries(),
        files={},
        parent=parents[0]["version"] if parents else None,
        lengths={split: selection.rows.lengths(split) for split in SPLITS},
    )


def _put(
    fresh: Path, draft: Manifest, selection: Selection, dialects: Sequence[Format], told: Told
) -> Manifest:
    """Every file, and last the manifest that names them. Raises LossyFormat, TooFew, TooLarge."""
    written = _put_formats(fresh, draft, selection, dialects, told)
    _put_rows(fresh, selection, told)
    return _seal(fresh, msgspec.structs.replace(draft, formats=written))


def _put_formats(
    fresh: Path, draft: Manifest, selection: Selection, dialects: Sequence[Format], told: Told
) -> tuple[LossReport, ...]:
    """The files of every dialect. Raises LossyFormat, TooFew, TooLarge."""
    shape = Shape.of(draft.name, selection.objective, selection.rows)
    reports = []
    for at, format in enumerate(dialects):
        told("formats", at, len(dialects))
        place = fresh / "formats" / format.name
        written = writer.write(format, selection.rows, shape, place)
        gate.check_limits(format, written, place, draft.recipe)
        reports.append(written.loss)
    told("formats", len(dialects), len(dialects))
    gate.check_loss(reports, draft.recipe)
    return tuple(reports)


def _put_rows(fresh: Path, selection: Selection, told: Told) -> None:
    """The canonical rows, a shard after another."""
    (fresh / "data").mkdir()
    done, whole = 0, len(selection.rows)
    for split in SPLITS:
        rows, left = selection.rows.side(split), selection.rows.count(split)
        for file in table.paths(split, left):
            table.write(islice(rows, table.SHARD), selection.objective, fresh / file)
            done += min(left, table.SHARD)
            left -= table.SHARD
            told("rows", done, whole)


def _seal(fresh: Path, made: Manifest) -> Manifest:
    """The pages for people and for catalogues, then the manifest that names every file."""
    made = msgspec.structs.replace(made, records=manifest.records(fresh))
    files = {file: manifest.sha_of(fresh / file) for file in folder.files(fresh)}
    (fresh / "charts").mkdir()
    pages = {**picture.charts(made), "README.md": card.card(made)}
    pages[croissant.NAME] = croissant.croissant(made, card.about(made), files)
    for name, page in pages.items():
        (fresh / name).write_text(page, encoding="utf-8", newline="\n")
    files |= {name: manifest.sha_of(fresh / name) for name in pages}
    sealed = msgspec.structs.replace(made, files=files)
    (fresh / manifest.NAME).write_bytes(sealed.encode())
    return sealed


def _record(tx: Transaction, made: Manifest, now: datetime) -> None:
    dataset = Dataset(
        project=made.project,
        name=made.name,
        version=made.version,
        objective=made.objective,
        at=now,
        snapshot_id=made.snapshot_id,
        rows=len(made.rows),
        recipe=dump(made.recipe.said),
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
