"""Votes of rules. A rule that crashes or cannot tell leaves no vote; it never leaves a 0."""

from collections.abc import Callable, Iterable, Iterator

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.curate.conversation import Conversation
from headrace.curate.labels.rule import Rule, SqlRule

Ask = Callable[[str], pa.Table]  # a query to its rows


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Votes that a rule could not cast."""

    rule: str
    reason: str
    episodes: int | None = None  # how many; None: the whole rule


class Cast(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a query said: `votes` has `episode_id` and `value` (0 or 1), an episode once."""

    votes: pa.Table
    refused: tuple[Refused, ...] = ()


def called(rules: Iterable[Rule], episode: Conversation) -> Iterator[tuple[Rule, bool] | Refused]:
    """Ask rules about an episode: what each says, nothing where it cannot tell."""
    for rule in rules:
        try:
            said: object = rule.check(episode)
        except Exception as error:  # a user's code: whatever it raises is a reason
            yield Refused(rule=rule.name, reason=_reason(error), episodes=1)
            continue
        if said is True or said is False:
            yield rule, said
        elif said is not None:
            reason = f"said {said!r}: return True, False or None"
            yield Refused(rule=rule.name, reason=reason, episodes=1)


def asked(rule: SqlRule, ask: Ask, known: pa.Array) -> Cast:
    """Put a query; rows on other episodes than those known, such as another project's, count not.

    A number is no vote unless it is 0 or 1, and one episode has one vote.
    """
    try:
        rows = ask(rule.query)
    except Exception as error:
        return _refusal(rule, _reason(error))
    if lacks := {"episode_id", "vote"} - set(rows.column_names):
        return _refusal(rule, f"gives no column {' or '.join(sorted(lacks))}")
    given = pc.and_(pc.is_in(rows["episode_id"], value_set=known), pc.is_valid(rows["vote"]))
    rows = rows.select(["episode_id", "vote"]).filter(given)
    kind = rows["vote"].type
    if not (pa.types.is_boolean(kind) or pa.types.is_integer(kind)) and len(rows):
        return _refusal(rule, _odd(rows["vote"][0].as_py()))
    return _counted(rule, rows.set_column(1, "vote", rows["vote"].cast(pa.int64())))


def _counted(rule: SqlRule, rows: pa.Table) -> Cast:
    said = rows.group_by("episode_id").aggregate([("vote", "min"), ("vote", "max")])
    low, high = said["vote_min"], said["vote_max"]
    odd = pc.or_(pc.less(low, 0), pc.greater(high, 1))
    both = pc.and_not(pc.not_equal(low, high), odd)
    clear = said.filter(pc.and_not(pc.equal(low, high), odd))
    refused = []
    if strange := said.filter(odd):
        first = strange["vote_max"][0].as_py()
        example = strange["vote_min"][0].as_py() if first in (0, 1) else first
        refused.append(Refused(rule=rule.name, reason=_odd(example), episodes=len(strange)))
    if torn := pc.sum(both).as_py():
        reason = "said both: give one row an episode"
        refused.append(Refused(rule=rule.name, reason=reason, episodes=torn))
    votes = clear.select(["episode_id", "vote_max"]).rename_columns(["episode_id", "value"])
    return Cast(votes=votes.sort_by("episode_id"), refused=tuple(refused))


def _refusal(rule: SqlRule, reason: str) -> Cast:
    none = pa.table({"episode_id": pa.array([], pa.string()), "value": pa.array([], pa.int64())})
    return Cast(votes=none, refused=(Refused(rule=rule.name, reason=reason),))


def _odd(value: object) -> str:
    return f"said {value!r}: vote true, false, 1, 0 or null"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
