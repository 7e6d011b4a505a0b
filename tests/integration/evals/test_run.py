"""A suite put to a model through real Inspect with a mock model."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import get_model

from headrace.evals.case import build
from headrace.evals.errors import EvalError, ModelUnusable, NothingToRun, RunFailed
from headrace.evals.load import load
from headrace.evals.run import run
from headrace.evals.runs.evaluation import Terms
from headrace.lake import Lake
from tests.integration.evals.conftest import Product

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Look something up.",
            "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
        },
    }
]
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c0", "type": "function", "function": {"name": "look", "arguments": '{"q": "FR"}'}}
    ],
}


def two_cases(product: Any) -> None:
    """`r1` wants the text Paris, `r2` a call of `look`; `r3` only production can answer."""
    product.episode("e1")
    ask = {"role": "user", "content": "look FR up"}
    product.episode("e2", request="r2", messages=[ask, CALL], tools=TOOLS)
    product.episode("e3", request="r3", resolution="failure")
    build(product.lake, product.project, now=product.now)


def put(product: Any, tmp_path: Path, output: Any, **asked: Any) -> Any:
    terms = {name: asked.pop(name) for name in ("epochs", "limit", "retries") if name in asked}
    return run(
        product.lake,
        product.project,
        model=get_model("mockllm/model", custom_outputs=output, memoize=False),
        release="v1",
        terms=Terms(**{"retries": 0, **terms}),
        log_dir=tmp_path / "logs",
        now=product.now,
        **asked,
    )


def test_answers_are_scored_by_the_scorer_of_their_case(
    product: Any, reply: Any, tmp_path: Path
) -> None:
    two_cases(product)
    offered: list[list[str]] = []

    def answers(messages: Any, tools: Any, *_: Any) -> Any:
        offered.append([tool.name for tool in tools])
        if "look" in messages[-1].text:
            return reply(call=("look", {"q": "FR"}))
        return reply("  pARIS ")

    ran = put(product, tmp_path, answers, epochs=2)
    assert (ran.cases, ran.scores, ran.absent, ran.mean, ran.left_out) == (2, 4, 0, 1.0, 1)
    assert sorted(offered) == [[], [], ["look"], ["look"]]
    rows = product.scores()
    assert sorted((r["scorer"], r["epoch"], r["value"]) for r in rows) == [
        ("match", 1, 1.0),
        ("match", 2, 1.0),
        ("tool_calls", 1, 1.0),
        ("tool_calls", 2, 1.0),
    ]
    assert {(r["input_tokens"], r["output_tokens"]) for r in rows} == {(7, 3)}
    assert all(row["latency_ms"] > 0 for row in rows)
    [row] = product.table("runs")
    assert (row["release"], row["status"], row["model"]) == ("v1", "success", "mockllm/model")
    assert row["config_hash"] and row["judge_hash"] and Path(row["log_uri"]).exists()
    [release] = product.table("releases")
    assert (release["release"], release["kind"]) == ("v1", "given")


def test_a_failed_sample_is_absent_and_a_wrong_answer_is_zero(
    product: Any, reply: Any, tmp_path: Path
) -> None:
    two_cases(product)

    def answers(messages: Any, *_: Any) -> Any:
        if "look" in messages[-1].text:
            raise RuntimeError("503 overloaded")
        return reply("Lyon")

    ran = put(product, tmp_path, answers)
    assert (ran.scores, ran.absent, ran.mean) == (2, 1, 0.0)
    [why] = ran.reasons
    assert "503 overloaded" in why
    by_scorer = {row["scorer"]: row for row in product.scores()}
    assert by_scorer["match"]["value"] == 0.0
    assert by_scorer["tool_calls"]["value"] is None


def test_a_run_prints_nothing(
    product: Any, reply: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    two_cases(product)
    put(product, tmp_path, lambda *_: reply("Paris"), limit=1)
    assert capfd.readouterr() == ("", "")


def test_loading_the_log_of_a_run_changes_nothing(product: Any, reply: Any, tmp_path: Path) -> None:
    two_cases(product)
    ran = put(product, tmp_path, lambda *_: reply("Paris"), limit=1)
    snapshot = product.lake.snapshot_id
    loaded = load(product.lake, product.project, [ran.log_uri], suite="production", now=product.now)
    assert (loaded.scores, loaded.written, loaded.new_cases) == (1, 0, 0)
    assert product.lake.snapshot_id == snapshot


PRICE = """
[[price]]
model = "model"
since = 2026-01-01
input = 10
cached_input = 1
output = 100
source = "a test"
"""


def test_a_run_costs_what_list_prices_say_also_when_its_log_is_loaded(
    reply: Any, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "prices.toml").write_text(PRICE)
    with Lake.open(tmp_path / "home") as lake:
        product = Product(lake, "priced")
        two_cases(product)
        ran = put(product, tmp_path, lambda *_: reply("Paris"))
        assert ran.cost_usd == 2 * Decimal("0.000352")  # 5 tokens, 2 from a cache, 3 of output
        log = ran.log_uri
        loaded = load(lake, "priced", [log], suite="production", now=product.now)
        assert loaded.written == 0
        assert {row["cost_usd"] for row in product.scores()} == {Decimal("0.000352")}


def test_a_model_nobody_knows_is_refused_with_the_cure(product: Any) -> None:
    two_cases(product)
    asked = {"release": "v1", "now": product.now}
    with pytest.raises(ModelUnusable, match="PROVIDER/MODEL"):
        run(product.lake, product.project, model="nobody/nothing", **asked)
    assert product.table("runs") == []


def test_a_missing_key_is_named(product: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    two_cases(product)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelUnusable, match="OPENAI_API_KEY"):
        run(product.lake, product.project, model="openai/gpt-5", release="v1", now=product.now)


def test_a_run_that_breaks_off_records_nothing(product: Any, reply: Any, tmp_path: Path) -> None:
    two_cases(product)
    (tmp_path / "logs").write_text("a file where the logs should go")
    with pytest.raises(RunFailed, match="nothing was recorded"):
        put(product, tmp_path, lambda *_: reply("Paris"))
    assert product.table("runs") == []


def test_a_suite_without_answerable_cases_says_why(
    product: Any, reply: Any, tmp_path: Path
) -> None:
    with pytest.raises(NothingToRun, match="there are: none"):
        put(product, tmp_path, lambda *_: reply("Paris"))
    product.episode("e1", resolution="failure")
    build(product.lake, product.project, now=product.now)
    with pytest.raises(NothingToRun, match="none of the 1 cases"):
        put(product, tmp_path, lambda *_: reply("Paris"))


def test_epochs_count_from_one(product: Any, reply: Any, tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="count from 1"):
        put(product, tmp_path, lambda *_: reply("Paris"), epochs=0)


@pytest.mark.slow
def test_inspect_itself_runs_the_suite_by_its_name(
    product: Any, reply: Any, tmp_path: Path
) -> None:
    two_cases(product)
    put(product, tmp_path / "ours", lambda *_: reply("Paris"))
    home = product.lake.settings.home
    inspect = Path(sys.executable).with_name("inspect")
    named = ["-T", f"project={product.project}", "-T", f"home={home}", "-T", "solver=replay"]
    done = subprocess.run(
        [str(inspect), "eval", "headrace/suite", *named, "--model", "mockllm/model"]
        + ["--log-dir", "logs", "--tags", "release:v9", "--no-fail-on-error", "--log-format=json"],
        cwd=tmp_path,
        env={**os.environ, "INSPECT_DISPLAY": "none"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [log] = (tmp_path / "logs").glob("*.json")
    assert json.loads(log.read_text())["eval"]["task"] == "headrace/suite"
    loaded = load(product.lake, product.project, [log], suite="production", now=product.now)
    assert (loaded.releases, loaded.scores, loaded.new_cases) == (("v9",), 2, 0)
    assert {row["scorer"] for row in product.scores()} == {"match", "tool_calls"}
    assert len({row["judge_hash"] for row in product.table("runs")}) == 1
