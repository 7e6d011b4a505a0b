"""Cases from files with personal data in them are held against episodes under their surrogates."""

import json
from typing import Any

import pytest

from headrace.curate.decontaminate import decontaminate, given_away, leaks
from headrace.curate.scrubbing import scrub
from headrace.curate.silver import key
from headrace.curate.split import Shares, split
from headrace.curate.units import units
from headrace.curate.wall.item import Item, Items
from headrace.curate.wall.repeat import Repeats
from headrace.lake.message import dump
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, result, said, short, user

ASKED = (
    "Hello, my name is Mia Wong and you reach me at mia.wong@acme.com or +1 415 555 2671. Please "
    "cancel the order #W2378156 and refund it to my card 4556 7375 8689 9855 before Friday."
)
FILE = dump({"from": "file", "file": "cases.jsonl"})


def row(world: World) -> dict[str, Any]:
    case = {"case_id": "k", "input": dump({"messages": [user(ASKED)]})}
    return case | {"origin": FILE, "origin_episode_id": None}


def scrubbed(lake: Lake, world: World) -> None:
    """An episode that asks what the case asks, and one that asks something else."""
    world.post("leak", [user(ASKED.replace("Please", " please")), said("Done.")])
    world.post("other", [user("Hi, my name is Ann Lee, where is my order #W1?"), said("Here.")])
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)


def night(lake: Lake, world: World) -> dict[str | None, str]:
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    units(lake, world.project, now=NOW)
    split(lake, world.project, now=NOW, shares=Shares(train=1, test=0, eval=0))
    decontaminate(lake, world.project, now=NOW)
    sql = "from decisions where project = $p and step = 'decontaminate'"
    return {short(r["episode_id"]): r["reason"] for r in lake.rows(sql, {"p": world.project})}


def rules(lake: Lake, world: World, item: Item) -> set[str]:
    sql = "select episode_id, revision, rowid as scrubbed from scrubbed where project = $p"
    episodes = lake.table(sql, {"p": world.project})
    return {rule for _, part in Repeats(lake, [item]).slices(episodes) for rule in part["rule"]}


def test_word_for_word_it_is_found_with_surrogates_alone(lake: Lake, world: World) -> None:
    scrubbed(lake, world)
    assert "exact" not in rules(lake, world, Item.from_row(row(world)))
    [item] = Items.of(lake, world.project, [row(world)]).items
    assert rules(lake, world, item) == {"exact", "ngram"}
    assert "wong" not in item.asked.lower()


@pytest.mark.parametrize("case_first", [True, False])
def test_an_imported_case_takes_out_the_episode_that_asks_the_same(
    case_first: bool, lake: Lake, world: World
) -> None:
    if case_first:
        world.case("k", user(ASKED), origin=FILE)
        night(lake, world)
    scrubbed(lake, world)
    night(lake, world)
    if not case_first:
        world.case("k", user(ASKED), origin=FILE)
    assert night(lake, world) == {"leak": "contaminated:exact", "other": "clean"}
    before = lake.snapshot_id
    decontaminate(lake, world.project, now=NOW)
    assert lake.snapshot_id == before
    names = [episode.episode_id for episode in world.posted]
    assert [leak.rule for leak in leaks(lake, world.project, names)] == ["exact"]
    assert [leak.rule for leak in given_away(lake, world.project, world.cases)] == ["exact"]


def test_a_name_that_only_a_field_of_episodes_gives_away_is_found(lake: Lake, world: World) -> None:
    asked = "Customer Mia Wong wants order W2378156 sent to New York. Mia Wong will wait."
    fields = json.dumps({"customer": {"name": "Mia Wong"}})
    world.post("leak", [user(asked), said(None, ("1", "find", "{}")), result("1", fields)])
    world.post(
        "york",
        [user("Where am I?"), said(None, ("1", "f", "{}")), result("1", '{"name": "Ann York"}')],
    )
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    case = row(world) | {"input": dump({"messages": [user(asked)]})}
    assert "exact" not in rules(lake, world, Item.from_row(case))
    [item] = Items.of(lake, world.project, [case]).items
    assert "exact" in rules(lake, world, item)
    assert "New York" in item.asked and "Mia" not in item.asked


def test_before_the_first_scrub_and_of_grown_cases_all_stays_as_it_is(
    lake: Lake, world: World
) -> None:
    plain = Item.from_row(row(world))
    assert Items.of(lake, world.project, [row(world)]).items == (plain,)
    scrubbed(lake, world)
    grown = row(world) | {"origin": json.dumps({"from": "production"})}
    assert Items.of(lake, world.project, [grown]).items == (Item.from_row(grown),)
    nobody = row(world) | {"input": dump({"messages": [user("Where is order #W2378156?")]})}
    assert Items.of(lake, world.project, [nobody]).items == (Item.from_row(nobody),)


def test_where_the_key_is_gone_what_was_found_stands(lake: Lake, world: World) -> None:
    world.case("k", user(ASKED), origin=FILE)
    scrubbed(lake, world)
    found = night(lake, world)
    key.place(lake.settings.home, world.project).unlink()
    decontaminate(lake, world.project, now=NOW)
    sql = "select reason from decisions where project = $p and step = 'decontaminate'"
    reasons = [r["reason"] for r in lake.rows(sql, {"p": world.project})]
    assert sorted(reasons) == sorted(found.values())
    assert "contaminated:exact" in reasons
