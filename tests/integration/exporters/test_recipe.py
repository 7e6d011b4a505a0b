"""Recipes on a lake: filters, rights, caps and holdout, and what they say of each episode."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from headrace.exporters import dataset, recipefile
from headrace.exporters.errors import BadRecipe, LossyFormat, TooFew
from headrace.exporters.formats.dialect import Lost, Record, Shape
from headrace.exporters.manifest import Manifest
from headrace.exporters.row import Row
from headrace.exporters.selection import Selection, select
from headrace.lake import Lake
from headrace.lake.message import Body

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PROJECT = "shop"

Talk = Callable[[str, str], list[Body]]


class Stock(Protocol):
    lake: Lake

    def episode(self, name: str, **fields: Any) -> None: ...

    def pair(self, chosen: str, rejected: str) -> None: ...


def chosen(stock: Stock, objective: str = "sft", **keys: Any) -> Selection:
    recipe = recipefile.recipe({"objective": objective, **keys})
    return select(stock.lake, PROJECT, recipe.objective, recipe=recipe)


def reasons(selection: Selection) -> Mapping[str, str]:
    return {name: found.reason for name, found in selection.against.items()}


def test_filters_leave_out_what_is_not_true(market: Stock) -> None:
    found = chosen(market, filters=["cost_usd < 0.06", "model = 'gpt-5'"])
    assert set(found.marks) == {"M1", "M3", "M5"}
    assert found.drops == {"filtered": 9}
    assert set(chosen(market, filters=["metadata ->> 'topic' = 'cancel'"]).marks) == {
        "M9",
        "M10",
        "M11",
    }
    assert len(chosen(market, filters=["cluster = 'r1' and request like '%order%'"]).marks) == 4


@pytest.mark.parametrize("text", ["nope = 1", "exists (select 1)", "model::int = 1", "turns > ?"])
def test_a_bad_filter_is_told_before_anything_is_written(
    market: Stock, tmp_path: Path, text: str
) -> None:
    with pytest.raises(BadRecipe, match="^filter "):
        recipe = recipefile.recipe({"objective": "sft", "filters": [text], "without_evals": True})
        dataset.build_from(market.lake, PROJECT, "x", recipe, out=tmp_path / "out", now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_rights_are_asked_word_by_word_and_silence_allows_nothing(market: Stock) -> None:
    allowed = chosen(market, right_to_train={"allow": {"consent": [True]}})
    assert set(allowed.marks) == {f"M{n}" for n in range(12) if n % 4 < 2}
    assert allowed.drops == {"right_to_train": 6}
    forbidden = chosen(market, right_to_train={"forbid": {"consent": ["false"]}})
    assert set(forbidden.against) == {"M2", "M6", "M10"}


def test_a_name_that_the_scrub_replaces_still_forbids(market: Stock) -> None:
    [row] = market.lake.rows("select metadata from scrubbed where episode_id = 'M0'")
    assert "Ada" not in row["metadata"]
    found = chosen(market, right_to_train={"forbid": {"customer": ["Ada Smith"]}})
    assert found.drops == {"right_to_train": 12}


def test_caps_keep_so_many_of_a_request_and_of_a_customer(market: Stock) -> None:
    by_request = chosen(market, caps={"cluster": 2})
    assert by_request.drops == {"cluster_cap": 6}
    assert [len({*by_request.marks} & {f"M{n}" for n in range(s, s + 4)}) for s in (0, 4, 8)] == [
        2
    ] * 3
    assert reasons(chosen(market, caps={"cluster": 2}, seed=1)) != reasons(by_request)
    assert chosen(market, caps={"customer": 1}).drops == {"customer_cap": 9}
    topics = {"customer": 3, "customer_by": "metadata.topic"}
    assert len(chosen(market, caps=topics).marks) == 6


def test_a_budget_of_tokens_is_kept(market: Stock) -> None:
    whole = chosen(market)
    tokens = [whole.rows.tokens(entry.row_id) for entry in whole.rows.entries]
    half = chosen(market, caps={"tokens": sum(tokens) // 2})
    kept = [half.rows.tokens(entry.row_id) for entry in half.rows.entries]
    assert sum(tokens) // 2 - max(tokens) < sum(kept) <= sum(tokens) // 2
    assert half.drops == {"token_cap": len(tokens) - len(kept)}


def test_a_mix_goes_by_columns_and_metadata(market: Stock) -> None:
    topics = {"by": "metadata.topic", "weights": {"refund": 1, "cancel": 1}}
    found = chosen(market, mix=topics)
    assert found.drops == {"mix_share": 6}
    assert {"M9", "M10", "M11"} <= set(found.marks)
    models = {"by": "model", "weights": {"gpt-5": 3, "gpt-5-mini": 1}}
    assert len(chosen(market, mix=models).marks) == 8
    for by in ("metadata", "topic", "messages", "episode_id; drop table episodes"):
        with pytest.raises(
            BadRecipe, match="mix.by is .*: name a column of episodes .*metadata.KEY"
        ):
            chosen(market, mix={**topics, "by": by})


def test_a_holdout_moves_whole_groups_to_the_tests_and_none_back(shop: Stock) -> None:
    before = {entry.row_id: entry.split for entry in chosen(shop, "kto").rows.entries}
    shares = [
        {
            entry.row_id: entry.split
            for entry in chosen(shop, "kto", holdout=0.5, seed=s).rows.entries
        }
        for s in range(8)
    ]
    assert all(side.keys() == before.keys() for side in shares)
    moved = [[name for name in before if side[name] != before[name]] for side in shares]
    assert any(moved) and len({tuple(names) for names in moved}) > 1
    assert all(before[name] == "train" for names in moved for name in names)
    again = chosen(shop, "kto", holdout=0.5, seed=3)
    assert {entry.row_id: entry.split for entry in again.rows.entries} == shares[3]


def test_masks_train_the_last_turn_or_the_last_answer(shop: Stock, speak: Talk) -> None:
    shop.episode("call-last", messages=speak("call-last", "Done")[:3])
    trained = {
        masks: {row.episode_ids[0]: row.trainable for row in chosen(shop, masks=masks).rows}
        for masks in ("all", "last", "final_answer")
    }
    assert trained["all"]["A1"] == (False, False, True, False, True)
    assert trained["last"]["A1"] == trained["final_answer"]["A1"] == (*(False,) * 4, True)
    assert trained["last"]["call-last"] == (False, False, True)
    assert reasons(chosen(shop, masks="final_answer"))["call-last"] == "no_trainable_turn"


def test_an_episode_whose_pair_gives_way_may_be_in_another(shop: Stock, speak: Talk) -> None:
    shop.episode("A1-worse", messages=speak("A1", "No"), resolution="failure", request="r-A1")
    shop.pair("A1", "A1-worse")
    whole, capped = chosen(shop, "dpo"), chosen(shop, "dpo", caps={"cluster": 1})
    assert len(whole.rows) - len(capped.rows) == 1
    assert capped.drops["cluster_cap"] == 1
    assert "A1" in capped.marks
    assert {*capped.marks} | {*capped.against} == {*whole.marks} | {*whole.against}


def test_labels_are_balanced_on_the_training_side_alone(shop: Stock) -> None:
    found = chosen(shop, "kto", balance=1)
    assert found.rows.count("train", label=True) == found.rows.count("train", label=False) == 2
    assert found.rows.count("test") == 2
    assert found.drops == {"balanced": 1}


def test_a_recipe_is_kept_with_its_version_and_builds_the_same_again(
    market: Stock, tmp_path: Path
) -> None:
    keys = {"objective": "sft", "caps": {"cluster": 2}, "filters": ["cost_usd < 0.1"], "seed": 5}
    recipe = recipefile.recipe({**keys, "without_evals": True})
    first = dataset.build_from(market.lake, PROJECT, "m", recipe, out=tmp_path / "a", now=NOW)
    stored = Manifest.load(tmp_path / "a").recipe
    assert stored == recipe
    later = NOW + timedelta(days=1)
    again = dataset.build_from(market.lake, PROJECT, "m", stored, out=tmp_path / "b", now=later)
    assert again.version == first.version
    assert (tmp_path / "a/manifest.json").read_bytes() == (
        tmp_path / "b/manifest.json"
    ).read_bytes()
    [row] = [one for one in dataset.listed(market.lake, PROJECT) if one.version == first.version]
    assert (
        json.loads(row.recipe) == json.loads((tmp_path / "a/manifest.json").read_text())["recipe"]
    )
    assert dataset.validate(tmp_path / "a").ok
    decided = market.lake.rows(
        "select reason, count(*) as n from decisions where step = 'export' group by 1 order by 1"
    )
    assert {one["reason"]: one["n"] for one in decided} == {**first.drops, "exported": first.rows}


def test_fewer_rows_than_the_recipe_asks_for_are_refused(market: Stock, tmp_path: Path) -> None:
    recipe = recipefile.recipe({"objective": "sft", "least_rows": 13, "without_evals": True})
    with pytest.raises(TooFew, match="12 rows to train on, and the recipe asks for 13"):
        dataset.build_from(market.lake, PROJECT, "m", recipe, out=tmp_path / "a", now=NOW)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("accepted", "fine"),
    [([], False), (["row_skipped"], True), (["row_skipped:odd"], True), (["text_dropped"], False)],
)
def test_a_loss_is_accepted_by_its_name(
    market: Stock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    accepted: list[str],
    fine: bool,
) -> None:
    def lossy(row: Row, shape: Shape, lost: Lost) -> list[Record]:
        if row.episode_ids == ("M0",):
            lost("row_skipped:odd")
            return []
        return [{"messages": []}]

    monkeypatch.setattr("headrace.exporters.formats.trl.records", lossy)
    keys = {"objective": "sft", "accept_loss": accepted, "without_evals": True}
    recipe, out = recipefile.recipe(keys), tmp_path / "out"
    if fine:
        assert dataset.build_from(market.lake, PROJECT, "m", recipe, out=out, now=NOW).rows == 12
        return
    with pytest.raises(LossyFormat, match="row_skipped:odd in 1 rows.*by its name with --accept"):
        dataset.build_from(market.lake, PROJECT, "m", recipe, out=out, now=NOW)


def test_a_build_reads_one_snapshot_whatever_is_written_meanwhile(
    shop: Stock, tmp_path: Path
) -> None:
    """An episode that comes while others are read is in neither rows nor counts."""
    then = shop.lake.snapshot_id
    came: list[str] = []

    def told(what: str, done: int, of: int) -> None:
        if what == "episodes" and not came:
            came.append("late")
            shop.episode("late")

    built = dataset.build(shop.lake, PROJECT, "s", "sft", out=tmp_path / "a", now=NOW, told=told)
    made = Manifest.load(built.path)
    assert came and made.snapshot_id == then
    assert made.audit.episodes == 7 and "late" not in str(made.rows)
    after = dataset.build(shop.lake, PROJECT, "s", "sft", out=tmp_path / "b", now=NOW)
    assert after.rows == built.rows + 1
