"""On the logs of a real Inspect run Headrace finds the errors that Inspect finds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import Task
from inspect_ai import eval as run_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, read_eval_log
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import (
    Score,
    Scorer,
    Target,
    exact,
    mean,
    scorer,
    stderr,
)
from inspect_ai.solver import TaskState, generate

from headrace.evals.statistics.contrast import Codes, Floats, Panel, level

CASES, GROUPS = 60, 12
CLOSE = 1e-9


@scorer(metrics=[mean(), stderr(), stderr(cluster="customer")])
def length() -> Scorer:
    """A share of the scale, so that scores are not binary."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=len(state.output.completion) / 20)

    return score


def answered(messages: Any, *_: Any) -> ModelOutput:
    output = ModelOutput.from_content("mockllm/model", messages[-1].text)
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return output


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EvalLog:
    """A log as it lies on disk, of clusters of one size, of which each has its own way."""
    rng = np.random.default_rng(3)
    tilt = rng.integers(0, 10, GROUPS)
    samples = [
        Sample(
            id=i,
            input="x" * int(tilt[i % GROUPS] + rng.integers(1, 10)),
            target="x",
            metadata={"customer": f"c{i % GROUPS}"},
        )
        for i in range(CASES)
    ]
    task = Task(dataset=samples, solver=generate(), scorer=[length(), exact()])
    model = get_model("mockllm/model", custom_outputs=answered, memoize=False)
    folder = tmp_path_factory.mktemp("logs")
    (done,) = run_eval(task, model=model, log_dir=str(folder), display="none", score_display=False)
    assert done.status == "success"
    (path,) = Path(folder).glob("*.eval")
    return read_eval_log(str(path))


def values(log: EvalLog) -> tuple[Floats, Codes]:
    assert log.samples is not None
    rows = [
        (s.scores["length"].as_float(), s.metadata["customer"]) for s in log.samples if s.scores
    ]
    _, codes = np.unique([customer for _, customer in rows], return_inverse=True)
    return np.array([[value] for value, _ in rows]), codes.astype(np.intp)


def metric(log: EvalLog, name: str, **params: Any) -> Any:
    assert log.results is not None
    found = [
        m.value
        for s in log.results.scores
        if s.name.startswith("length")
        for m in s.metrics.values()
        if m.name.split("/")[-1] == name and (m.params or {}) == params
    ]
    return found


def test_clustered_errors_are_those_of_inspect(log: EvalLog) -> None:
    means, codes = values(log)
    panel = Panel.of(means, codes, epochs=1, binary=False)
    found = panel.contrast(np.ones(1))
    (theirs,) = metric(log, "stderr", cluster="customer")
    assert found.error == pytest.approx(theirs, abs=CLOSE)
    assert found.error > 1.5 * metric(log, "stderr")[0]  # clusters matter here


def test_errors_of_cases_of_their_own_are_those_of_inspect(log: EvalLog) -> None:
    means, _ = values(log)
    found = Panel.of(means, np.arange(CASES), epochs=1, binary=False).contrast(np.ones(1))
    (theirs,) = metric(log, "stderr")
    assert found.error == pytest.approx(theirs, abs=CLOSE)


def test_means_are_those_of_inspect_and_levels_are_a_little_wider(log: EvalLog) -> None:
    """By two pseudo-cases, so that a perfect score has an interval too."""
    means, codes = values(log)
    found = level(means[:, 0], codes)
    (theirs,) = metric(log, "mean")
    assert found.mean == pytest.approx(theirs, abs=CLOSE)
    assert found.high - found.low > 0
