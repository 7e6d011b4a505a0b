"""What a trainer dialect could not say: counted, with the rows, never silent."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from headrace.lake.record import Split

# What these lose does not change what is trained; anything else stops a build.
HARMLESS = frozenset(
    {
        "reasoning_dropped",
        "name_dropped",
        "margin_dropped",
        "tools_flattened",
        "context_flattened",
        "roles_flattened",
        "mask_unrolled",
        "ids_rewritten",
        "ids_dropped",
        "role_renamed",
        "content_filled",
    }
)
# What codes mean, for whoever reads a page or has to decide whether to accept them.
MEANING: Mapping[str, str] = MappingProxyType(
    {
        "calls_flattened": "calls become text, in the words of the Hermes and Qwen families",
        "text_dropped": "text is left out",
        "mask_inexpressible": (
            "a turn that must not train, like a greeting that the product says, cannot be marked"
        ),
        "role_order": (
            "roles in an order that it does not take, as where the assistant opens or somebody "
            "speaks twice in a row"
        ),
        "reserved_token": "a text holds a word that it reads as its own mark",
        "tool_name": "a tool's name has signs that it does not take, or two have one name",
        "too_many_tools": "there are more tools than it takes",
        "tool_reply_unsupported": "it takes no call, or no result of a tool, in that place",
        "parallel_calls": "several calls in one turn",
        "same_ids": "two calls of a turn have one id",
        "same_reply": "both sides of a pair come out alike",
        "empty_reply": "the answer to train is empty",
        "empty_turn": "a turn says and calls nothing",
        "arguments_not_object": "arguments of a call are no JSON object",
        "orphan_tool_call": "a call has no result",
        "orphan_tool_result": "a result has no call",
        "reasoning_dropped": "what a model thought is left out",
        "name_dropped": "names of speakers or of tools beside results are left out",
        "margin_dropped": "by how much a side is better is left out",
        "tools_flattened": "tools are text, in the words of the Hermes and Qwen families",
        "context_flattened": "calls and results that are only read are text, as tools are",
        "roles_flattened": "the conversation is quoted in one text",
        "mask_unrolled": "a record for each turn that trains, as single turns cannot be marked",
        "ids_rewritten": "ids of calls are others, the same for a call and its result",
        "ids_dropped": "ids of calls are left out: results stand in the order of their calls",
        "role_renamed": "the system speaks as developer",
        "content_filled": "what it wants and a trace lacks is filled in, mostly with empty text",
    }
)
SHOWN = 5


def meaning(code: str) -> str:
    """The code and what it means, where that is known: `name (words)`."""
    told = words(code)
    return f"{code} ({told})" if told else code


def words(code: str) -> str | None:
    """What a code means, where that is known."""
    kind, _, detail = code.partition(":")
    return MEANING.get(detail) or MEANING.get(kind)


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of loss."""

    code: str  # what follows a colon tells more of it, as in `row_skipped:parallel_calls`
    count: int  # of rows
    row_ids: tuple[str, ...]  # the first of them

    @property
    def harmless(self) -> bool:
        return self.code.partition(":")[0] in HARMLESS


class LossReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one format has written of the rows, and everything that it lost, by code."""

    format: str
    records: Mapping[Split, int] = {}  # a side without any has no file
    losses: tuple[Loss, ...] = ()

    @property
    def harmful(self) -> tuple[Loss, ...]:
        """The losses that change what is trained."""
        return tuple(loss for loss in self.losses if not loss.harmless)


class LossTally:
    """Counts the losses of a format while its records are written, a row once for each code."""

    def __init__(self, format: str) -> None:
        self._format = format
        self._records: dict[Split, int] = {}
        self._counts: dict[str, int] = {}
        self._first: dict[str, list[str]] = {}
        self._row_id = ""
        self._codes: set[str] = set()

    def turn(self, row_id: str) -> None:
        """From here on losses are of this row."""
        self._row_id, self._codes = row_id, set()

    def wrote(self, split: Split) -> None:
        """Count a record of one side."""
        self._records[split] = self._records.get(split, 0) + 1

    def __call__(self, code: str) -> None:
        if code in self._codes:
            return
        self._codes.add(code)
        self._counts[code] = self._counts.get(code, 0) + 1
        shown = self._first.setdefault(code, [])
        if len(shown) < SHOWN:
            shown.append(self._row_id)

    @property
    def report(self) -> LossReport:
        losses = (
            Loss(code=code, count=count, row_ids=tuple(self._first[code]))
            for code, count in sorted(self._counts.items())
        )
        return LossReport(format=self._format, records=dict(self._records), losses=tuple(losses))
