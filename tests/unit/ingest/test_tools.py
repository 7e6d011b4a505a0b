"""Tool definitions in every dialect, and the row that stores them once."""

import json
from typing import Any

import pytest

from headrace.ingest.tools import definitions, toolset

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
ONE = [
    {
        "type": "function",
        "function": {"name": "weather", "description": "now", "parameters": SCHEMA},
    }
]
FLAT: dict[str, Any] = {"name": "weather", "description": "now"}


@pytest.mark.parametrize(
    "raw",
    [
        ONE,
        [{"type": "function", **FLAT, "parameters": SCHEMA}],
        [{**FLAT, "input_schema": SCHEMA}],
        [{"type": "function", **FLAT, "inputSchema": SCHEMA}],
        [{**FLAT, "parameters_json_schema": SCHEMA}],
        [{**FLAT, "parameters": json.dumps(SCHEMA)}],
        [{**FLAT, "parameters": None, "input_schema": SCHEMA}],
        [json.dumps(ONE[0])],
        json.dumps(ONE),
        json.dumps([json.dumps({**FLAT, "inputSchema": SCHEMA})]),
    ],
)
def test_every_dialect_defines_the_same_tool(raw: Any) -> None:
    assert definitions(raw) == ONE


@pytest.mark.parametrize("raw", [None, "", "cut [", "{}", {}, ONE[0], 7, '"weather"'])
def test_what_is_no_list_is_not_known(raw: Any) -> None:
    assert definitions(raw) is None


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "web_search"},
        {"type": "function", "function": {}},
        {"type": "function", "function": {"name": None}},
        {"type": "function", "function": "weather"},
        "no json",
        None,
        3,
        [ONE[0]],
    ],
)
def test_what_has_no_name_is_left_out(entry: Any) -> None:
    assert definitions([entry, ONE[0]]) == ONE
    assert definitions([entry]) == []


def test_a_tool_may_come_without_description_and_schema() -> None:
    [tool] = definitions([{"name": "f", "parameters": None}]) or []
    assert tool["function"] == {"name": "f", "description": "", "parameters": {}}


def test_a_schema_keeps_what_json_can_hold() -> None:
    schema = {"maximum": float("inf"), "a": "\ud800"}
    [tool] = definitions([{"name": "f", "parameters": schema}]) or []
    assert tool["function"]["parameters"] == {"maximum": "inf", "a": "\ufffd"}


def test_the_row_is_named_by_what_it_holds_and_not_by_the_order_of_keys() -> None:
    inside = {"parameters": SCHEMA, "description": "now", "name": "weather"}
    turned = [{"function": inside, "type": "function"}]
    assert toolset(turned) == toolset(ONE)
    assert json.loads(toolset(ONE).body) == ONE
    other = [{**ONE[0], "function": {**FLAT, "name": "time", "parameters": SCHEMA}}]
    rows = {toolset(tools).hash for tools in (ONE, other, ONE + other, other + ONE, [])}
    assert len(rows) == 5
