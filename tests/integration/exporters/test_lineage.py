"""What a manifest tells of where its version comes from, and who is in which version."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet as pq
import pytest

from headrace.exporters import dataset, difference, lineage
from headrace.exporters.manifest import Manifest
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.lake import Lake

NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Stock(Protocol):
    lake: Lake

    def episode(self, name: str, **fields: Any) -> None: ...

    def case(self, case_id: str, text: str, *, origin: str | None = None) -> None: ...


def build(stock: Stock, out: Path, objective: str = "sft", **more: Any) -> Manifest:
    given: dict[str, Any] = {"now": NOW, **more}
    dataset.build(stock.lake, "shop", "refunds", objective, out=out, **given)
    return Manifest.load(out)


def test_a_version_names_the_one_before_it_of_its_objective(shop: Stock, tmp_path: Path) -> None:
    first = build(shop, tmp_path / "one")
    other = build(shop, tmp_path / "kto", "kto")
    shop.episode("A6")
    second = build(shop, tmp_path / "two")
    shop.lake.write(lambda tx: tx.run("delete from resolutions where episode_id = 'A6'"))
    again = build(shop, tmp_path / "again", now=NOW + timedelta(days=1))
    assert (first.parent, other.parent, second.parent) == (None, None, first.version)
    assert (again.version, again.parent) == (first.version, None), "as when it was first built"


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_rows_of_every_file_and_their_lengths_are_told(
    still_shop: Stock, tmp_path: Path, objective: Objective
) -> None:
    made = build(still_shop, tmp_path / "out", objective)
    for file, count in made.records.items():
        if file.endswith(".parquet"):
            assert pq.read_table(tmp_path / "out" / file).num_rows == count
        else:
            assert len((tmp_path / "out" / file).read_bytes().splitlines()) == count
    rows = {
        side: sum(n for f, n in made.records.items() if f"data/{side}" in f) for side in made.splits
    }
    assert rows == made.splits == {side: sum(made.lengths[side]) for side in made.splits}


def test_another_case_or_scorer_is_another_suite(shop: Stock, tmp_path: Path) -> None:
    first = build(shop, tmp_path / "one").audit
    assert first.scorers == {"support": ("exact",)}
    shop.case("c2", "How many eggs does a hen lay in a year, on average and at most?")
    second = build(shop, tmp_path / "two", license="mit").audit
    shop.lake.write(lambda tx: tx.run("update cases set scorer = 'match' where case_id = 'c2'"))
    third = build(shop, tmp_path / "three", license="bsd").audit
    hashes = {one.suite_hashes["support"] for one in (first, second, third)}
    assert len(hashes) == 3
    assert third.scorers == {"support": ("exact", "match")}
    assert third.split is not None and third.split.groups == {"test": 2, "train": 5}


def test_a_row_that_left_is_told_with_its_reason(shop: Stock, tmp_path: Path) -> None:
    build(shop, tmp_path / "one")
    changes = (
        "update resolutions set resolution = 'pending' where episode_id = 'A1'",
        "delete from episodes where episode_id = 'A2'",
        "update splits set split = 'test' where group_id = 'g-A3'",
    )
    shop.lake.write(lambda tx: [tx.run(change) for change in changes])
    shop.episode("A6")
    after = build(shop, tmp_path / "two")
    one, two = (difference.side(str(tmp_path / name), None) for name in ("one", "two"))
    found = difference.difference(one, two, shop.lake)
    assert found.removed == {"gone": 1, "pending": 1}
    assert (found.added, found.moved, found.kept) == ({"new": 1}, {"train to test": 1}, 2)
    assert found.drops is not None and found.drops["pending"] == (None, 1)
    stored = difference.side(after.version, shop.lake)
    assert stored.rows == two.rows and stored.recipe == two.recipe


def test_rows_of_a_user_are_found_in_every_version_and_of_an_erased_episode_too(
    shop: Stock, tmp_path: Path
) -> None:
    shop.episode("A6", user_id="user-17", conversation_id="talk-1")
    both = [build(shop, tmp_path / "sft"), build(shop, tmp_path / "kto", "kto")]
    found = lineage.holdings(shop.lake, project="shop", user="user-17")
    assert [one.version for one in found] == sorted(made.version for made in both)
    for one, made in zip(found, sorted(both, key=lambda made: made.version), strict=True):
        assert one.row_ids == tuple(r.row_id for r in made.rows if r.episode_ids == ("A6",))
        assert (one.episode_ids, one.splits) == (("A6",), ("train",))
    assert lineage.holdings(shop.lake, conversation="talk-1") == found
    assert lineage.holdings(shop.lake, project="other", user="user-17") == []
    shop.lake.write(lambda tx: tx.run("delete from episodes where episode_id = 'A6'"))
    assert lineage.holdings(shop.lake, user="user-17") == []
    assert lineage.holdings(shop.lake, episode="A6") == found
