"""What is written beside tasks asks the scorer of the evaluation: an answer is worth the same
whichever trainer asks."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from headrace.evals.rewards import compute_score, score
from headrace.exporters.formats import harbor_howto
from headrace.exporters.formats.nemo_howto import APP
from headrace.exporters.formats.openrlhf_howto import REWARD
from headrace.exporters.formats.prime_howto import TASKSET
from headrace.exporters.formats.skyrl_howto import ENV
from headrace.exporters.row import Row
from tests.corpus import corpus
from tests.flat_talk import told

Page = Callable[[str], dict[str, Any]]
WRONG = (
    "",
    "No idea.",
    '<tool_call>\n{"name": "refund", "arguments": {"order_id": "B2"}}\n</tool_call>',
)


def right(row: Row) -> str:
    """The answer that the scorer of a row wants, as text."""
    if row.scorer != "tool_calls":
        return row.reference or ""
    return "\n".join(
        f'<tool_call>\n{{"name": "{c["name"]}", "arguments": {c["arguments"]}}}\n</tool_call>'
        for c in json.loads(row.reference or "")
    )


CASES = [(row, answer) for row in corpus("rl") for answer in (right(row), *WRONG)]
WORTH = [
    score(row.scorer or "", row.reference or "", [{"role": "assistant", "content": answer}])
    for row, answer in CASES
]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    """A page as a module, with what it uses of its trainer in its trainer's place."""

    class Task:
        def __class_getitem__(cls, kind: object) -> type:
            return cls

        def __init__(self, data: Any, config: Any) -> None:
            self.data, self.config = data, config

    class Server:
        pass

    given: dict[str, dict[str, Any]] = {
        "verifiers.v1": {
            "Task": Task,
            "Taskset": Task,
            "TasksetConfig": SimpleNamespace,
            "WireTaskData": SimpleNamespace,
            "Trace": object,
            "reward": lambda function: function,
            "stop": lambda function: function,
        },
        "skyrl_gym.envs.base_text_env": {"BaseTextEnv": Server, "BaseTextEnvStepOutput": dict},
        "nemo_gym.base_resources_server": {
            "BaseResourcesServerConfig": Server,
            "BaseVerifyRequest": SimpleNamespace,
            "BaseVerifyResponse": SimpleNamespace,
            "SimpleResourcesServer": Server,
        },
    }
    for name, members in given.items():
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            module = ModuleType(".".join(parts[:end]))
            monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module).update(members)

    def run(source: str) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "page", "__file__": "page.py"}
        exec(compile(source, "page.py", "exec"), names)
        return names

    return run


def test_right_answers_are_worth_one_and_others_nothing() -> None:
    assert WORTH == [1.0, 0.0, 0.0, 0.0] * len(corpus("rl"))


def test_verl_gives_its_reward_function_what_it_needs() -> None:
    made = []
    for row, answer in CASES:
        [record], _ = told("verl", row)
        truth = record["reward_model"]["ground_truth"]
        made.append(compute_score(record["data_source"], answer, truth, record["extra_info"]))
    assert made == WORTH


def test_openrlhf_scores_what_follows_the_prompt(page: Page) -> None:
    reward = page(REWARD)["reward_func"]
    made = []
    for row, answer in CASES:
        [record], _ = told("openrlhf", row)
        made.append(reward([f"Q:{answer}<|im_end|>"], ["Q:"], [record["label"]])["rewards"])
    assert made == WORTH


def test_skyrl_scores_one_step(page: Page) -> None:
    environment = page(ENV)["HeadraceEnv"]
    made = []
    for row, answer in CASES:
        [record], _ = told("skyrl", row)
        step = environment({}, record).step(answer)
        assert step["done"] and step["observations"] == []
        made.append(step["reward"])
    assert made == WORTH


def test_verifiers_scores_the_one_answer_of_a_rollout(page: Page) -> None:
    task = page(TASKSET)["HeadraceTask"]
    made = []
    for row, answer in CASES:
        [record], _ = told("prime", row)
        asked = task(SimpleNamespace(**record), None)
        message = SimpleNamespace(model_dump=lambda a=answer: {"role": "assistant", "content": a})
        rollout = SimpleNamespace(assistant_messages=[message], num_turns=1)
        assert asked.key == row.row_id
        assert asyncio.run(asked.answered(rollout))
        assert not asyncio.run(asked.answered(SimpleNamespace(num_turns=0)))
        made.append(asyncio.run(asked.worth(rollout)))
    assert made == WORTH


def test_nemo_gym_scores_the_items_of_a_response(page: Page) -> None:
    names = page(APP)
    server = names["HeadraceServer"]()
    made = []
    for row, answer in CASES:
        [record], _ = told("nemo", row)
        said = SimpleNamespace(type="message", content=[SimpleNamespace(text=answer)])
        body = SimpleNamespace(
            scorer=record["scorer"],
            expected_answer=record["expected_answer"],
            response=SimpleNamespace(output=[said]),
            model_dump=dict,
        )
        made.append(asyncio.run(server.verify(body)).reward)
    assert made == WORTH


def test_nemo_gym_reads_calls_that_the_server_has_parsed(page: Page) -> None:
    answer = page(APP)["answer"]
    for row in corpus("rl"):
        if row.scorer == "tool_calls":
            items = [
                SimpleNamespace(type="function_call", model_dump=lambda c=call: c)
                for call in json.loads(row.reference or "")
            ]
            assert score("tool_calls", row.reference or "", [answer(items)]) == 1.0


def test_harbor_scores_the_file_that_an_agent_wrote(tmp_path: Path) -> None:
    row = next(one for one in corpus("rl") if one.scorer == "tool_calls")
    [record], _ = told("harbor", row)
    for name, content in record["files"].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert record["files"]["tests/score.py"] == harbor_howto.SCORE
    found = []
    for answer in (f"{right(row)}\n", WRONG[1], None):
        said, reward = tmp_path / "answer.txt", tmp_path / "reward.txt"
        said.unlink(missing_ok=True)
        if answer is not None:
            said.write_text(answer, encoding="utf-8")
        given = {**os.environ, "ANSWER": str(said), "REWARD": str(reward)}
        command = [sys.executable, str(tmp_path / "tests" / "score.py")]
        subprocess.run(command, env=given, check=True)
        found.append(float(reward.read_text()))
    assert found == [1.0, 0.0, 0.0]
