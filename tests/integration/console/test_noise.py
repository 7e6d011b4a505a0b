"""`headrace eval noise`: repeats that are there, none, and two runs made now."""

import json
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from headrace.lake import Lake

Headrace = Callable[..., Any]
WHERE = ("--suite", "repeated", "--project", "elsewhere")


def load(headrace: Headrace, folder: Path, *runs: tuple[str, str]) -> None:
    """Runs (release, name) of forty cases."""
    rows = [
        {"release": release, "run": name, "case_id": f"c{case}", "value": (case + at) % 2}
        for at, (release, name) in enumerate(runs)
        for case in range(40)
    ]
    file = folder / f"{runs[0][1]}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert headrace("eval", "load", file, "--run", "run", *WHERE).code == 0


def test_noise_says_that_nothing_was_repeated_and_then_what_was(
    headrace: Headrace, tmp_path: Path
) -> None:
    load(headrace, tmp_path, ("v1", "one"))
    assert headrace("eval", "noise", *WHERE).words.startswith("No configuration was measured twice")
    assert headrace("eval", "noise", *WHERE, "--json").json["noise"]["tau"] is None
    load(headrace, tmp_path, ("v1", "two"))
    ran = headrace("eval", "noise", *WHERE)
    assert "v1 40 +0.0 -" in ran.words
    assert ran.words.endswith("from A/A of 1 pair: too alike for an interval.")
    assert "0.0 to 0.0" not in ran.words


def test_a_suite_is_run_twice_on_a_model_that_is_named(
    headrace: Headrace, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = ModelOutput.for_tool_call("mockllm/model", "look", {"id": "7"})
    output.usage = ModelUsage(input_tokens=5, output_tokens=3, total_tokens=8)
    made = get_model("mockllm/model", custom_outputs=repeat(output), memoize=False)
    monkeypatch.setattr("headrace.evals.runs.model.get_model", lambda name, **_: made)
    words = ("--model", "mockllm/model", "--release", "3.0", "--project", "mill", "--epochs", "2")
    ran = headrace("eval", "noise", *words, "--json")
    assert ran.code == 0, ran.err
    sql = "select config_hash, status from runs where project = 'mill' and release = '3.0'"
    first, second = lake.rows(sql)
    assert first == second and first["status"] == "success"


def test_a_model_that_cannot_be_measured_is_told_and_not_asked_again(
    headrace: Headrace, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = get_model("mockllm/model", custom_outputs=iter([]), memoize=False)
    monkeypatch.setattr("headrace.evals.runs.model.get_model", lambda name, **_: made)
    words = ("--model", "mockllm/model", "--release", "3.9", "--project", "mill")
    ran = headrace("eval", "noise", *words)
    assert (ran.code, ran.out) == (1, "")
    assert "mockllm/model as 3.9 measured nothing: " in ran.err
    assert len(lake.rows("select run_id from runs where release = '3.9'")) == 1


def test_a_model_without_a_release_is_refused(headrace: Headrace) -> None:
    ran = headrace("eval", "noise", "--model", "mockllm/model")
    assert ran.code == 2 and "go together" in ran.err
