"""Rules: checks of the user's own that vote on episodes."""

from collections.abc import Callable

import msgspec

from headrace.curate.conversation import Conversation
from headrace.curate.errors import RulebookError

Check = Callable[[Conversation], bool | None]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A Python function that says True (went well), False (did not) or None (cannot tell)."""

    name: str
    check: Check
    family: str | None = None

    def __call__(self, episode: Conversation) -> bool | None:
        return self.check(episode)


class SqlRule(msgspec.Struct, frozen=True, kw_only=True):
    """A query whose rows are votes: `episode_id` and `vote` (true, false, 1, 0 or null)."""

    name: str
    query: str
    family: str | None = None


AnyRule = Rule | SqlRule


def rule(*, name: str, family: str | None = None) -> Callable[[Check], Rule]:
    """Make a rule of a function of one episode; it can be called as before.

    Rules of one family err together and count once. Raises RulebookError for an empty name and
    where something other than a function is decorated.
    """
    if not isinstance(name, str) or not name.strip():
        raise RulebookError(f"a rule is named {name!r}: give a name, as in @rule(name='paid')")

    def made(check: Check) -> Rule:
        if not callable(check):
            raise RulebookError(f"rule {name!r} is {check!r}: decorate a function of one episode")
        return Rule(name=name, check=check, family=family)

    return made
