import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from headrace.exporters import dataset, folder
from headrace.exporters.errors import (
    EvalLeak,
    LossyFormat,
    NoSuite,
    NotADataset,
    NothingToExport,
    OneLabelOnly,
    UnknownFormat,
    UnknownObjective,
    UnusableName,
    Unwritable,
)
from headrace.exporters.formats.dialect import Lost, Record, Shape
from headrace.exporters.manifest import Manifest
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake import Lake
from headrace.lake.message import Body

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PROJECT = "shop"


DECIDED = "from decisions where step = 'export' and version = 'dpo' and episode_id = $episode"


class Stock(Protocol):
    lake: Lake

    def screen(self, name: str, reason: str) -> None: ...

    def episode(self, name: str, **fields: Any) -> None: ...

    def case(self, case_id: str, text: str, *, origin: str | None = None) -> None: ...


def build(
    stock: Stock, out: Path, objective: str = "sft", name: str = "refunds", **more: Any
) -> dataset.Built:
    given: dict[str, Any] = {"now": NOW, **more}
    return dataset.build(stock.lake, PROJECT, name, objective, out=out, **given)


def contents(place: Path) -> dict[str, bytes]:
    return {name: (place / name).read_bytes() for name in folder.files(place)}


@pytest.mark.parametrize(
    ("objective", "splits"),
    [
        ("sft", {"train": 3, "test": 1}),
        ("kto", {"train": 5, "test": 2}),
        ("dpo", {"train": 2, "test": 1}),
        ("rl", {"train": 3, "test": 1}),
    ],
)
def test_a_build_writes_the_whole_layout(
    still_shop: Stock, tmp_path: Path, objective: str, splits: dict[str, int]
) -> None:
    built = build(still_shop, tmp_path / "out", objective)
    assert folder.files(tmp_path / "out") == [
        "README.md",
        "charts/lengths.svg",
        "charts/outcomes.svg",
        "croissant.json",
        "data/test-00000-of-00001.parquet",
        "data/train-00000-of-00001.parquet",
        "formats/trl/HOWTO.md",
        "formats/trl/test.jsonl",
        "formats/trl/train.jsonl",
        "manifest.json",
    ]
    assert built.splits == splits
    assert built.written
    assert dataset.validate(tmp_path / "out").faults == ()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_same_lake_gives_the_same_bytes(
    still_shop: Stock, tmp_path: Path, objective: Objective
) -> None:
    first = build(still_shop, tmp_path / "one", objective)
    later = build(still_shop, tmp_path / "two", objective, now=NOW + timedelta(days=3))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert first.version == later.version


def test_the_version_follows_from_rows_and_recipe(shop: Stock, tmp_path: Path) -> None:
    first = build(shop, tmp_path / "out")
    shop.episode("A5", resolution="pending")
    assert build(shop, tmp_path / "two").version == first.version
    shop.episode("A6")
    assert build(shop, tmp_path / "three").version != first.version
    assert build(shop, tmp_path / "four", license="mit").version != first.version


def test_what_is_held_back_to_review_is_in_no_set_and_told(shop: Stock, tmp_path: Path) -> None:
    before = build(shop, tmp_path / "one", "dpo")
    shop.screen("A1-failed", "injection")
    for objective in OBJECTIVES:
        built = build(shop, tmp_path / objective, objective)
        named = {name for row in Manifest.load(built.path).rows for name in row.episode_ids}
        assert "A1-failed" not in named
        assert built.drops["screened:injection"] == 1
    [one] = shop.lake.rows(DECIDED, {"episode": "A1"})
    assert (one["reason"], one["because_of"]) == ("partner_left_out", "A1-failed")
    assert before.splits["train"] == 2 and Manifest.load(tmp_path / "dpo").splits["train"] == 1


