"""`headrace dataset push|diff|members`: versions of data sets, on the Hub and side by side."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.console.option import AsJson, Home, Project, Reach
from headrace.console.page import page, print_json, progress, table
from headrace.lake import Lake
from headrace.lake.errors import NoLake
from headrace.lake.settings import Settings

if TYPE_CHECKING:  # the Hub's client takes half a second to import
    from headrace.exporters.hub.push import Pushed


def push(
    dataset: Annotated[Path, typer.Argument(help="Folder of a data set, or its name.")],
    repo: Annotated[str, typer.Argument(help="Repository on the Hub, like my-org/refunds.")],
    public: Annotated[bool, typer.Option("--public", help="Everybody may read it.")] = False,
    pr: Annotated[bool, typer.Option("--pr", help="Open a pull request instead.")] = False,
    traces: Annotated[
        bool, typer.Option("--traces", help="Sessions for the Hub's trace viewer, too.")
    ] = False,
    tag: Annotated[str | None, typer.Option(help="Name of the tag. Default: the version.")] = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Push a data set to the Hugging Face Hub: one commit and one tag for each version."""
    from headrace.exporters import shelf
    from headrace.exporters.hub.push import push as send

    place = shelf.folder_of(dataset, Settings.load(home).home, project)
    with progress(f"pushing {place.name}") as move:
        pushed = send(
            place,
            repo,
            public=public,
            pull=pr,
            traces=traces,
            tag=tag,
            told=lambda what, done, of: move(done, of, f"pushing {place.name}: {what}"),
        )
    known = pushed.pull_request is None and _record(pushed, home)
    if json:
        print_json(pushed)
        return
    page().print(_told(pushed), soft_wrap=True)
    if pushed.pull_request is None and not known:
        page().print("the lake of this home has not built this version: nothing is noted there")


def _record(pushed: "Pushed", home: Path | None) -> bool:
    from headrace.exporters import shelf

    try:
        with Lake.open(home, create=False) as lake:
            return shelf.record(lake, pushed)
    except NoLake:
        return False


def _told(pushed: "Pushed") -> str:
    name = f"{pushed.name} {pushed.version}"
    if pushed.pull_request is not None:
        state = "proposed" if pushed.committed else "proposed already"
        return (
            f"{name}: {state} in {pushed.pull_request}; push again once it is merged, for its tag"
        )
    if not pushed.committed and not pushed.tagged:
        return f"{name}: {pushed.repo} holds it already, as {pushed.tag}: nothing to do"
    load = f'load_dataset("{pushed.repo}", "{pushed.config}", revision="{pushed.tag}")'
    return f"{name}: pushed to {pushed.url}\n{load}"


def diff(
    before: Annotated[str, typer.Argument(help="Folder, version, or name for its newest.")],
    after: Annotated[str, typer.Argument(help="The same, of what came later.")],
    project: Reach = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """What changed between two versions: rows, recipe, suites, reasons of drops."""
    from headrace.exporters import difference

    with _lake(home) as lake:
        old, new = (difference.side(word, lake, project) for word in (before, after))
        found = difference.difference(old, new, lake)
    if json:
        print_json(found)
        return
    page().print(f"{found.before} -> {found.after}", soft_wrap=True)
    lines = [
        *(("added", count, reason) for reason, count in found.added.items()),
        *(("removed", count, reason) for reason, count in found.removed.items()),
        *(("moved", count, way) for way, count in found.moved.items()),
        ("kept", found.kept, ""),
    ]
    page().print(table("rows", ["", "#rows", "why"], lines))
    for title, changes in (("recipe", found.recipe), ("suites", found.suites)):
        if changes:
            page().print(table(title, ["", "before", "after"], _pairs(changes)))
    if found.drops:
        page().print(table("left out", ["reason", "#before", "#after"], _pairs(found.drops)))


def members(
    user: Annotated[str | None, typer.Option("--user", help="Of whom rows are looked for.")] = None,
    episode: Annotated[str | None, typer.Option("--episode", help="An episode's id.")] = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", help="A conversation's id.")
    ] = None,
    project: Reach = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Which versions hold rows of a user, an episode or a conversation, and where they are."""
    from headrace.exporters import lineage

    if (user, episode, conversation).count(None) != 2:
        raise typer.BadParameter("name one of --user, --episode and --conversation")
    with Lake.open(home, create=False) as lake:
        found = lineage.holdings(
            lake, project=project, user=user, episode=episode, conversation=conversation
        )
    if json:
        print_json(found)
        return
    if not found:
        page().print("no version holds a row of it")
        return
    rows = [(h.project, h.name, h.version, len(h.row_ids), h.at, h.hub_repo) for h in found]
    columns = ["project", "name", "version", "#rows", "built, UTC", "on the Hub"]
    page().print(table("", columns, rows))


@contextmanager
def _lake(home: Path | None) -> Iterator[Lake | None]:
    """The lake of a home, if there is one: two folders are compared without."""
    try:
        opened = Lake.open(home, create=False)
    except NoLake:
        yield None
        return
    with opened as lake:
        yield lake


def _pairs(changes: Mapping[str, tuple[object, object]]) -> list[tuple[object, ...]]:
    return [(key, before, after) for key, (before, after) in changes.items()]
