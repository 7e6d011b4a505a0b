from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from headrace.exporters.row import Row
from tests.corpus import corpus
from tests.flat_talk import ABOUT, USER, YES, bare, marked_rows, row, rows, told, unflat

Write = Callable[..., Any]


@settings(max_examples=40, deadline=None)
@given(given_row=marked_rows())
def test_every_marked_turn_is_trained_once_after_all_that_was_said_before(given_row: Row) -> None:
    records, _ = told("skyrl", given_row)
    said = bare(given_row.messages)
    ends = [at + 1 for at, mark in enumerate(given_row.trainable) if mark]
    found = [unflat(record["messages"]) for record in records]
    assert found == [
        (said[:end], given_row.tools) for end in (ends if given_row.is_masked else ends[-1:])
    ]


@settings(max_examples=40, deadline=None)
@given(task=rows("rl"))
def test_a_task_comes_back_with_what_is_right(task: Row) -> None:
    [record], _ = told("skyrl", task)
    assert unflat(record["prompt"]) == (bare(task.prompt), task.tools)
    assert record["reward_spec"] == {"method": "rule", "ground_truth": "42"}
    known = {key: ABOUT[key] for key in ("task_id", "scorer", "pass_rate", "samples")}
    assert record["extra_info"] == {**known, "policy": None}


@pytest.mark.parametrize("prompt", [[], [USER, YES]])
def test_a_task_that_ends_on_an_answer_is_left_out(prompt: list[Any]) -> None:
    assert told("skyrl", row("rl", prompt)) == ([], ["row_skipped:role_order"])


@pytest.mark.parametrize(
    ("count", "setting"), [(2, "all_assistant_messages"), (6, "last_assistant_message")]
)
def test_the_page_says_which_turns_train(adapted: Write, count: int, setting: str) -> None:
    page = adapted("skyrl", corpus("sft")[:count], "sft").files["HOWTO.md"]
    assert f"train_on_what={setting} " in page


def test_the_environment_that_rows_name_is_the_one_that_is_registered(adapted: Write) -> None:
    files = adapted("skyrl", corpus("rl"), "rl").files
    assert set(files) == {"train.jsonl", "HOWTO.md", "main.py", "headrace_env.py"}
    [[record], *_] = [told("skyrl", one)[0] for one in corpus("rl")]
    assert f'register(id="{record["env_class"]}", ' in files["main.py"]
    assert f"environment.env_class={record['env_class']} " in files["HOWTO.md"]
    assert 'entry_point="headrace_env:HeadraceEnv"' in files["main.py"]
    assert "class HeadraceEnv(" in files["headrace_env.py"]
