import ast
import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.objective import OBJECTIVES, SCHEMAS, Objective
from headrace.exporters.row import Row
from tests.corpus import corpus
from tests.talk import rows, told


def back(record: dict[str, Any]) -> Row:
    objective, split = record.pop("objective"), record.pop("split")
    return Row.read(objective, split, record)


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_every_row_comes_back_whole(objective: Objective, data: st.DataObject) -> None:
    made = data.draw(rows(objective))
    split = data.draw(st.sampled_from(["train", "test"]))
    made = msgspec.structs.replace(made, split=split, row_id="r0")
    [record], codes = told("raw", made)
    assert [*record] == ["objective", "split", *SCHEMAS[objective].names]
    assert back(record) == made and codes == []


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_corpus_comes_back_with_its_hashes_and_the_page_reads_it(
    adapted: Callable[..., Any], objective: Objective, tmp_path: Any, monkeypatch: Any
) -> None:
    rows = corpus(objective)
    made = adapted("raw", rows, objective)
    lines = made.files["train.jsonl"].removesuffix("\n").split("\n")
    assert {back(json.loads(line)).hash for line in lines} == {row.hash for row in rows}
    [block] = re.findall(r"```python\n(.*?)```", made.files["HOWTO.md"], re.DOTALL)
    (tmp_path / "train.jsonl").write_text(made.files["train.jsonl"], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    ast.parse(block)
    space: dict[str, Any] = {}
    exec(block, space)
    assert len(space["train"]) == len(rows)
