import json
from typing import Any

import msgspec
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.formats.flat import flat
from headrace.exporters.row import Row
from tests.corpus import corpus
from tests.talk import USER, YES, ask, result, row, rows, told

ROLES = {"system": "system", "human": "user", "gpt": "assistant"}


@settings(max_examples=60, deadline=None)
@given(made=st.lists(rows("sft"), min_size=1, max_size=2))
def test_conversations_are_the_flat_view_of_what_is_trained(made: list[Row]) -> None:
    records, codes = told("sharegpt", *made)
    masked = any(one.is_masked for one in made)
    assert ("mask_unrolled" in codes) == masked
    wanted = [
        flat(one.messages[:end], one.tools, lambda code: None)
        for one in made
        for end in (
            [at + 1 for at, mark in enumerate(one.trainable) if mark]
            if masked
            else [len(one.messages)]
        )
    ]
    heard = [
        [{"role": ROLES[turn["from"]], "content": turn["value"]} for turn in one["conversations"]]
        for one in records
    ]
    assert heard == wanted


def test_calls_that_are_only_read_are_no_harm() -> None:
    prompt = [USER, ask("c"), result("c")]
    assert told("sharegpt", row("sft", prompt))[1] == ["mask_unrolled", "context_flattened"]
    assert "calls_flattened" in told("sharegpt", row("sft", [USER], ask("c")))[1]
    assert told("sharegpt", row("sft", [USER], YES))[1] == []


def test_the_pages_name_the_files(adapted: Any) -> None:
    test = [msgspec.structs.replace(r, row_id=f"t{r.row_id}") for r in corpus("sft", "test")]
    files = adapted("sharegpt", [*corpus("sft"), *test], "sft").files
    config = yaml.safe_load(files["HOWTO.md"].split("```yaml\n")[1].split("```")[0])
    info = json.loads(files["dataset_info.json"])
    named = [info[config[key]]["file_name"] for key in ("dataset", "eval_dataset")]
    assert named == ["train.jsonl", "test.jsonl"]
    assert config["mask_history"] is True
    assert "Hermes" in files["HOWTO.md"]
