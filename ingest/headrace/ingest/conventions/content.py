"""What a convention finds on the span of one model call."""

from collections.abc import Mapping

import msgspec

from headrace.lake.message import Body


class Content(msgspec.Struct, frozen=True, kw_only=True):
    input: list[Body] = []  # as the convention spells them; made canonical later
    output: list[Body] = []
    tools: list[Body] | None = None
    defects: tuple[str, ...] = ()
    read: frozenset[str] = frozenset()  # keys that hold nothing but what stands above
    finish: str | None = None  # finish reason, where only the raw answer has it
    response: Mapping[str, object] = {}  # the provider's raw answer, where it is there
