"""Where the data sets of a home lie, and what the lake knows of each version."""

from pathlib import Path

from headrace.exporters import manifest
from headrace.exporters.errors import NotADataset
from headrace.exporters.hub.head import Held
from headrace.exporters.hub.push import Pushed
from headrace.lake.statement import statements
from headrace.lake.store import Lake


def folder_of(word: Path, home: Path, project: str | None = None) -> Path:
    """The folder itself, or that of the data set of this name that a night has built.

    Raises NotADataset.
    """
    if word.is_dir():
        return word
    nights = home / "datasets"
    found = [
        file.parent
        for file in sorted(nights.glob(f"*/*/{manifest.NAME}"))
        if _is(file, word, project)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotADataset(
            f"{word} is the name of {len(found)} data sets: name a folder, "
            f"{' or '.join(str(place) for place in found)}"
        )
    raise NotADataset(
        f"{word} is no folder, and no data set below {nights} has this name: name the folder that "
        "it was built into"
    )


def _is(file: Path, name: Path, project: str | None) -> bool:
    held = Held.read(file.read_bytes())
    return held is not None and held.name == str(name) and project in (None, held.project)


def record(lake: Lake, pushed: Pushed) -> bool:
    """Write down where a version stands on the Hub; False: this lake has not built it."""
    where = {"project": pushed.project, "name": pushed.name, "version": pushed.version}
    sql = statements("headrace.exporters")
    if not lake.rows(sql["built"], where):
        return False
    place = {**where, "repo": pushed.repo, "revision": pushed.revision}
    lake.write(lambda tx: tx.run(sql["pushed"], place))
    return True
