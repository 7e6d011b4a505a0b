"""Calls as an episode recorded them: paired with their results, given out in order."""

from typing import Any

from headrace.evals.solvers.recorded import Recording, recorded_calls


def turn(*calls: tuple[str, str, str]) -> dict[str, Any]:
    made = [{"id": i, "function": {"name": n, "arguments": a}} for i, n, a in calls]
    return {"role": "assistant", "content": None, "tool_calls": made}


def result(call_id: str, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_a_result_belongs_to_the_last_call_of_its_id() -> None:
    found = recorded_calls(
        [
            turn(("c0", "look", "{}"), ("c1", "pay", "{}")),
            result("c1", "paid"),
            result("c0", [{"type": "text", "text": "found"}]),
            turn(("c0", "close", "{}")),
            result("c0", "closed"),
            result("gone", "nobody asked"),
            turn(("c9", "late", "{}")),
        ]
    )
    assert [(call["name"], call["content"]) for call in found] == [
        ("pay", "paid"),
        ("look", "found"),
        ("close", "closed"),
    ]


def test_the_same_call_gets_its_results_in_order_and_then_the_last_one_again() -> None:
    calls = [
        {"name": "look", "arguments": '{"a": 1, "b": 2}', "content": "first"},
        {"name": "look", "arguments": '{"a": 2}', "content": "other"},
        {"name": "look", "arguments": '{"b":2,"a":1.0}', "content": "second"},
    ]
    recording = Recording(calls)
    assert [recording.result("look", {"b": 2, "a": 1}) for _ in range(3)] == [
        "first",
        "second",
        "second",
    ]
    assert recording.result("look", {"a": 2}) == "other"
    assert recording.missed == 0


def test_a_call_that_was_never_made_is_counted_and_explained() -> None:
    recording = Recording([{"name": "look", "arguments": "{}", "content": ""}])
    assert recording.result("look", {}) == ""
    assert recording.result("look", {"q": 1}) is recording.result("pay", {}) is None
    assert recording.missed == 2
    assert "with these arguments" in recording.excuse("look")
    assert "tools that were: look" in recording.excuse("pay")
    assert "tools that were: none" in Recording([]).excuse("pay")
