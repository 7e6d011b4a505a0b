"""What each defect of spans and episodes means, what helps, and whether it bars an export.

Table: `DEFECTS`, in the order in which they are told: those that bar come first. `bars` is what the
ladder of `exporters/eligibility.py` does with an episode that has the defect.
"""

from collections.abc import Mapping

import msgspec

from headrace.lake import Lake
from headrace.lake.statement import statements

_LENGTH = (
    "unset OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT and OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, and look "
    "for a vendor's cap"
)
_COUNT = "set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=4096"


class Defect(msgspec.Struct, frozen=True, kw_only=True):
    """One name that the code writes into `defects`."""

    name: str
    bars: bool  # whether an episode that has it is kept out of data sets
    means: str
    cure: str | None = None  # None: there is nothing to be done


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How often a defect stands in the lake; one without a row in the table has no meaning."""

    name: str
    spans: int
    episodes: int  # current ones
    bars: bool
    means: str
    cure: str | None


DEFECTS = (
    Defect(
        name="no_content",
        bars=True,
        means="a call with neither input nor output, which makes no episode",
        cure="see the check `content`",
    ),
    Defect(
        name="content_hidden",
        bars=True,
        means="a word like [REDACTED] stands for the content, or parts are empty",
        cure="see the check `content`",
    ),
    Defect(
        name="content_elsewhere",
        bars=True,
        means="there is an address for the content, which is never fetched",
        cure="see the check `content`",
    ),
    Defect(
        name="truncated_value",
        bars=True,
        means="a value begins as JSON and does not end as such",
        cure=_LENGTH,
    ),
    Defect(
        name="dropped_attributes",
        bars=True,
        means="messages are missing between others: the SDK dropped attributes",
        cure=_COUNT,
    ),
    Defect(
        name="repaired_history",
        bars=True,
        means="what a call lost was taken from the calls before it",
        cure="cure dropped_attributes and truncated_value",
    ),
    Defect(
        name="orphan_tool_call",
        bars=True,
        means="a tool call without a result before the next turn",
        cure="record the result of every tool, of those that failed too",
    ),
    Defect(
        name="orphan_tool_result",
        bars=True,
        means="a tool result without its call",
        cure="send the turns that call tools, with the ids of the calls",
    ),
    Defect(
        name="no_tool_definitions",
        bars=True,
        means="tools are called and no schema of them is known",
        cure="have tool definitions recorded, or send the spans of the tools",
    ),
    Defect(
        name="unfinished",
        bars=True,
        means="an answer was cut or never came; it is not trained",
        cure="raise the token limit of the product",
    ),
    Defect(
        name="failed_call",
        bars=True,
        means="the last call of the conversation failed",
    ),
    Defect(
        name="unreadable_messages",
        bars=False,
        means="messages of no known shape: the call makes no episode; its span is kept whole",
        cure="upgrade Headrace, or report the convention",
    ),
    Defect(
        name="suspected_dropped_attributes",
        bars=False,
        means="attributes were dropped, or exactly 128 came, the SDK's limit",
        cure=_COUNT,
    ),
    Defect(
        name="size_cliff",
        bars=False,
        means="suspected: the longest values end at one length, as if they were cut",
        cure=_LENGTH,
    ),
    Defect(
        name="missing_tool_id",
        bars=False,
        means="tool calls or results came without ids, which were numbered",
    ),
    Defect(
        name="unknown_part",
        bars=False,
        means="a part of a message of unknown type; episodes with such parts are not exported",
    ),
    Defect(
        name="inferred_history",
        bars=False,
        means="the provider kept the history; it was put together from the calls before",
        cure="have previous_response_id recorded",
    ),
    Defect(
        name="duplicate_call",
        bars=False,
        means="two libraries told one call, which is counted once",
        cure="instrument each layer once",
    ),
    Defect(
        name="tools_changed",
        bars=False,
        means="a tool changed its schema within the conversation",
    ),
    Defect(
        name="no_system_prompt",
        bars=False,
        means="the conversation does not begin with a system message",
    ),
    Defect(
        name="no_usage",
        bars=False,
        means="a call reports no tokens, so cost is not known",
        cure="have usage recorded; streams of OpenAI need stream_options.include_usage",
    ),
    Defect(
        name="cost_estimated",
        bars=False,
        means="cost by list prices, as the product reports none",
    ),
    Defect(
        name="secret_removed",
        bars=False,
        means="a placeholder stands for a secret",
        cure="see the check `secrets`",
    ),
)
TABLE: Mapping[str, Defect] = {one.name: one for one in DEFECTS}

_ORDER = list(TABLE)


def counted(lake: Lake) -> list[Counted]:
    """Each defect that spans or current episodes have, in the order of the table."""
    rows = lake.rows(statements("headrace.console")["defects"])
    found = [_counted(row["name"], row["spans"], row["episodes"]) for row in rows]
    return sorted(found, key=lambda one: _ORDER.index(one.name) if one.name in TABLE else -1)


def _counted(name: str, spans: int, episodes: int) -> Counted:
    known = TABLE.get(name)
    return Counted(
        name=name,
        spans=spans,
        episodes=episodes,
        bars=known.bars if known else False,
        means=known.means if known else "no words for it here",
        cure=known.cure if known else "upgrade Headrace",
    )
