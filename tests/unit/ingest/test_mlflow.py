"""MLflow tracing: every value is JSON."""

import json
from typing import Any

import pytest

from headrace.ingest.conventions import kind_of
from tests.spans import read, span

CALL = {"mlflow.spanType": '"CHAT_MODEL"'}
REQUEST = json.dumps({"messages": [{"role": "user", "content": "hi"}], "tools": [{"name": "f"}]})


@pytest.mark.parametrize(
    ("text", "kind"),
    [('"CHAT_MODEL"', "llm"), ('"LLM"', "llm"), ("llm", "llm"), ('"AGENT"', "agent"),
     ('"TOOL"', "tool"), ('"CHAIN"', "other"), ("", "other"), (7, "other")],
)  # fmt: skip
def test_the_kind_stands_in_quotes(text: Any, kind: str) -> None:
    assert kind_of(span({"mlflow.spanType": text})) == (kind, "mlflow")


def test_quoted_values_are_taken_out_of_their_quotes() -> None:
    own = {
        "mlflow.llm.model": '"m-2"',
        "mlflow.trace.session": '"s1"',
        "mlflow.trace.user": '"u1"',
        "model": '"m"',
        "mlflow.chat.tokenUsage": '{"input_tokens": 9, "cache_read_input_tokens": 0}',
    }
    made = read(span({**CALL, **own})).span
    assert (made.model, made.conversation_id, made.user_id) == ("m-2", "s1", "u1")
    assert (made.input_tokens, made.cached_tokens, made.output_tokens) == (9, 0, None)


def chunk(number: int, **delta: Any) -> tuple[str, dict[str, object]]:
    value = json.dumps({"choices": [{"delta": {"tool_calls": [delta]}}]})
    return f"mlflow.chunk.item.{number}", {"mlflow.chunk.value": value}


def test_calls_of_a_stream_are_put_together_in_the_order_of_their_numbers() -> None:
    events: dict[str, dict[str, object]] = dict(
        [
            chunk(10, index=0, function={"arguments": "1}"}),
            chunk(2, index=0, function={"arguments": '{"a": '}),
            chunk(1, index=0, id="c1", function={"name": "f", "arguments": ""}),
            chunk(3, index=1, id="c2", function={"name": "g", "arguments": "{}"}),
            chunk(4, index="x", function={"name": 7}),
            chunk(5, index=2, function={"name": None, "arguments": 7}),
            ("mlflow.chunk.item.x", {"mlflow.chunk.value": "cut {"}),
        ]
    )
    answer = {"id": "r1", "choices": [{"message": {"role": "assistant", "content": ""}}]}
    own = {"mlflow.spanInputs": REQUEST, "mlflow.spanOutputs": json.dumps(answer)}
    made = read(span({**CALL, **own}, events=events))
    first, second = (call["function"] for call in made.output[0]["tool_calls"])
    assert first == {"name": "f", "arguments": '{"a": 1}'}
    assert second == {"name": "g", "arguments": "{}"}
    assert (made.tools, made.span.response_id) == (["f"], "r1")


def test_bare_text_is_an_answer() -> None:
    made = read(span({**CALL, "mlflow.spanInputs": REQUEST, "mlflow.spanOutputs": '"yes"'}))
    assert made.output[0]["content"] == "yes"
    assert "mlflow.spanInputs" not in made.kept


def test_cut_inputs_are_a_defect_and_unknown_ones_stay() -> None:
    cut = read(span({**CALL, "mlflow.spanInputs": REQUEST[:20], "mlflow.spanOutputs": '"yes"'}))
    assert cut.span.defects == ("truncated_value",)
    odd = read(span({**CALL, "mlflow.spanInputs": '{"x": 1}', "mlflow.spanOutputs": '"yes"'}))
    assert (odd.span.defects, odd.kept["mlflow.spanInputs"]) == ((), '{"x": 1}')


def test_a_tool_run_has_arguments_and_an_unquoted_result() -> None:
    own = {"mlflow.spanType": '"TOOL"', "mlflow.spanInputs": '{"a": 1}'}
    made = read(span({**own, "mlflow.spanOutputs": '"fine"'}, name="f"))
    assert made.input[0]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert made.output[0]["content"] == "fine"
