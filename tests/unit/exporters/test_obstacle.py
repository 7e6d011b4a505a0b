"""Rows that Gemini and Nova would refuse: left out by both, for the same reason."""

from typing import Any

import pytest

from headrace.exporters.call import text
from headrace.exporters.objective import Objective
from headrace.lake.message import Body
from tests.talk import USER, YES, ask, result, row, told, tool

SYSTEM: Body = {"role": "system", "content": "Be kind."}
SILENT: Body = {"role": "assistant", "content": ""}
BROKEN = ask("c", arguments='{"order_id": ')


@pytest.mark.parametrize("format", ["gemini", "bedrock-nova"])
@pytest.mark.parametrize(
    ("reason", "prompt", "more"),
    [
        ("tool_name", [USER], {"tools": text([tool("re fund")])}),
        ("tool_name", [USER], {"tools": text([tool("x" * 129)])}),
        ("role_order", [SYSTEM, YES, USER], {}),
        ("role_order", [USER, YES, SYSTEM, USER], {}),
        ("role_order", [SYSTEM], {}),
        ("empty_turn", [USER, SILENT, USER], {}),
        ("empty_turn", [{"role": "user", "content": ""}], {}),
        ("arguments_not_object", [USER, BROKEN, result("c"), USER], {}),
        ("arguments_not_object", [USER, ask("c", arguments="[1]"), result("c"), USER], {}),
        ("orphan_tool_call", [USER, ask("c"), USER], {}),
        ("orphan_tool_result", [USER, YES, result("c"), USER], {}),
    ],
)
@pytest.mark.parametrize("objective", ["sft", "dpo", "rl"])
def test_a_row_that_a_service_would_refuse_is_left_out_with_the_reason(
    format: str, objective: Objective, reason: str, prompt: list[Body], more: dict[str, Any]
) -> None:
    assert told(format, row(objective, prompt, **more)) == ([], [f"row_skipped:{reason}"])


@pytest.mark.parametrize("format", ["gemini", "bedrock-nova"])
@pytest.mark.parametrize("objective", ["dpo", "rl"])
def test_an_answer_follows_no_answer(format: str, objective: Objective) -> None:
    given = row(objective, [USER, YES])
    assert told(format, given) == ([], ["row_skipped:role_order"])


@pytest.mark.parametrize("format", ["gemini", "bedrock-nova"])
@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_a_side_that_calls_or_says_nothing_is_left_out(format: str, side: str) -> None:
    more: dict[str, Any] = {side: (ask("c", content="So:"),)}
    calls = row("dpo", [USER], **more)
    assert told(format, calls) == ([], ["row_skipped:tool_reply_unsupported"])
    none: dict[str, Any] = {side: (SILENT,)}
    silent = row("dpo", [USER], **none)
    assert told(format, silent) == ([], ["row_skipped:empty_turn"])


@pytest.mark.parametrize("format", ["gemini", "bedrock-nova"])
def test_a_result_may_be_empty_and_a_last_call_open(format: str) -> None:
    given = row("sft", [USER, ask("c"), result("c", "")], ask("d"))
    records, codes = told(format, given)
    assert len(records) == 1 and not any(code.startswith("row_skipped") for code in codes)
