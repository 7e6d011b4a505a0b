"""Tasks from a lake in the formats of trainers: accepted, written, sealed, scored."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pyarrow.parquet as pq
import pytest

from headrace.evals.rewards import compute_score
from headrace.exporters import dataset, recipefile
from headrace.exporters.errors import LossyFormat
from headrace.lake import Lake

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PROJECT = "shop"
FLAT = ("verl", "openrlhf", "skyrl", "prime", "harbor")


class Stock(Protocol):
    lake: Lake


def build(stock: Stock, out: Path, *formats: str, accepted: tuple[str, ...] = ()) -> dataset.Built:
    recipe = recipefile.recipe(
        {"objective": "rl", "formats": [*formats], "accept_loss": [*accepted]}
    )
    return dataset.build_from(stock.lake, PROJECT, "tasks", recipe, out=out, now=NOW)


def test_calls_that_a_policy_would_learn_as_text_stop_a_build_and_others_do_not(
    still_shop: Stock, tmp_path: Path
) -> None:
    with pytest.raises(LossyFormat) as refused:
        build(still_shop, tmp_path / "out", *FLAT, "nemo")
    for name in FLAT:
        assert re.search(rf"\b{name}\b.*calls_flattened", str(refused.value))
    assert "nemo" not in str(refused.value)


def test_accepted_by_name_all_are_written_and_score_as_the_evaluation_does(
    still_shop: Stock, tmp_path: Path
) -> None:
    build(still_shop, tmp_path / "out", *FLAT, "nemo", accepted=("calls_flattened",))
    assert dataset.validate(tmp_path / "out").ok
    assert len([*tmp_path.glob("out/formats/harbor/train/*/task.toml")]) == 3
    rows = pq.read_table(tmp_path / "out/formats/verl/train.parquet").to_pylist()
    assert len(rows) == 3
    for row in rows:
        order = row["prompt"][1]["content"].rpartition(" ")[2]
        said = (
            f'<tool_call>{{"name": "refund", "arguments": {{"order_id": "{order}"}}}}</tool_call>'
        )
        truth = row["reward_model"]["ground_truth"]
        assert compute_score(row["data_source"], said, truth, row["extra_info"]) == 1
        assert compute_score(row["data_source"], "No.", truth, row["extra_info"]) == 0
