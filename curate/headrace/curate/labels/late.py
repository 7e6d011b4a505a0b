"""Outcomes that are known by a time: what their absence says, once that time is over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from headrace.curate.labels.vote import Vote
from headrace.lake.record import Source


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome of the product that comes within `window` after the end of an episode, or never.

    A booking that was not paid within three days failed: silence 0. A ticket that was not opened
    again within a week is solved: silence 1.
    """

    name: str
    window: timedelta
    silence: Literal[0, 1]
    source: Source = "product"
    family: str | None = None


def silent(
    votes: Iterable[Vote], ended: Mapping[str, datetime], late: Sequence[Late], *, now: datetime
) -> Iterator[Vote]:
    """The votes that silence casts: none before a window closes, none where the outcome came.

    A vote that was taken back is silence again, one that comes after the window stands.
    """
    last: dict[tuple[str, str, str], Vote] = {}
    for vote in votes:
        key = vote.episode_id, vote.source, vote.name
        if key not in last or (vote.at, vote.value is not None) > (
            last[key].at,
            last[key].value is not None,
        ):
            last[key] = vote
    for one in late:
        for name in sorted(ended):
            closes = ended[name] + one.window
            said = last.get((name, one.source, one.name))
            if now > closes and (said is None or said.value is None):
                yield _vote(one, name, closes)


def _vote(late: Late, name: str, closes: datetime) -> Vote:
    return Vote(
        episode_id=name,
        name=late.name,
        source=late.source,
        family=late.family,
        author="silence",
        value=late.silence,
        at=closes,
    )
