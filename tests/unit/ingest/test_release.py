"""A release is named by the product, or by what makes its behaviour."""

import re

from headrace.ingest.release import release_of, system_text
from headrace.ingest.tools import definitions

TOOLS = [
    {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
    {"name": "g", "description": "d", "input_schema": {"type": "object"}},
]


def test_a_given_name_stands() -> None:
    assert release_of("1.2.3", "prompt", "model", None) == "1.2.3"


def test_a_hash_moves_with_prompt_model_and_tools_only() -> None:
    tools = definitions(TOOLS)
    base = release_of(None, "prompt", "model", tools)
    assert re.fullmatch(r"h:[0-9a-f]{12}", base)
    assert base == release_of(None, "prompt", "model", list(reversed(tools or [])))
    others = {
        release_of(None, "prompt!", "model", tools),
        release_of(None, "prompt", "model2", tools),
        release_of(None, "prompt", "model", None),
    }
    assert len(others | {base}) == 4


def test_the_system_prompt_is_the_first_message_or_nothing() -> None:
    assert system_text([]) == system_text([{"role": "user", "content": "a"}]) == ""
    assert system_text([{"role": "system", "content": "s"}]) == "s"


def test_tool_definitions_have_one_shape() -> None:
    first, second = definitions(TOOLS) or []
    assert first["function"] == {"name": "f", "description": "", "parameters": {"type": "object"}}
    assert second == {
        "type": "function",
        "function": {"name": "g", "description": "d", "parameters": {"type": "object"}},
    }
    assert definitions('[{"type": "function", "name": "h", "parameters": "{}"}]') == [
        {"type": "function", "function": {"name": "h", "description": "", "parameters": {}}}
    ]
    assert definitions("cut [") is None
    assert definitions([{"type": "web_search"}]) == []
