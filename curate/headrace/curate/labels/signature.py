"""How an episode failed, in a form that equal failures share: no model is asked."""

from collections.abc import Iterable, Sequence

import msgspec

from headrace.curate.near.skeleton import skeleton
from headrace.curate.near.toolcall import enums, tool_calls
from headrace.lake.message import Body

TAIL = 3  # lines of the skeleton: what was tried last
_ERROR = "err:"


class Signature(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The first tool that failed, its error, and what the episode did last."""

    tool: str
    code: str
    tail: str  # lines as in `near.skeleton`

    def __str__(self) -> str:
        return f"{self.tool} {_ERROR}{self.code} | {' ; '.join(self.tail.splitlines())}"


def signature(messages: Sequence[Body], tools: Iterable[Body] | None) -> Signature | None:
    """The signature of a failed episode; None where no tool answered with an error.

    Whether the episode failed is not asked: many a good one meets an error on its way.
    """
    calls = tool_calls(messages)
    first = next((call for call in calls if call.outcome.startswith(_ERROR)), None)
    if first is None:
        return None
    lines = skeleton(calls, enums(tools or ())).splitlines()
    return Signature(
        tool=first.name,
        code=first.outcome.removeprefix(_ERROR),
        tail="\n".join(lines[-TAIL:]),
    )
