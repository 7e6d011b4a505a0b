"""verl: Parquet of plain types, in the flat view, for its tools come from its own configuration."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from headrace.exporters.formats import verl_howto
from headrace.exporters.formats.context import question, wants_calls
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.flat import flat
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.row import Row

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
SFT = pa.schema([("messages", _MESSAGES)])
RL = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", _MESSAGES),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        (
            "extra_info",
            pa.struct(
                [
                    ("index", pa.int64()),
                    ("task_id", pa.string()),
                    ("scorer", pa.string()),
                    ("pass_rate", pa.float64()),
                    ("samples", pa.int64()),
                    ("policy", pa.string()),
                    ("need_tools_kwargs", pa.bool_()),
                ]
            ),
        ),
        ("agent_name", pa.string()),
    ]
)
AGENT = "single_turn_agent"  # one answer; `tool_agent` would run calls, and nothing here can
INDEX = 15  # hex digits of a row's name: 60 bits, which fit


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """Structs of calls would be filled with nulls: the arguments of one tool become those of all.

    verl trains every assistant turn of `messages` and knows no prompt apart from them, so that a
    conversation with a turn that must not train cannot be said.
    """
    if row.objective == "sft" and row.is_masked:
        lost("row_skipped:mask_inexpressible")
    elif row.objective == "sft":
        yield {"messages": flat(row.messages, row.tools, lost)}
    elif (prompt := question(row, lost)) is not None:
        yield {
            "data_source": f"{shape.slug}/{row.scorer}",
            "prompt": prompt,
            "ability": "calls" if wants_calls(row) else "text",
            "reward_model": {"style": "rule", "ground_truth": row.reference},
            "extra_info": _beside(row),
            "agent_name": AGENT,
        }


def schema(shape: Shape) -> pa.Schema:
    return SFT if shape.objective == "sft" else RL


def pages(written: Written) -> Mapping[str, str]:
    return {HOWTO: verl_howto.howto(written)}


def _beside(row: Row) -> Record:
    """What reaches the reward function beside what is right."""
    return {
        "index": int(row.row_id[:INDEX], 16),
        **row.about,
        "need_tools_kwargs": False,
    }
