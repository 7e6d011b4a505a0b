"""Every format held against the checker of the trainer that reads it.

The checkers are not part of this repository: a folder beside it has them, or the one that
`HEADRACE_VALIDATORS` names. Those that need an environment of their own skip without it;
`make validate-formats` makes all of them.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.exporters.formats import writer
from headrace.exporters.formats.dialect import Shape
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from headrace.exporters.rowfile import RowFile
from tests.corpus import corpus

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "validators"
CHECKERS = Path(os.environ.get("HEADRACE_VALIDATORS", BESIDE))
ABSENT = 2  # exit status of a checker that cannot run here
WHOLE = ("mlx", "llamafactory", "sharegpt")  # read a folder
UNCHECKED = {  # objectives for which nobody offers a checker
    "harbor": ("rl",),
    "raw": ("sft", "kto", "dpo", "rm", "rl"),
    "skyrl": ("sft",),
}
TARGETS = {
    "ms-swift": "swift",
    "bedrock-nova": "nova",
    "sharegpt": "llamafactory",
    "unsloth": "trl",
}
OBJECTIVES = {"rm": "reward", "rl": "grpo"}  # in the words of the checker of TRL
NULL = "null arguments"  # the corpus has one of its own, which is taken for one of Arrow
OPEN = r".*last message must be from assistant, is 'tool_call'"  # the assistant's in ms-swift
MIXED = f"{NULL}|the tool schema is not in"  # rows are shuffled, and have tools of their own
BEYOND = {"verl": NULL, "openrlhf": NULL, "axolotl": MIXED, "ms-swift": OPEN}  # of no trainer
TEN = ("openai", "azure")  # whose checker wants ten rows, more than there are
STEPS = os.environ.get("HEADRACE_VALIDATOR_STEPS", "0")  # that a trainer trains, where it can

PAIRS = [
    pytest.param(name, objective, id=f"{name}-{objective}")
    for name, row in FORMATS.items()
    for objective in row.objectives
    if objective not in UNCHECKED.get(name, ())
]


@pytest.mark.skipif(not CHECKERS.is_dir(), reason=f"no checkers of trainers in {CHECKERS}")
@pytest.mark.parametrize(("format", "objective"), PAIRS)
def test_the_trainers_own_checker_takes_the_files(
    tmp_path: Path, format: str, objective: Objective
) -> None:
    known = FORMATS[format]
    rows = RowFile.of([*corpus(objective), *corpus(objective, "test")])
    written = writer.write(known, rows, Shape.of("refunds", objective, rows), tmp_path)
    path = tmp_path if format in WHOLE else tmp_path / written.files["train"]
    told = checked(target(format, objective), path, objective)
    errors = [e for e in told["errors"] if not re.match(BEYOND.get(format, "$^"), e["msg"])]
    assert not errors, errors


def target(format: str, objective: Objective) -> str:
    if objective == "rl" and format in ("prime", "nemo"):
        return {"prime": "verifiers", "nemo": "nemogym"}[format]
    return TARGETS.get(format, format)


def checked(target: str, path: Path, objective: Objective) -> dict[str, Any]:
    """The report of a checker; skips where it cannot run."""
    command = [sys.executable, str(CHECKERS / "run.py"), target, str(path)]
    if target == "trl":
        command += ["--objective", OBJECTIVES.get(objective, objective), "--steps", STEPS]
    if target in TEN:
        command += ["--min-examples", "1"]
    if target == "nova":
        command += ["--bounds", "0"]  # the rows are fewer than it takes, and of the right kind
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == ABSENT:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report
