"""Failure signatures, by hand and on recorded runs."""

import gzip
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from headrace.curate.labels.signature import TAIL, Signature, signature
from headrace.lake.message import Body
from tests.unit.curate.conftest import result, said, user

DATA = Path(__file__).parents[5] / "shared" / "data"
DOJO = DATA / "agentdojo" / "banking_slack_2024h1_models.jsonl.zst"
WHO = DATA / "who_when" / "algorithm_generated.jsonl.gz"


def episode(*calls: tuple[str, str, str]) -> list[Body]:
    """Calls as (tool, arguments, answer)."""
    line = [user("go")]
    for i, (tool, arguments, answer) in enumerate(calls):
        line += [said(None, (str(i), tool, arguments)), result(str(i), answer)]
    return [*line, said("I could not do it.")]


def test_the_first_tool_that_failed_its_error_and_what_was_tried_last() -> None:
    found = signature(
        episode(
            ("find", '{"id": 7}', "found"),
            ("pay", '{"amount": 3}', "ValueError: no account 81"),
            ("pay", '{"amount": 3}', "TimeoutError: 30 s"),
            ("find", '{"id": 9}', "found"),
            ("close", '{"force": true}', "done"),
        ),
        None,
    )
    tail = "pay(amount)->err:timeouterror\nfind(id)->ok\nclose(force=true)->ok"
    assert found == Signature(tool="pay", code="valueerror", tail=tail)
    assert str(found).startswith("pay err:valueerror | pay(amount)->err:timeouterror ; find(id)")


def test_values_do_not_tell_failures_apart() -> None:
    one, other = (
        signature(episode(("pay", f'{{"to": "{name}"}}', f"KeyError: '{name}'")), None)
        for name in ("ann", "ben")
    )
    assert one == other


def test_an_enum_of_the_tool_does() -> None:
    mode = {"properties": {"mode": {"enum": ["on", "off"]}}}
    tools: list[Body] = [{"type": "function", "function": {"name": "set", "parameters": mode}}]
    on, off = (
        signature(episode(("set", f'{{"mode": "{value}"}}', "Error: locked")), tools)
        for value in ("on", "off")
    )
    assert on != off


def test_without_an_error_of_a_tool_there_is_none() -> None:
    assert signature(episode(("find", "{}", "an error rate of 3 %")), None) is None
    assert signature([user("hi"), said("hello")], None) is None
    assert signature([user("go"), said(None, ("1", "find", "{}"))], None) is None


def dojo() -> Iterator[tuple[list[Body], list[str]]]:
    """The runs of AgentDojo as messages, with the errors that its tools raised."""
    with DOJO.open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file)):
            row = json.loads(line)
            yield (
                [_told(message) for message in row["messages"]],
                [message["error"] for message in row["messages"] if message.get("error")],
            )


def _told(message: dict[str, Any]) -> Body:
    body: Body = {"role": message["role"], "content": message.get("error") or message["content"]}
    if message["role"] == "tool":
        body["tool_call_id"] = message["tool_call_id"]
    if message.get("tool_calls"):
        body["tool_calls"] = [
            {
                "id": call.get("id"),
                "type": "function",
                "function": {"name": call["function"], "arguments": json.dumps(call["args"])},
            }
            for call in message["tool_calls"]
        ]
    return body


@pytest.mark.skipif(not DOJO.exists(), reason="no shared data here")
def test_runs_of_agentdojo_whose_tools_raised_have_a_signature_and_no_others() -> None:
    """1,059 of 7,526 runs met an error; two of them name no tool or use one call id twice."""
    seen: Counter[tuple[bool, bool]] = Counter()
    right = 0
    for messages, errors in dojo():
        found = signature(messages, None)
        assert found == signature(list(messages), None)
        seen[bool(errors), found is not None] += 1
        if errors and found:
            right += found.code == errors[0].split(":")[0].lower()
            assert len(found.tail.splitlines()) <= TAIL
    assert seen[False, True] == 0
    assert seen[True, True] >= 0.99 * (seen[True, True] + seen[True, False]) > 1_000
    assert right == seen[True, True]


def who_when() -> Iterator[tuple[list[Body], bool]]:
    """Logs of agents whose terminal ran their code, and whether some of it failed."""
    with gzip.open(WHO, "rt") as file:
        for row in file:
            line: list[Body] = []
            failed = False
            for i, message in enumerate(json.loads(row)["history"]):
                if message["name"] == "Computer_terminal":
                    line += [said(None, (str(i), "terminal", "{}"))]
                    line += [result(str(i), message["content"])]
                    told = message["content"].startswith("exitcode: ")
                    failed |= told and not message["content"].startswith("exitcode: 0 ")
                else:
                    line.append(said(message["content"]))
            yield line, failed


@pytest.mark.skipif(not WHO.exists(), reason="no shared data here")
def test_logs_of_who_when_have_a_signature_where_their_code_failed() -> None:
    codes: Counter[str] = Counter()
    for messages, failed in who_when():
        found = signature(messages, None)
        assert (found is not None) == failed
        codes.update([found.code] if found else [])
    assert codes.total() > 60
    assert {code for code, _ in codes.most_common(2)} == {"nameerror", "typeerror"}


def test_a_call_that_failed_again_and_again_is_one_line() -> None:
    found = signature(episode(*[("pay", '{"to": "a(b)->ok"}', "KeyError: 'x'")] * 5), None)
    assert found == Signature(tool="pay", code="keyerror", tail="pay(to)->err:keyerror x4")
