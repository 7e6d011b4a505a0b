"""Votes of rules. A rule that crashes or cannot tell leaves no vote; it never leaves a 0."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headrace.curate.conversation import Conversation
from headrace.curate.labels.rule import AnyRule, Rule, SqlRule
from headrace.curate.labels.vote import Vote

Ask = Callable[[str], Sequence[Mapping[str, Any]]]  # a query to its rows


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A vote that a rule could not cast."""

    rule: str
    reason: str
    episode_id: str | None = None  # None: the whole rule


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """What rules said of episodes, by rule, then by episode."""

    votes: tuple[Vote, ...]
    refused: tuple[Refused, ...]


def cast(
    rules: Iterable[AnyRule], episodes: Sequence[Conversation], *, at: datetime, ask: Ask
) -> Cast:
    """Ask every rule about every episode; `ask` answers the queries of SQL rules.

    Rows of a query on other episodes, such as those of another project, are left out.
    """
    votes: list[Vote] = []
    refused: list[Refused] = []
    for one in rules:
        given = (
            _called(one, episodes, at) if isinstance(one, Rule) else _asked(one, episodes, at, ask)
        )
        for found in given:
            if isinstance(found, Vote):
                votes.append(found)
            else:
                refused.append(found)
    return Cast(votes=tuple(votes), refused=tuple(refused))


def _called(rule: Rule, episodes: Iterable[Conversation], at: datetime) -> Iterator[Vote | Refused]:
    for episode in episodes:
        try:
            said: object = rule.check(episode)
        except Exception as error:  # a user's code: whatever it raises is a reason
            yield Refused(rule=rule.name, episode_id=episode.episode_id, reason=_reason(error))
            continue
        if said is True or said is False:
            yield _vote(rule, episode.episode_id, said, at)
        elif said is not None:
            reason = f"said {said!r}: return True, False or None"
            yield Refused(rule=rule.name, episode_id=episode.episode_id, reason=reason)


def _asked(
    rule: SqlRule, episodes: Iterable[Conversation], at: datetime, ask: Ask
) -> Iterator[Vote | Refused]:
    try:
        rows = ask(rule.query)
    except Exception as error:
        yield Refused(rule=rule.name, reason=_reason(error))
        return
    if rows and (lacks := {"episode_id", "vote"} - rows[0].keys()):
        yield Refused(rule=rule.name, reason=f"gives no column {' or '.join(sorted(lacks))}")
        return
    said: dict[str, list[object]] = {episode.episode_id: [] for episode in episodes}
    for row in rows:
        if row["episode_id"] in said and row["vote"] is not None:
            said[row["episode_id"]].append(row["vote"])
    for name, values in said.items():
        if values:
            yield _counted(rule, name, values, at)


def _counted(rule: SqlRule, name: str, values: Sequence[object], at: datetime) -> Vote | Refused:
    """One vote of the rows on an episode. A number is no vote unless it is 0 or 1."""
    if odd := [
        value for value in values if not isinstance(value, bool | int) or value not in (0, 1)
    ]:
        reason = f"said {odd[0]!r}: vote true, false, 1, 0 or null"
        return Refused(rule=rule.name, episode_id=name, reason=reason)
    if len(set(values)) > 1:
        return Refused(rule=rule.name, episode_id=name, reason="said both: give one row an episode")
    return _vote(rule, name, bool(values[0]), at)


def _vote(rule: AnyRule, name: str, said: bool, at: datetime) -> Vote:
    return Vote(
        episode_id=name, name=rule.name, source="rule", family=rule.family, value=int(said), at=at
    )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
