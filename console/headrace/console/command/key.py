"""`headrace key`: API keys of the sidecar."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, get_args

import typer

from headrace.console.option import AsJson, Home, Reach
from headrace.console.page import errors, page, print_json, table
from headrace.ingest.key import Key, Scope
from headrace.lake.settings import Settings, make_home

ALL = "every project"
SCOPES: tuple[Scope, ...] = get_args(Scope)


def _known(asked: list[str] | None) -> list[str] | None:
    if unknown := set(asked or ()) - set(SCOPES):
        raise typer.BadParameter(f"{min(unknown)!r}: choose from {', '.join(SCOPES)}")
    return asked


def add(
    name: Annotated[str, typer.Argument(help="What the key is for; no other has this name.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            callback=_known,
            help="ingest, read, or admin, which implies both; may repeat. Default: ingest.",
        ),
    ] = None,
    project: Reach = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Make an API key. Its text goes to stdout, once: the sidecar keeps a hash alone."""
    from headrace.ingest import key, keyfile

    settings = Settings.load(home)
    if settings.keys is None:
        make_home(settings.home)
    asked = scope or ["ingest"]
    scopes = tuple(known for known in SCOPES if known in asked)
    entry, text = key.minted(name, scopes, project, datetime.now(UTC))
    keyfile.add(settings.keys_path, entry)
    if json:
        print_json({**_facts(entry.key), "key": text})
        return
    typer.echo(text)
    said = f"{', '.join(scopes)} on {project or ALL}; id {entry.key.id}; not shown again: keep it"
    errors().print(said, soft_wrap=True)


def list_(home: Home = None, json: AsJson = False) -> None:
    """List the API keys in force, oldest first."""
    keys = _keys(Settings.load(home).keys_path)
    if json:
        print_json([_facts(key) for key in keys])
        return
    if not keys:
        page().print("no keys: `headrace key add NAME` makes one")
        return
    rows = [(k.id, k.name, ", ".join(k.scopes), k.project or ALL, k.created) for k in keys]
    page().print(table("", ["id", "name", "scopes", "project", "made, UTC"], rows))


def revoke(
    key: Annotated[str, typer.Argument(help="Id, name, or the text of a key that leaked.")],
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Take an API key out of force; a running sidecar refuses it within a second."""
    from headrace.ingest import keyfile

    gone, left = keyfile.revoke(Settings.load(home).keys_path, key)
    if json:
        print_json({**_facts(gone.key), "left": left})
        return
    page().print(f"{gone.key.name} ({gone.key.id}) is revoked; {left} left", soft_wrap=True)
    if not left:
        errors().print(
            "a running sidecar now refuses everybody until a key is added; started anew it serves "
            "this machine alone, and asks for no key",
            soft_wrap=True,
        )


def _keys(path: Path) -> list[Key]:
    from headrace.ingest import keyfile

    return [entry.key for entry in keyfile.read(path)[0]]


def _facts(key: Key) -> dict[str, object]:
    return {name: getattr(key, name) for name in key.__struct_fields__}
