"""What a data set trains: its objective and the columns that its rows have."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

import pyarrow as pa

from headrace.exporters.errors import UnknownObjective

Objective = Literal["sft", "kto", "dpo", "rm", "rl"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)

_FUNCTION = pa.struct([("name", pa.string()), ("arguments", pa.string())])
_CALL = pa.struct([("id", pa.string()), ("type", pa.string()), ("function", _FUNCTION)])
_MESSAGE = pa.struct(
    [
        ("role", pa.string()),
        ("content", pa.string()),
        ("reasoning_content", pa.string()),
        ("tool_calls", pa.list_(_CALL)),
        ("tool_call_id", pa.string()),
        ("name", pa.string()),
    ]
)
_MESSAGES = pa.list_(_MESSAGE)
_HEAD = [("row_id", pa.string()), ("episode_ids", pa.list_(pa.string()))]
_TOOLS = ("tools", pa.string())  # JSON text: Arrow would unify the schemas of different tools
_PAIR = [("prompt", _MESSAGES), ("chosen", _MESSAGES), ("rejected", _MESSAGES)]

# Written by hand and never inferred: plain types load unchanged in every reader of Parquet.
SCHEMAS: Mapping[Objective, pa.Schema] = MappingProxyType(
    {
        "sft": pa.schema(
            [*_HEAD, ("messages", _MESSAGES), ("trainable", pa.list_(pa.bool_())), _TOOLS]
        ),
        "kto": pa.schema(
            [
                *_HEAD,
                ("prompt", _MESSAGES),
                ("completion", _MESSAGES),
                ("label", pa.bool_()),
                _TOOLS,
            ]
        ),
        "dpo": pa.schema([*_HEAD, *_PAIR, _TOOLS]),
        "rm": pa.schema([*_HEAD, *_PAIR, ("margin", pa.float64()), _TOOLS]),
        "rl": pa.schema(
            [
                *_HEAD,
                ("prompt", _MESSAGES),
                ("task_id", pa.string()),
                ("scorer", pa.string()),
                ("reference", pa.string()),
                ("pass_rate", pa.float64()),
                ("samples", pa.int64()),
                ("policy", pa.string()),
                _TOOLS,
            ]
        ),
    }
)


def objective(name: str) -> Objective:
    """The objective of this name; raises UnknownObjective naming those there are."""
    for known in OBJECTIVES:
        if known == name:
            return known
    raise UnknownObjective(f"no objective {name!r}; there are: {', '.join(OBJECTIVES)}")
