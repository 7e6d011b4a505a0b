"""How an episode failed, in a form that equal failures share: no model is asked."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from headrace.curate.near.skeleton import skeleton
from headrace.curate.near.toolcall import enums, tool_calls
from headrace.lake.message import Body

TAIL = 3  # lines of the skeleton: what was tried last
_ERROR = "err:"
_FAILED = re.compile(r"(?P<tool>[^(]*)\(.*\)->err:(?P<code>\w*)(?: x\d+)?$")


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
    return of_skeleton(skeleton(tool_calls(messages), enums(tools or ())))


def of_skeleton(text: str) -> Signature | None:
    """The signature of all episodes of a skeleton."""
    lines = text.splitlines()
    first = next(filter(None, map(_FAILED.match, lines)), None)
    if first is None:
        return None
    return Signature(tool=first["tool"], code=first["code"], tail="\n".join(lines[-TAIL:]))