def test_a_folder_of_the_same_version_is_left_and_another_replaced(
    shop: Stock, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = build(shop, out)
    before = (out / "manifest.json").stat().st_mtime_ns
    assert not build(shop, out).written
    assert (out / "manifest.json").stat().st_mtime_ns == before
    shop.episode("A6")
    second = build(shop, out)
    assert second.written
    assert Manifest.load(out).version == second.version != first.version


def test_a_damaged_folder_of_the_same_version_is_written_again(
    still_shop: Stock, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(still_shop, out)
    whole = contents(out)
    (out / "README.md").write_text("mine")
    assert build(still_shop, out).written
    assert contents(out) == whole


def test_a_folder_that_is_not_ours_is_not_touched(still_shop: Stock, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(NotADataset, match="name an empty or a new folder"):
        build(still_shop, tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize("mine", ["notes.txt", ".git/HEAD", "data/mine.csv", "data/link"])
def test_a_file_put_into_our_folder_is_named_and_kept(
    still_shop: Stock, tmp_path: Path, mine: str
) -> None:
    out = tmp_path / "out"
    build(still_shop, out)
    (out / mine).parent.mkdir(exist_ok=True)
    if mine.endswith("link"):
        (out / mine).symlink_to(tmp_path)
    else:
        (out / mine).write_text("mine")
    before = set(out.rglob("*"))
    with pytest.raises(NotADataset, match=f"holds {mine}, which .* an empty or a new folder"):
        build(still_shop, out, "kto")
    assert set(out.rglob("*")) == before


def test_a_web_app_with_a_manifest_is_not_touched(still_shop: Stock, tmp_path: Path) -> None:
    for name in ("manifest.json", "src.js"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(NotADataset, match=r"holds manifest\.json, which"):
        build(still_shop, tmp_path)
    assert folder.files(tmp_path) == ["manifest.json", "src.js"]


def test_a_folder_of_ours_takes_another_objective(still_shop: Stock, tmp_path: Path) -> None:
    for objective in OBJECTIVES:
        assert build(still_shop, tmp_path / "out", objective).written
    assert dataset.validate(tmp_path / "out").ok


def test_a_folder_that_cannot_be_made_is_told(still_shop: Stock, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (Path("/proc/zz"), tmp_path / "file" / "set"):
        with pytest.raises(Unwritable, match=f"{out} cannot be written: .*: name another folder"):
            build(still_shop, out)


def test_a_link_to_a_folder_is_followed(still_shop: Stock, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "far")
    assert build(still_shop, tmp_path / "out").path == tmp_path / "far"
    assert not build(still_shop, tmp_path / "out").written
    assert (tmp_path / "out").is_symlink()


def test_a_name_of_two_lines_is_refused_before_anything_is_made(
    still_shop: Stock, tmp_path: Path
) -> None:
    with pytest.raises(UnusableName, match="is no name for a data set"):
        build(still_shop, tmp_path / "out", name="refunds\nand more")
    assert list(tmp_path.iterdir()) == []


def test_a_build_is_recorded_with_rows_and_decisions(shop: Stock, tmp_path: Path) -> None:
    shop.episode("A5", contaminated_by="c1")
    built = build(shop, tmp_path / "out")
    build(shop, tmp_path / "two")
    [record] = dataset.listed(shop.lake, PROJECT)
    assert (record.name, record.version, record.rows) == ("refunds", built.version, 4)
    assert json.loads(record.recipe)["formats"] == ["trl"]
    members = shop.lake.rows("select * from members order by row_id")
    assert [(m["row_id"], m["split"]) for m in members] == [
        (row.row_id, row.split) for row in Manifest.load(tmp_path / "out").rows
    ]
    decided = shop.lake.rows(
        "select episode_id, kept, reason, because_of from decisions "
        "where step = 'export' and version = 'sft' order by episode_id"
    )
    assert len(decided) == 8
    assert sum(row["kept"] for row in decided) == 4
    [leaked] = [row for row in decided if row["episode_id"] == "A5"]
    assert (leaked["reason"], leaked["because_of"]) == ("contaminated:exact", "c1")


def test_drops_and_episodes_in_rows_are_all_episodes(shop: Stock, tmp_path: Path) -> None:
    shop.episode("A5", duplicate_of="A1")
    shop.episode("A6", split=None)
    shop.episode("A7", split="eval")
    built = build(shop, tmp_path / "out")
    assert built.drops == {"not_success": 3, "duplicate": 1, "eval_split": 1, "not_curated": 1}
    manifest = Manifest.load(tmp_path / "out")
    assert manifest.audit.episodes == 10 == built.rows + sum(built.drops.values())


def test_without_a_suite_nothing_is_built_unless_asked(stock: Stock, tmp_path: Path) -> None:
    stock.episode("A1")
    with pytest.raises(NoSuite, match="headrace eval build.*--without-evals"):
        build(stock, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    build(stock, tmp_path / "out", without_evals=True)
    assert "There was no suite" in (tmp_path / "out" / "README.md").read_text()


def test_a_retired_case_is_no_suite(shop: Stock, tmp_path: Path) -> None:
    shop.lake.write(lambda tx: tx.run("update cases set retired_at = added_at"))
    with pytest.raises(NoSuite):
        build(shop, tmp_path / "out")


def test_rows_that_match_a_case_are_refused_unless_accepted(
    shop: Stock, tmp_path: Path, speak: Callable[[str, str], list[Body]]
) -> None:
    shop.case("late", speak("A1", "")[1]["content"], origin="A1")
    with pytest.raises(EvalLeak, match="episode A1 with case late.*nightly.*--accept-leaks"):
        build(shop, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    build(shop, tmp_path / "out", accept_leaks=True)
    assert Manifest.load(tmp_path / "out").audit.leaks > 0
    assert "accepted by hand" in (tmp_path / "out" / "README.md").read_text()


def test_nothing_to_export_names_reasons_and_cures(shop: Stock, tmp_path: Path) -> None:
    shop.lake.write(lambda tx: tx.run("update resolutions set resolution = 'unmarked'"))
    with pytest.raises(NothingToExport, match="7 unmarked .send its outcome to /v1/outcomes"):
        build(shop, tmp_path / "out")
    reasons = shop.lake.rows("select distinct reason from decisions where step = 'export'")
    assert reasons == [{"reason": "unmarked"}]


def test_an_empty_project_says_what_to_send(stock: Stock, tmp_path: Path) -> None:
    with pytest.raises(NothingToExport, match="no episode at all"):
        build(stock, tmp_path / "out", without_evals=True)


def test_rows_on_the_test_side_alone_are_nothing_to_train_on(stock: Stock, tmp_path: Path) -> None:
    stock.episode("A1", split="test")
    with pytest.raises(NothingToExport, match="test side"):
        build(stock, tmp_path / "out", without_evals=True)


def test_an_unpaired_set_needs_both_labels(stock: Stock, tmp_path: Path) -> None:
    stock.episode("A1")
    stock.episode("A2", resolution="failure", split="test")
    with pytest.raises(OneLabelOnly, match="outcomes of failures"):
        build(stock, tmp_path / "out", "kto", without_evals=True)


def test_loss_that_changes_training_must_be_accepted(
    still_shop: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
        lost("text_dropped")
        return [{"messages": []}]

    monkeypatch.setattr("headrace.exporters.formats.trl.records", lossy)
    with pytest.raises(LossyFormat, match="trl: text_dropped .* in 4 rows.*--allow-lossy"):
        build(still_shop, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert build(still_shop, tmp_path / "out", allow_lossy=True).loss[0].harmful


@pytest.mark.parametrize(
    ("more", "error"),
    [({"objective": "ppo"}, UnknownObjective), ({"formats": ("csv",)}, UnknownFormat)],
)
def test_an_unknown_word_is_named_before_anything_is_read(
    still_shop: Stock, tmp_path: Path, more: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match="there are:"):
        build(still_shop, tmp_path / "out", **more)


def test_another_project_sees_nothing(still_shop: Stock, tmp_path: Path) -> None:
    with pytest.raises(NothingToExport, match="no episode at all"):
        dataset.build(
            still_shop.lake, "other", "x", "sft", out=tmp_path / "out", now=NOW, without_evals=True
        )
    assert dataset.listed(still_shop.lake, "other") == []


def test_a_crash_before_the_record_is_healed_by_building_again(
    shop: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(dataset, "_record", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            build(shop, tmp_path / "out")
    assert dataset.listed(shop.lake, PROJECT) == []
    built = build(shop, tmp_path / "out")
    [record] = dataset.listed(shop.lake, PROJECT)
    assert record.version == built.version
    assert record.snapshot_id == Manifest.load(tmp_path / "out").snapshot_id


def test_what_somebody_put_there_meanwhile_is_not_lost(still_shop: Stock, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def interfere(what: str, done: int, of: int) -> None:
        if what == "rows":
            out.mkdir(exist_ok=True)
            (out / "letter.txt").write_text("dear")

    with pytest.raises(NotADataset, match=r"letter\.txt, which Headrace did not write"):
        build(still_shop, out, told=interfere)
    assert contents(out) == {"letter.txt": b"dear"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_disk_that_is_full_while_rows_are_gathered_is_told(
    still_shop: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: RowFile, row: Row) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RowFile, "add", full)
    with pytest.raises(Unwritable, match="No space left on device"):
        build(still_shop, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
