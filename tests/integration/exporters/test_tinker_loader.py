"""The loader beside Tinker's files, run by the cookbook itself: what it would train on.

The cookbook needs an environment of its own, and a tokenizer made on the spot by the checkers of
trainers; without either this skips. `make validate-formats` makes both.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from headrace.exporters.formats import writer
from headrace.exporters.formats.dialect import Shape
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body
from tests.corpus import corpus

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "validators"
CHECKERS = Path(os.environ.get("HEADRACE_VALIDATORS", BESIDE))
VENVS = Path(os.environ.get("HEADRACE_VALIDATOR_VENVS", CHECKERS / ".venvs"))
PYTHON = VENVS / "tinker" / "bin" / "python"

PROGRAM = """\
import json, sys

sys.path[:0] = sys.argv[1:]
import _tiny, loader
from tinker_cookbook.renderers import get_renderer

tokenizer = _tiny.tokenizer()
renderer = get_renderer("qwen3_instruct", tokenizer)
rows = loader.Rows(loader.Path(sys.argv[1], "train.jsonl"), renderer, 9999, 2)
for at in range(len(rows)):
    for datum in rows.get_batch(at):
        tokens = datum.loss_fn_inputs["target_tokens"].data
        weights = datum.loss_fn_inputs["weights"].data
        trained = [int(token) for token, weight in zip(tokens, weights) if weight > 0]
        whole = [int(token) for token in tokens]
        print(json.dumps([tokenizer.decode(trained), tokenizer.decode(whole)]))
"""


@pytest.mark.skipif(not PYTHON.is_file(), reason=f"no environment of Tinker's in {VENVS}")
@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_the_cookbook_trains_the_marked_turns_and_each_side_of_a_pair(
    tmp_path: Path, objective: Objective
) -> None:
    rows = RowFile.of(corpus(objective))
    shape = Shape.of("refunds", objective, rows)
    writer.write(FORMATS["tinker"], rows, shape, tmp_path)
    found = trained(tmp_path)
    said = [turns for row in rows for turns in taught(row.columns)]
    assert len(found) == len(said)
    for (text, whole), turns in zip(found, said, strict=True):
        assert text.split("<|im_end|>") == [*turns, ""]
        assert ("<tools>" in whole) == ("<tool_call>" in whole)


def trained(folder: Path) -> list[tuple[str, str]]:
    """Of each datum the text that has weight, and the whole of it."""
    command = [str(PYTHON), "-c", PROGRAM, str(folder), str(CHECKERS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [(text, whole) for text, whole in map(json.loads, done.stdout.splitlines())]


def taught(columns: dict[str, Any]) -> list[list[str]]:
    """Of each datum the turns that are to train."""
    if "messages" not in columns:
        return [[told(columns[side][0])] for side in ("chosen", "rejected")]
    marked = zip(columns["messages"], columns["trainable"], strict=True)
    return [[told(message) for message, on in marked if on]]


def told(message: Body) -> str:
    """A turn as Qwen writes it; the cookbook escapes what is no ASCII in calls."""
    functions = [call["function"] for call in message.get("tool_calls", ())]
    calls = [
        json.dumps({"name": one["name"], "arguments": json.loads(one["arguments"])})
        for one in functions
    ]
    written = [f"<tool_call>\n{call}\n</tool_call>" for call in calls]
    return "\n".join([*filter(None, [message.get("content")]), *written])
