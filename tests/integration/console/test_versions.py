"""`headrace dataset diff`, `members` and `list`: versions side by side, and who is in them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.exporters import dataset
from headrace.lake import Lake

Headrace = Callable[..., Any]
MILL = ("--project", "mill")
NOW = datetime(2026, 6, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def two(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same rows with another license: two versions of one name."""
    folder = tmp_path_factory.mktemp("two")
    built = [
        dataset.build(lake, "mill", "grain", "kto", out=folder / license, now=NOW, license=license)
        for license in ("other", "mit")
    ]
    return built[0].path, built[1].path


def test_two_folders_are_compared_with_recipe_and_drops(
    headrace: Headrace, two: tuple[Path, Path]
) -> None:
    found = headrace("dataset", "diff", *two, "--json").json
    assert found["recipe"] == {"license": [None, "mit"]}
    assert (found["added"], found["removed"], found["moved"]) == ({}, {}, {})
    assert found["kept"] > 0
    assert (found["suites"], found["drops"]) == ({}, {})
    shown = headrace("dataset", "diff", *two).words
    assert "license - mit" in shown


def test_versions_of_the_lake_are_compared_and_say_why_rows_left(
    headrace: Headrace, lake: Lake, two: tuple[Path, Path], tmp_path: Path
) -> None:
    whole = next(one for one in dataset.listed(lake, "mill") if one.name == "grain")
    success = dataset.build(
        lake, "mill", "grain-sft", "sft", out=tmp_path / "sft", now=NOW, license="cc0-1.0"
    )  # a licence of its own: other tests of this lake build the same rows by other names
    found = headrace("dataset", "diff", whole.version, success.version, "--json").json
    assert found["after"] == f"grain-sft {success.version}"
    assert sum(found["removed"].values()) == len(found["removed_rows"]) == whole.rows
    assert found["drops"] is None, "the lake has those of the last build alone"
    newest = headrace("dataset", "diff", "grain", two[1], "--json").json
    assert newest["kept"] == whole.rows


def test_what_names_no_version_is_told_with_the_cure(headrace: Headrace) -> None:
    ran = headrace("dataset", "diff", "nowhere", "nothing")
    assert (ran.code, ran.out) == (1, "")
    assert "'nowhere' is neither the folder of a data set nor a version" in ran.err


def test_every_version_with_a_row_of_a_user_is_named(
    headrace: Headrace, lake: Lake, two: tuple[Path, Path]
) -> None:
    found = headrace("dataset", "members", "--user", "user-1", *MILL, "--json").json
    grain = [one for one in found if one["name"] == "grain"]
    assert len(grain) == 2
    episodes = {
        row["episode_id"]
        for row in lake.rows("select episode_id from episodes where user_id = 'user-1'")
    }
    for one in grain:
        assert one["row_ids"] and set(one["episode_ids"]) <= episodes
    shown = headrace("dataset", "members", "--user", "user-1").words
    assert f"mill grain {grain[0]['version']} {len(grain[0]['row_ids'])}" in shown


def test_an_episode_is_found_by_its_name_and_nobody_in_nothing(
    headrace: Headrace, two: tuple[Path, Path]
) -> None:
    [one, *_] = headrace("dataset", "members", "--user", "user-1", "--json").json
    name = one["episode_ids"][0]
    found = headrace("dataset", "members", "--episode", name, "--json").json
    assert {each["episode_ids"][0] for each in found} == {name}
    assert headrace("dataset", "members", "--user", "nobody", "--json").json == []
    assert "no version holds a row of it" in headrace("dataset", "members", "--user", "x").out


@pytest.mark.parametrize("words", [(), ("--user", "a", "--episode", "b")])
def test_one_of_the_three_is_asked_for(headrace: Headrace, words: tuple[str, ...]) -> None:
    ran = headrace("dataset", "members", *words)
    assert ran.code == 2
    assert "name one of --user, --episode and --conversation" in ran.err


def test_the_list_says_where_a_version_is_on_the_hub(
    headrace: Headrace, lake: Lake, two: tuple[Path, Path]
) -> None:
    place = "update datasets set hub_repo = 'mill/grain', hub_revision = $oid where name = 'grain'"
    lake.write(lambda tx: tx.run(place, {"oid": "0123456789" * 4}))
    assert "mill/grain@01234567" in headrace("dataset", "list", *MILL).words
    [one, *_] = [
        row for row in headrace("dataset", "list", *MILL, "--json").json if row["name"] == "grain"
    ]
    assert (one["hub_repo"], one["hub_revision"]) == ("mill/grain", "0123456789" * 4)


def test_a_name_that_no_night_has_built_wants_a_folder(headrace: Headrace, tmp_path: Path) -> None:
    ran = headrace("dataset", "push", "flour", "mill/flour")
    assert (ran.code, ran.out) == (1, "")
    assert "name the folder that it was built into" in ran.err
