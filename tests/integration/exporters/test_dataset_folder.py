"""The card and the check of a folder against its manifest."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from huggingface_hub import DatasetCard

from headrace.exporters import dataset, folder
from headrace.exporters.errors import NotADataset
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.lake import Lake
from headrace.lake.record import Verdict

NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Stock(Protocol):
    lake: Lake

    def episode(self, name: str, **fields: Any) -> None: ...


def build(stock: Stock, out: Path, objective: str) -> dataset.Built:
    return dataset.build(stock.lake, "shop", "refunds", objective, out=out, now=NOW)


@pytest.fixture(scope="module")
def original(still_shop: Stock, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("original") / "out"
    build(still_shop, out, "sft")
    return out


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_card_is_one_that_the_hub_takes(
    still_shop: Stock, tmp_path: Path, objective: Objective
) -> None:
    verdict = Verdict(
        project="shop",
        verdict_id="v",
        kind="readiness",
        state="not_yet",
        at=NOW,
        expires_at=NOW,
        inputs_hash="",
        payload="{}",
    )
    still_shop.lake.write(lambda tx: tx.append("verdicts", [verdict]))
    build(still_shop, tmp_path / "out", objective)
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert card.data.license == "other"
    [config] = card.data.to_dict()["configs"]
    assert [one["split"] for one in config["data_files"]] == ["train", "test"]
    assert "not scrubbed" in card.text
    assert "not_yet, 2026-03-02" in card.text
    assert f"headrace dataset build refunds --objective {objective} --format trl" in card.text
    assert "| support | 1 |" in card.text


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda d: (d / "README.md").write_bytes(b"x"), "changed file: README.md"),
        (lambda d: (d / "formats/trl/HOWTO.md").unlink(), "missing file: formats/trl/HOWTO.md"),
        (lambda d: (d / "more.txt").write_bytes(b"x"), "extra file: more.txt"),
        (
            lambda d: (d / "data/train-00000-of-00001.parquet").write_bytes(b"x"),
            "unreadable rows: data/train-00000-of-00001.parquet: ArrowInvalid",
        ),
        (
            lambda d: (d / "data/train-00000-of-00001.parquet").write_bytes(
                (d / "data/test-00000-of-00001.parquet").read_bytes()
            ),
            "changed rows: data/train-00000-of-00001.parquet",
        ),
        (
            lambda d: (d / "manifest.json").write_text(
                (d / "manifest.json").read_text().replace('"split": "test"', '"split": "train"')
            ),
            "does not follow",
        ),
    ],
)
def test_validation_names_what_changed(
    original: Path, tmp_path: Path, damage: Callable[[Path], object], fault: str
) -> None:
    shutil.copytree(original, tmp_path / "out")
    damage(tmp_path / "out")
    found = dataset.validate(tmp_path / "out")
    assert not found.ok
    assert any(fault in told for told in found.faults)


def test_a_folder_without_a_manifest_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(NotADataset, match="headrace dataset build"):
        dataset.validate(tmp_path)


def test_a_folder_of_another_data_set_is_not_taken(original: Path, shop: Stock) -> None:
    before = {file: (original / file).read_bytes() for file in folder.files(original)}
    with pytest.raises(NotADataset, match="holds the data set 'refunds' of project 'shop'"):
        dataset.build(shop.lake, "shop", "returns", "sft", out=original, now=NOW)
    assert {file: (original / file).read_bytes() for file in folder.files(original)} == before
