"""Tool calls with their outcomes, as far as the skeleton of an episode needs them."""

import pytest

from headrace.curate.near.toolcall import enums, failure, tool_calls
from headrace.lake.message import Body
from tests.unit.curate.conftest import result, said, user


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ('{"error": {"code": "NOT_FOUND", "message": "no order 17"}}', "not_found"),
        ('{"error": "no order 17"}', "no_order"),
        ('{"success": false, "status": 404}', "404"),
        ('{"isError": true}', "error"),
        ('{"status": "failed"}', "failed"),
        ("Error: order not found", "error"),
        ("ValueError: bad id", "valueerror"),
        ('Traceback (most recent call last): KeyError: "x"', "keyerror"),
        ("exitcode: 1 (execution failed)\nTraceback (most\n  ...\nNameError: x\nmore", "nameerror"),
        ("Traceback (most recent call last):\n  raise ValueError\nhttpx.ReadError: x", "readerror"),
        ("Process exited with code 137", "exit_137"),
        ("exitcode: 0 (execution succeeded)\nValueError: printed", None),
        ('{"error": null, "order": 17}', None),
        ('{"success": true}', None),
        ("The error rate is 3 %", None),
        ("[1, 2]", None),
        ("17", None),
        ("", None),
    ],
)
def test_an_error_is_told_from_an_answer(answer: str, code: str | None) -> None:
    assert failure(answer) == code


def test_results_belong_to_their_calls_by_id_else_in_order() -> None:
    nameless: Body = {"role": "tool", "content": "Error: gone"}
    messages = [
        user("go"),
        said(None, ("1", "f", '{"a": 1}'), ("2", "g", "{}")),
        result("2", "fine"),
        nameless,
        said(None, ("3", "h", "not json")),
    ]
    found = [(call.name, call.arguments, call.outcome) for call in tool_calls(messages)]
    assert found == [("f", {"a": 1}, "err:error"), ("g", {}, "ok"), ("h", "not json", "none")]


def test_enums_are_found_at_any_depth_of_a_schema() -> None:
    schema = {"properties": {"a": {"items": {"enum": ["Slow", 3]}}, "b": {"const": "fast"}}}
    tool: Body = {"type": "function", "function": {"name": "ship", "parameters": schema}}
    assert enums([tool]) == {"ship": frozenset({"slow", "fast"})}
