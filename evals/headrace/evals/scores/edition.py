"""Editions of a case: what asks something else under an old id is another case."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from headrace.evals.scores.attempt import Attempt, Measured

_KNOWN = "content:"  # before the hash of a case whose question came with its scores
_EDITED = re.compile(r"@[0-9a-f]{8}$")


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """Runs whose attempts go by the ids of their editions, and cases that nobody knew."""

    runs: tuple[Measured, ...]
    new: Mapping[str, Attempt]  # case id -> the first attempt at it
    edited: tuple[str, ...]  # ids of new cases that are editions of older ones


def settle(runs: Iterable[Measured], known: Mapping[str, str], *, by_id: bool = False) -> Settled:
    """Give every attempt the id of its edition; `known`: case id -> content hash in the lake.

    The first content seen under an id keeps it, another one is `id@` and 8 digits of its hash.
    Cases of a suite, and those known by their id alone, are taken by their id, as are all `by_id`.
    """
    hashes = dict(known)
    new: dict[str, Attempt] = {}
    settled = []
    for run in runs:
        attempts = [item if by_id else _edition(item, hashes) for item in run.attempts]
        for attempt in attempts:
            if attempt.case_id not in hashes:
                hashes[attempt.case_id] = known_by(attempt.content) or ""
                new[attempt.case_id] = attempt
        settled.append(msgspec.structs.replace(run, attempts=tuple(attempts)))
    edited = tuple(name for name, attempt in new.items() if _is_edition(name, attempt))
    return Settled(runs=tuple(settled), new=new, edited=edited)


def known_by(content: str | None) -> str | None:
    """The content hash of a case whose question came with its scores."""
    return None if content is None else _KNOWN + content


def base(case_id: str) -> str:
    """The id without its edition."""
    return _EDITED.sub("", case_id)


def _edition(attempt: Attempt, hashes: Mapping[str, str]) -> Attempt:
    there, here = hashes.get(attempt.case_id, ""), known_by(attempt.content)
    if here is None or here == there or not there.startswith(_KNOWN):
        return attempt
    return msgspec.structs.replace(attempt, case_id=_named(attempt.case_id, here))


def _named(case_id: str, known: str) -> str:
    return f"{case_id}@{known.removeprefix(_KNOWN)[:8]}"


def _is_edition(name: str, attempt: Attempt) -> bool:
    here = known_by(attempt.content)
    return here is not None and name == _named(base(name), here)
