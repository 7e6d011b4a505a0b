"""Traceloop's decorators."""

from typing import Any

import pytest

from headrace.ingest.conventions import kind_of
from tests.spans import read, span

TOOL = {"traceloop.span.kind": "tool", "traceloop.entity.name": "f"}


@pytest.mark.parametrize(
    ("word", "kind"),
    [("workflow", "agent"), ("agent", "agent"), ("tool", "tool"), ("task", "other"),
     ("handoff", "other")],
)  # fmt: skip
def test_workflows_and_agents_are_agents(word: str, kind: str) -> None:
    assert kind_of(span({"traceloop.span.kind": word})) == (kind, "traceloop")


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ('{"args": [], "kwargs": {"a": 1}}', '{"a": 1}'), ('{"args": [], "kwargs": {}}', "{}"),
        ('{"args": [1], "kwargs": {}}', '{"args": [1], "kwargs": {}}'), ('{"a": 1}', '{"a": 1}'),
        ("cut {", "{}"),
    ],
)  # fmt: skip
def test_named_arguments_are_the_models(given: str, arguments: str) -> None:
    made = read(span({**TOOL, "traceloop.entity.input": given}))
    function = {"name": "f", "arguments": arguments}
    assert made.input[0]["tool_calls"][0]["function"] == function


@pytest.mark.parametrize(
    ("output", "result"),
    [('"sunny"', "sunny"), ('"{\\"a\\": 1}"', '{"a": 1}'), ('{"a": 1}', '{"a": 1}')],
)
def test_a_result_comes_as_json_of_json(output: Any, result: str) -> None:
    made = read(span({**TOOL, "traceloop.entity.output": output}))
    assert made.output[0]["content"] == result


def test_properties_of_an_association_name_conversation_and_user() -> None:
    prefix = "traceloop.association.properties"
    made = read(span({f"{prefix}.chat_id": "c", f"{prefix}.user_id": "u", **TOOL})).span
    assert (made.conversation_id, made.user_id) == ("c", "u")
