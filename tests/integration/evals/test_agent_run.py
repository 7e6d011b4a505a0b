"""An agent of one's own put to the suite: no model, failures of the product are zeros."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from headrace.evals.case import build
from headrace.evals.errors import ModelUnusable, NothingToRun
from headrace.evals.run import run
from headrace.evals.runs.evaluation import Terms
from headrace.evals.runs.setup import Setup
from headrace.evals.solvers import agent as agents
from headrace.evals.solvers.blame import Unmeasured


@pytest.fixture
def suite(product: Any) -> Any:
    for name in ("r1", "r2", "r3"):
        product.episode(f"e{name}", request=name)
    build(product.lake, product.project, now=product.now)
    return product


def put(suite: Any, tmp_path: Path, agent: str = "my.module:act", **terms: Any) -> Any:
    return run(
        suite.lake,
        suite.project,
        release="v1",
        setup=Setup(agent=agent),
        terms=Terms(**{"retries": 0, **terms}),
        log_dir=tmp_path / "logs",
        now=suite.now,
    )


def test_right_wrong_crashed_and_not_measured_are_told_apart(
    suite: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(asked: Any) -> Any:
        question = asked["messages"][-1]["content"]
        if question == "ask r2":
            raise KeyError("answer")
        if question == "ask r3":
            raise Unmeasured("the sandbox was down")
        return {"text": "Paris", "usage": {"input_tokens": 9, "output_tokens": 1}, "cost_usd": 0.25}

    monkeypatch.setattr(agents, "named", lambda *_: act)
    ran = put(suite, tmp_path)
    assert (ran.scores, ran.absent, ran.mean) == (3, 1, 0.5)
    assert ran.failures == {"the agent failed: KeyError: 'answer'": 1}
    assert ran.reasons == {"the agent was not measured: Unmeasured: the sandbox was down": 1}
    assert (ran.cost_usd, ran.model) == (Decimal("0.25"), "my.module:act")
    answered = next(row for row in suite.scores() if row["value"] == 1.0)
    assert (answered["input_tokens"], answered["output_tokens"]) == (9, 1)
    assert answered["cost_usd"] == Decimal("0.25")


def test_an_agent_that_hangs_past_its_time_scores_zero(
    suite: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(_: Any) -> str:
        await anyio.sleep_forever()
        return "Paris"

    monkeypatch.setattr(agents, "named", lambda *_: act)
    ran = put(suite, tmp_path, time_limit=1, limit=1)
    assert (ran.scores, ran.absent, ran.mean) == (1, 0, 0.0)
    assert ran.failures == {"limit reached: working time": 1}


def test_a_sample_that_was_not_measured_is_tried_once_more(
    suite: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def act(_: Any) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionResetError("reset")
        return "Paris"

    monkeypatch.setattr(agents, "named", lambda *_: act)
    ran = put(suite, tmp_path, retries=1, limit=1)
    assert (len(tries), ran.mean, ran.absent) == (2, 1.0, 0)


def test_an_agent_behind_http_answers_the_suite(suite: Any, server: Any, tmp_path: Path) -> None:
    server.answer = lambda asked: (200, {"text": "Paris"}, {})
    ran = put(suite, tmp_path, agent=server.url + "/agent")
    assert (ran.scores, ran.mean, ran.model) == (3, 1.0, server.url + "/agent")
    assert {asked["metadata"]["case_id"] for _, _, asked in server.asked} == {
        row["case_id"] for row in suite.scores()
    }


def test_another_agent_is_another_configuration(
    suite: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "named", lambda *_: lambda asked: "Paris")
    for name in ("my.module:act", "my.module:act", "my.module:other"):
        put(suite, tmp_path, agent=name, limit=1)
    assert len({row["config_hash"] for row in suite.table("runs")}) == 2


def test_without_model_and_agent_there_is_nothing_to_run(suite: Any) -> None:
    with pytest.raises(ModelUnusable, match="name a model or an agent"):
        run(suite.lake, suite.project, release="v1", now=suite.now)


def test_an_empty_suite_is_no_run_of_zeros(product: Any, tmp_path: Path) -> None:
    with pytest.raises(NothingToRun, match="headrace eval build"):
        put(product, tmp_path, agent="json:loads")
    assert product.table("runs") == []
