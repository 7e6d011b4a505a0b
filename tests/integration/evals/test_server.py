"""Any OpenAI-compatible server, as one that serves a fine-tuned candidate: over real HTTP."""

from pathlib import Path
from threading import Event
from typing import Any

import pytest
from inspect_ai.log import read_eval_log

from headrace.evals.case import build
from headrace.evals.errors import ModelUnusable
from headrace.evals.run import run
from headrace.evals.runs.evaluation import Terms
from headrace.evals.runs.model import model_of


def completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "candidate",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13},
    }


def put(product: Any, tmp_path: Path, model: Any, **terms: Any) -> Any:
    product.episode("e1")
    build(product.lake, product.project, now=product.now)
    return run(
        product.lake,
        product.project,
        model=model,
        release="candidate-1",
        terms=Terms(**{"retries": 0, "request_retries": 0, **terms}),
        log_dir=tmp_path / "logs",
        now=product.now,
    )


def test_a_server_is_named_by_its_address_and_what_it_calls_the_model(
    product: Any, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sesame")
    server.answer = lambda _: (200, completion("Paris"), {"content-type": "application/json"})
    params = {"temperature": 0.2, "max_tokens": 9}
    model = model_of("candidate", base_url=server.url + "/v1", key_env="MY_KEY", params=params)
    ran = put(product, tmp_path, model)
    assert (ran.mean, ran.absent, ran.model) == (1.0, 0, "openai-api/endpoint/candidate")
    [(path, headers, asked)] = server.asked
    assert path == "/v1/chat/completions"
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == (
        "Bearer sesame"
    )
    assert (asked["model"], asked["temperature"]) == ("candidate", 0.2)
    assert [m["content"] for m in asked["messages"]] == ["ask r1"]
    [row] = product.scores()
    assert (row["input_tokens"], row["output_tokens"]) == (11, 2)
    assert row["latency_ms"] > 0
    assert "sesame" not in read_eval_log(ran.log_uri).model_dump_json()


def test_a_server_that_asks_for_no_key_needs_none(
    product: Any, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENDPOINT_API_KEY", "none")
    server.answer = lambda _: (200, completion("Lyon"), {"content-type": "application/json"})
    ran = put(product, tmp_path, model_of("candidate", base_url=server.url))
    assert (ran.mean, ran.absent) == (0.0, 0)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_is_down_gives_absent_scores_and_no_zeros(
    product: Any, server: Any, tmp_path: Path, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENDPOINT_API_KEY", "none")
    server.answer = lambda _: (status, {"error": {"message": "overloaded"}}, {"retry-after": "0"})
    ran = put(product, tmp_path, model_of("candidate", base_url=server.url), retries=1)
    assert (ran.scores, ran.absent, ran.mean) == (1, 1, None)
    assert "overloaded" in next(iter(ran.reasons))
    assert len(server.asked) == 2  # the attempt and its one retry


def test_a_server_that_never_answers_gives_absent_scores(
    product: Any, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENDPOINT_API_KEY", "none")
    over = Event()
    server.answer = lambda _: (over.wait() and 200, completion("Paris"), {})
    ran = put(product, tmp_path, model_of("slow", base_url=server.url), request_timeout=1)
    over.set()
    assert (ran.scores, ran.absent, ran.mean) == (1, 1, None)
    assert "did not answer in 1 tries" in next(iter(ran.reasons))


def test_how_patient_a_run_is_makes_no_other_configuration(
    product: Any, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENDPOINT_API_KEY", "none")
    server.answer = lambda _: (200, completion("Paris"), {"content-type": "application/json"})
    made = [model_of("candidate", base_url=server.url, params=p) for p in ({}, {}, {"seed": 7})]
    put(product, tmp_path, made[0])
    asked = {"release": "candidate-1", "log_dir": tmp_path / "logs", "now": product.now}
    run(product.lake, product.project, model=made[1], terms=Terms(connections=3), **asked)
    run(product.lake, product.project, model=made[2], **asked)
    hashes = [row["config_hash"] for row in product.table("runs")]
    assert (len(hashes), len(set(hashes))) == (3, 2)


@pytest.mark.parametrize(
    ("asked", "cure"),
    [
        ({"name": None, "base_url": "http://x"}, "--base-url needs --model"),
        ({"name": "m", "base_url": "http://x", "key_env": "NOBODYS_KEY"}, "NOBODYS_KEY"),
        ({"name": "mockllm/model", "params": {"heat": 1}}, "no parameter heat"),
        ({"name": "mockllm/model", "params": {"temperature": "hot"}}, "temperature"),
    ],
)
def test_what_names_no_model_is_refused_before_the_run(asked: dict[str, Any], cure: str) -> None:
    with pytest.raises(ModelUnusable, match=cure):
        model_of(asked.pop("name"), **asked)
