import ast
import re
import shlex
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from tests.corpus import corpus

Write = Callable[..., Any]

SERVICES = ("openai", "azure", "fireworks", "together", "mistral")
PAIRS = [(name, objective) for name in SERVICES for objective in FORMATS[name].objectives]
PYTHON = [pair for pair in PAIRS if pair[0] in ("openai", "azure", "mistral")]
SHELL = [pair for pair in PAIRS if pair not in PYTHON]


def page(adapted: Write, format: str, objective: Objective, *splits: Any) -> tuple[str, str]:
    """The page and its code; the last row is the test side, where there is one."""
    *rows, last = corpus(objective)
    rows.append(msgspec.structs.replace(last, split=splits[-1]))
    text = adapted(format, rows, objective).files["HOWTO.md"]
    [block] = re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)
    return text, block


@pytest.mark.parametrize(("format", "objective"), PYTHON)
@pytest.mark.parametrize("splits", [("train",), ("train", "test")])
def test_the_lines_are_a_program_that_opens_the_files_that_there_are(
    adapted: Write, format: str, objective: Objective, splits: tuple[str, ...]
) -> None:
    _, code = page(adapted, format, objective, *splits)
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    calls.sort(key=lambda call: call.lineno)
    opened = [ast.literal_eval(c.args[0]) for c in calls if ast.unparse(c.func) == "open"]
    grader = ["grader.json"] if objective == "rl" else []
    assert opened == [*(f"{split}.jsonl" for split in splits), *grader]
    [job] = [c for c in calls if ast.unparse(c.func).endswith("jobs.create")]
    given = {word.arg: ast.unparse(word.value) for word in job.keywords}
    assert any("validation_file" in str(name) for name in given) == ("test" in splits)
    assert given["suffix"] == "'refunds'" and "train.id" in str(given)


@pytest.mark.parametrize(("format", "objective"), SHELL)
@pytest.mark.parametrize("splits", [("train",), ("train", "test")])
def test_the_commands_upload_the_files_that_there_are_and_name_each_in_the_job(
    adapted: Write, format: str, objective: Objective, splits: tuple[str, ...]
) -> None:
    _, code = page(adapted, format, objective, *splits)
    *uploads, job = (shlex.split(line) for line in code.replace("\\\n", "").strip().splitlines())
    assert [command[-1] for command in uploads] == [f"{split}.jsonl" for split in splits]
    if format == "fireworks":
        assert [command[3] for command in uploads] == [f"refunds-{split}" for split in splits]
        assert job[job.index("--dataset") + 1] == "refunds-train"
        named = "--evaluation-dataset" in job
        assert named == (objective == "sft" and "test" in splits)
    else:
        assert job[job.index("--training-method") + 1] == objective
        assert ("--validation-file" in job) == ("test" in splits)


@pytest.mark.parametrize(("format", "objective"), PAIRS)
def test_every_loss_is_told_on_the_page_and_no_line_is_too_long(
    adapted: Write, format: str, objective: Objective
) -> None:
    made = adapted(format, corpus(objective), objective)
    told = made.files["HOWTO.md"]
    assert all(f"* `{loss.code}`, {loss.count} rows: " in told for loss in made.loss.losses)
    above, below = told.split("## What this format could not say")
    assert all(len(line) <= 104 for line in above.splitlines()) and below.strip()


def test_the_pages_tell_what_ends(adapted: Write) -> None:
    assert "2027-01-06" in page(adapted, "openai", "sft", "train")[0]
    assert "deprecated" in page(adapted, "mistral", "sft", "train")[0]


@pytest.mark.parametrize(
    ("format", "file"), [("openai", "grader.json"), ("fireworks", "grader.py")]
)
def test_tasks_come_with_what_scores_an_answer(adapted: Write, format: str, file: str) -> None:
    made = adapted(format, corpus("rl"), "rl").files
    assert "def grade(" in made[file] and f"`{file}`" in made["HOWTO.md"]
    assert set(adapted(format, corpus("dpo"), "dpo").files) == {"train.jsonl", "HOWTO.md"}
