"""What other programs read: `datasets`, DuckDB and the checkers of trainer formats."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn, Protocol

import datasets
import duckdb
import pytest

from headrace.exporters import dataset
from headrace.exporters.manifest import Manifest
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.exporters.row import Row
from headrace.lake import Lake
from headrace.lake.store import Transaction

VALIDATORS = Path(__file__).resolve().parents[4] / "shared" / "validators"


class Stock(Protocol):
    lake: Lake

    def episode(self, name: str, **fields: Any) -> None: ...


def build(stock: Stock, out: Path, objective: str) -> dataset.Built:
    now = stock.lake.rows("select now() as now")[0]["now"]
    return dataset.build(stock.lake, "shop", "refunds", objective, out=out, now=now)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No socket may connect; the cache folder to be used."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_datasets_loads_every_row_as_it_was_hashed(
    still_shop: Stock, tmp_path: Path, offline: Path, objective: Objective
) -> None:
    build(still_shop, tmp_path / "out", objective)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(offline))
    found = {
        (row.row_id, row.hash, row.split)
        for split in ("train", "test")
        for row in (Row.read(objective, split, columns) for columns in loaded[split])
    }
    known = Manifest.load(tmp_path / "out").rows
    assert found == {(row.row_id, row.hash, row.split) for row in known}


def test_two_sets_in_folders_of_one_name_share_a_cache_but_no_rows(
    still_shop: Stock, shop: Stock, tmp_path: Path, offline: Path
) -> None:
    build(still_shop, tmp_path / "one" / "kto", "kto")
    shop.lake.write(lambda tx: tx.run("update splits set split = 'eval' where split = 'test'"))
    build(shop, tmp_path / "other" / "kto", "kto")
    for place in (tmp_path / "one" / "kto", tmp_path / "other" / "kto"):
        loaded = datasets.load_dataset(str(place), cache_dir=str(offline))
        found = sorted(name for split in loaded.values() for name in split["row_id"])
        assert found == sorted(row.row_id for row in Manifest.load(place).rows)


def _forget_one(tx: Transaction) -> None:
    """One exported episode is no longer resolved."""
    tx.run(
        "delete from resolutions where episode_id = (select max(episode_id) "
        "from (select unnest(episode_ids) as episode_id from members))"
    )


def test_a_set_built_anew_in_its_folder_is_not_read_from_the_cache(
    shop: Stock, tmp_path: Path, offline: Path
) -> None:
    out = tmp_path / "kto"
    for rebuilt in (False, True):
        if rebuilt:
            shop.lake.write(_forget_one)
        build(shop, out, "kto")
        loaded = datasets.load_dataset(str(out), cache_dir=str(offline))
        found = sorted(name for split in loaded.values() for name in split["row_id"])
        assert found == sorted(row.row_id for row in Manifest.load(out).rows)


def test_datasets_loads_a_set_without_a_test_side(
    shop: Stock, tmp_path: Path, offline: Path
) -> None:
    shop.lake.write(lambda tx: tx.run("update splits set split = 'eval' where split = 'test'"))
    build(shop, tmp_path / "out", "sft")
    assert not (tmp_path / "out" / "data" / "test-00000-of-00001.parquet").exists()
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(offline))
    assert list(loaded) == ["train"]
    assert len(loaded["train"]) == 3


def test_duckdb_reads_arguments_as_text(still_shop: Stock, tmp_path: Path) -> None:
    build(still_shop, tmp_path / "out", "sft")
    glob = str(tmp_path / "out" / "data" / "*.parquet")
    query = "select messages[3].tool_calls[1].function.arguments from read_parquet($glob)"
    found = duckdb.execute(query, {"glob": glob}).fetchall()
    assert sorted(json.loads(text)["order_id"] for (text,) in found) == ["A1", "A2", "A3", "A4"]


@pytest.mark.slow
@pytest.mark.skipif(not VALIDATORS.is_dir(), reason="the checkers of trainer formats are absent")
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_checker_of_trl_takes_the_files(
    still_shop: Stock, tmp_path: Path, objective: Objective
) -> None:
    build(still_shop, tmp_path / "out", objective)
    file = tmp_path / "out" / "formats" / "trl" / "train.jsonl"
    ran = subprocess.run(
        [sys.executable, str(VALIDATORS / "validate_trl.py"), str(file)]
        + ["--objective", {"rm": "reward", "rl": "grpo"}.get(objective, objective), "--steps", "0"],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")},
    )
    report = json.loads(ran.stdout)
    assert report["errors"] == []
    assert report["ok"] is True
