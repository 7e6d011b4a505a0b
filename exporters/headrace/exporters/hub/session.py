"""Rows as sessions for the trace viewer of the Hub: a head line, then a message a line."""

import re
from collections.abc import Iterator
from pathlib import Path

from headrace.exporters import table
from headrace.exporters.errors import NotPushed
from headrace.exporters.hub.alarm import alarm
from headrace.exporters.hub.head import TRACES
from headrace.exporters.manifest import Manifest
from headrace.exporters.row import Row
from headrace.exporters.rowfile import SPLITS
from headrace.lake.message import Body, digest, dump

WHOLE = ("sft", "kto")  # objectives whose rows are conversations with their end
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def write(directory: Path, made: Manifest, place: Path) -> list[str]:
    """A file for each row below `place`; their paths. Raises NotPushed where one must not leave.

    Nothing is said of what was found but its kind and the episode: it may be a secret.
    """
    _check(made)
    paths = []
    (place / TRACES).mkdir(parents=True)
    for row in _rows(directory, made):
        episode, messages = row.episode_ids[0], row.messages or (*row.prompt, *row.completion)
        if (found := alarm(messages)) is not None:
            raise NotPushed(
                f"episode {episode} holds what looks like a secret ({found}), so that no trace "
                "is pushed: look at it, and push without --traces or build without that episode"
            )
        path = TRACES + _name(episode)
        (place / path).write_text(session(made, episode, messages), encoding="utf-8", newline="\n")
        paths.append(path)
    return sorted(set(paths))


def session(made: Manifest, episode: str, messages: tuple[Body, ...]) -> str:
    """The lines of one session."""
    head = {
        "type": "session",
        "harness": "headrace",
        "id": episode,
        "name": f"{made.name}: {episode}",
        "version": made.version,
    }
    lines = [head, *({"type": "message", "message": message} for message in messages)]
    return "".join(dump(line) + "\n" for line in lines)


def _check(made: Manifest) -> None:
    if made.objective not in WHOLE:
        raise NotPushed(
            f"traces are whole conversations, and rows for {made.objective} are parts: push "
            f"without --traces, or a set for {' or '.join(WHOLE)}"
        )
    if made.audit.scrub is None:
        raise NotPushed(
            f"{made.name} {made.version} was built before there was a scrub, so that its rows "
            "may name people: build it anew to push its traces"
        )


def _rows(directory: Path, made: Manifest) -> Iterator[Row]:
    for split in SPLITS:
        for file in table.paths(split, made.splits[split]):
            yield from table.read(directory / file, made.objective, split)


def _name(episode: str) -> str:
    """A file name; that of an episode whose own name would not do is a hash."""
    return f"{episode if _PLAIN.fullmatch(episode) else digest(episode)[:32]}.jsonl"
