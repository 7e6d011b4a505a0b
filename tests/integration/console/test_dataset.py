"""`headrace dataset`: built, listed, compared with its manifest; what is refused, and the cure."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.exporters import dataset
from headrace.lake import Lake

Headrace = Callable[..., Any]
MILL = ("--project", "mill")


@pytest.fixture(scope="module")
def built(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "set"
    dataset.build(lake, "mill", "parcels", "sft", out=out, now=datetime(2026, 6, 3, tzinfo=UTC))
    return out


@pytest.mark.parametrize("objective", ["sft", "kto", "dpo"])
def test_a_build_says_rows_and_drops_that_add_up(
    headrace: Headrace, tmp_path: Path, objective: str
) -> None:
    words = ("--objective", objective, "--out", tmp_path / "set", *MILL, "--json")
    ran = headrace("dataset", "build", f"json-{objective}", *words)
    assert ran.code == 0, ran.err
    made = ran.json
    assert sum(made["splits"].values()) == made["rows"] > 0
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert (manifest["version"], len(manifest["rows"])) == (made["version"], made["rows"])
    used = {name for row in manifest["rows"] for name in row["episode_ids"]}
    assert len(used) + sum(made["drops"].values()) == 40


def test_a_build_for_people_names_the_folder_and_every_reason(
    headrace: Headrace, tmp_path: Path
) -> None:
    out = tmp_path / ("deep" * 30) / "set"
    ran = headrace("dataset", "build", "par[c]els", "--objective", "sft", "--out", out, *MILL)
    first, *_ = ran.out.splitlines()
    assert first.startswith("par[c]els ") and first.endswith(f"in {out}")
    assert "not_success" in ran.out and "eval_split" in ran.out
    assert (out / "README.md").is_file()


def test_the_list_has_every_version_of_this_project_alone(headrace: Headrace, built: Path) -> None:
    rows = headrace("dataset", "list", *MILL, "--json").json
    [mine] = [row for row in rows if row["name"] == "parcels"]
    manifest = json.loads((built / "manifest.json").read_text())
    assert (mine["version"], mine["objective"]) == (manifest["version"], "sft")
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    shown = headrace("dataset", "list", *MILL).words
    assert f"parcels sft {mine['rows']} {mine['version']}" in shown


def test_a_folder_as_it_was_written_is_valid(headrace: Headrace, built: Path) -> None:
    ran = headrace("dataset", "validate", built)
    assert (ran.code, ran.err) == (0, "")
    assert ran.words.startswith("parcels ") and ran.words.endswith("all as the manifest says")


def test_one_changed_byte_is_named_and_exits_1(
    headrace: Headrace, built: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    page = copy / "README.md"
    page.write_bytes(page.read_bytes()[:-1])
    ran = headrace("dataset", "validate", copy)
    assert (ran.code, ran.out) == (1, "changed file: README.md\n")
    as_json = headrace("dataset", "validate", copy, "--json")
    assert (as_json.code, as_json.json["faults"]) == (1, ["changed file: README.md"])


@pytest.mark.parametrize(
    ("words", "code", "cure"),
    [
        (("build", "x", "--objective", "sft"), 2, "--out"),
        (("build", "x", "--out", "o"), 2, "--objective"),
        (("build", "--objective", "sft", "--out", "o"), 2, "name"),
        (("build", "x", "--objective", "ppo", "--out", "o"), 1, "there are: sft, kto, dpo"),
        (("build", "x", "--objective", "sft", "--format", "csv", "--out", "o", *MILL), 1, "trl"),
        (("build", "x", "--objective", "sft", "--out", "o"), 1, "'mill'"),
        (("plan",), 1, "no project 'default': name one with --project; there are: 'bare', "),
        (("list",), 1, "'mill'"),
        (("list", "--json"), 1, "'mill'"),
        (("validate", "nowhere"), 1, "headrace dataset build"),
        (("validate",), 2, "directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_what_cannot_be_done_is_told_with_the_cure(
    headrace: Headrace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: tuple[str, ...],
    code: int,
    cure: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = headrace("dataset", *words)
    assert (ran.code, ran.out) == (code, "")
    assert cure in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_is_left_alone(headrace: Headrace, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    ran = headrace("dataset", "build", "x", "--objective", "sft", "--out", tmp_path, *MILL)
    assert (ran.code, ran.out) == (1, "")
    assert "name an empty or a new folder" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_recipe_is_printed_built_with_and_printed_again(
    headrace: Headrace, tmp_path: Path
) -> None:
    file, out = tmp_path / "sft.toml", tmp_path / "set"
    file.write_text(headrace("dataset", "recipe", "sft").out)
    words = ("--recipe", file, "--filter", "turns > 0", "--least-rows", 2, "--out", out, *MILL)
    ran = headrace("dataset", "build", "cooked", *words, "--json")
    assert ran.code == 0, ran.err
    used = headrace("dataset", "recipe", out, "--json").json
    assert used["caps"] == {"cluster": 4} and used["filters"] == ["turns > 0"]
    file.write_text(headrace("dataset", "recipe", out).out)
    again = headrace("dataset", "build", "cooked", "--recipe", file, "--out", out, *MILL, "--json")
    assert (again.json["version"], again.json["written"]) == (ran.json["version"], False)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("filter = ['true']", "no key 'filter': did you mean 'filters'?"),
        ("filters = ['drop table x']", "syntax error"),
        ("seed = 1", "no objective: name one of"),
    ],
)
def test_a_recipe_with_a_fault_is_refused_in_one_line(
    headrace: Headrace, tmp_path: Path, text: str, cure: str
) -> None:
    file = tmp_path / "r.toml"
    file.write_text(text if "seed" in text else f"objective = 'sft'\n{text}")
    ran = headrace("dataset", "build", "x", "--recipe", file, "--out", tmp_path / "o", *MILL)
    assert (ran.code, ran.out) == (1, "")
    assert cure in ran.err
    assert not (tmp_path / "o").exists()


def test_a_plan_says_what_is_ready_and_what_would_help(headrace: Headrace) -> None:
    found = headrace("dataset", "plan", *MILL, "--json").json
    rows = {one["objective"]: one["rows"] for one in found["outlooks"]}
    assert [*rows] == ["sft", "kto", "dpo", "rm", "rl"] and rows["sft"] > 0 and rows["kto"] > 0
    shown = headrace("dataset", "plan", *MILL).words
    assert (
        f"ready from 40 episodes: {rows['sft']} rows for sft, {rows['kto']} rows for kto" in shown
    )
    one = headrace("dataset", "plan", "--objective", "sft", *MILL).words
    assert "not_success" in one and "use it for kto" in one


def test_a_lake_without_any_project_says_how_to_begin(headrace: Headrace, tmp_path: Path) -> None:
    Lake.open(tmp_path / "bare").close()
    bare = ("--home", tmp_path / "bare")
    plan = headrace("dataset", "plan", *bare)
    assert (plan.code, "no episode at all: send traces" in plan.out) == (0, True)
    shown = headrace("dataset", "list", *bare)
    assert (shown.code, "headrace dataset build" in shown.out) == (0, True)
    assert headrace("dataset", "list", *bare, "--json").json == []
    built = headrace("dataset", "build", "x", "--objective", "sft", "--out", tmp_path / "o", *bare)
    assert (built.code, "headrace eval build" in built.err) == (1, True)
