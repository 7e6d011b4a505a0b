"""`headrace doctor dedupe`: why an episode is, or is not, a duplicate."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from headrace.console.option import AsJson, Home, Reach
from headrace.console.page import page, print_json, table
from headrace.lake import Lake
from headrace.lake.settings import Settings

if TYPE_CHECKING:
    from headrace.curate.explanation import Explanation

CHARS = 400  # of a request, where people read it
STEPS = 12


def dedupe(
    episode: Annotated[str, typer.Argument(help="The id of an episode.")],
    project: Reach = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Explain why an episode is, or is not, a duplicate: its partner, what the two share and how
    alike they are, and which others were kept apart from it.
    """
    from headrace.curate.explanation import explain

    with Lake.open(settings=Settings.load(home), create=False) as lake:
        found = explain(lake, episode, project)
    if json:
        print_json({**msgspec.structs.asdict(found), "words": found.words})
    else:
        _show(found)


def _show(found: "Explanation") -> None:
    screen = page()
    screen.print(table(found.episode_id, ["", ""], _facts(found)))
    screen.print()
    for sentence in found.words:
        screen.print(sentence)


def _facts(found: "Explanation") -> list[tuple[str, Any]]:
    said = " ".join((found.request or "nothing").split())
    more = len(found.steps) - STEPS
    steps = "\n".join((*found.steps[:STEPS], *([f"and {more} more"] * (more > 0)))) or "none"
    alike = None if found.partner is None else found.partner.similarity
    return [
        ("project", found.project),
        ("outcome", found.outcome),
        ("decision", f"{'kept' if found.kept else 'not trained on'}: {found.reason}"),
        ("cluster", f"{found.cluster}, {found.rank} of {found.size}"),
        ("partner", found.partner.episode_id if found.partner else None),
        ("similarity", alike),
        ("asks", said if len(said) <= CHARS else f"{said[:CHARS]}…"),
        ("steps", steps),
    ]
