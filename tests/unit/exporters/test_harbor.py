import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.formats import writer
from headrace.exporters.formats.dialect import Shape
from headrace.exporters.formats.loss import HARMLESS
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body
from tests.corpus import corpus
from tests.flat_talk import USER, YES, bare, row, rows, told, unflat

Write = Callable[..., Any]
FILES = {
    "instruction.md", "task.toml", "environment/Dockerfile", "tests/test.sh", "tests/score.py",
    "tests/case.json",
}  # fmt: skip


def quoted(instruction: str) -> list[Body]:
    """The conversation in an instruction."""
    found = re.findall(r"## (\w+)\n\n(`{3,})text\n(.*?)\n\2(?=\n)", instruction, re.DOTALL)
    return [{"role": role, "content": content} for role, _, content in found]


def files(task: Row) -> dict[str, str]:
    [record], _ = told("harbor", task)
    assert record["name"] == task.row_id and set(record["files"]) == FILES
    made: dict[str, str] = record["files"]
    return made


@settings(max_examples=40, deadline=None)
@given(task=rows("rl"))
def test_the_conversation_can_be_read_back_from_the_instruction(task: Row) -> None:
    assert unflat(quoted(files(task)["instruction.md"])) == (bare(task.prompt), task.tools)


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.text("`\n#a ~", max_size=12), min_size=1, max_size=3))
def test_no_text_ends_its_fence(words: list[str]) -> None:
    prompt = [{"role": "user", "content": one} for one in words]
    assert quoted(files(row("rl", prompt))["instruction.md"]) == prompt


@settings(max_examples=40, deadline=None)
@given(policy=st.none() | st.text(st.characters(codec="utf-8"), max_size=12))
def test_the_settings_are_toml_whatever_a_model_is_called(policy: str | None) -> None:
    made = tomllib.loads(files(row("rl", [USER], policy=policy))["task.toml"])
    assert made["metadata"].get("policy") == policy
    assert made["metadata"]["pass_rate"] == 0.5 and made["metadata"]["scorer"] == "match"
    assert made["task"]["name"].startswith("headrace/")


def test_the_tests_know_what_is_right_and_the_agent_does_not() -> None:
    made = files(row("rl", [USER], reference="forty-two ☃"))
    assert json.loads(made["tests/case.json"])["reference"] == "forty-two ☃"
    shown = made["instruction.md"] + made["task.toml"] + made["environment/Dockerfile"]
    assert "forty-two" not in shown


def test_that_a_conversation_is_quoted_is_told_of_every_row() -> None:
    for one in corpus("rl"):
        _, codes = told("harbor", one)
        assert "roles_flattened" in codes
    assert told("harbor", row("rl", [USER]))[1] == ["roles_flattened"]
    assert "roles_flattened" in HARMLESS


@pytest.mark.parametrize("prompt", [[], [USER, YES]])
def test_a_task_that_ends_on_an_answer_is_left_out(prompt: list[Body]) -> None:
    assert told("harbor", row("rl", prompt)) == ([], ["row_skipped:role_order"])


def test_a_side_is_a_folder_of_task_folders(tmp_path: Path) -> None:
    held = RowFile.of([*corpus("rl")[:2], *corpus("rl", "test")[2:]])
    shape = Shape.of("refunds", "rl", held)
    written = writer.write(FORMATS["harbor"], held, shape, tmp_path)
    assert written.files == {"train": "train", "test": "test"}
    assert len([*tmp_path.glob("train/*/task.toml")]) == 2
    assert len([*tmp_path.glob("test/*/tests/test.sh")]) == 2
