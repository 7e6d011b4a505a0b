"""`headrace eval build|add|promote|retire`: a suite grown, brought in, kept out of training."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.flows.context import Context
from headrace.flows.step import STEPS
from headrace.lake import Lake
from tests.integration.console.conftest import NIGHT, NOW, asked

Headrace = Callable[..., Any]
PICKS = ("--input", "question", "--target", "answer", "--id", "id")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.jsonl"
    rows = [{"id": f"q{task}", "question": asked(task), "answer": "shelf"} for task in range(3)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def wall(lake: Lake, runs: Path, home: Path) -> str:
    """A project of its own: the same conversations, curated up to the split."""
    from headrace.ingest.load import load
    from headrace.ingest.picks import Picks

    fields = ("messages", "tools", "id", "release", "user")
    picks = Picks(success="passed", started_at="at", **{name: name for name in fields})
    load(lake, [runs], picks, project="wall", now=NOW)
    context = Context(lake=lake, project="wall", now=NOW, out=home)
    for step in NIGHT:
        STEPS[step](context)
    return "wall"


def standing(lake: Lake, project: str, suite: str) -> list[str]:
    rows = lake.rows(
        "select case_id from cases where project = $p and suite = $s and retired_at is null "
        "order by case_id",
        {"p": project, "s": suite},
    )
    return [row["case_id"] for row in rows]


def held(lake: Lake, project: str) -> list[str]:
    """An episode of each group in the eval split."""
    rows = lake.rows(
        "select min(episode_id) as name from clusters c join splits s on s.project = $p "
        "and s.group_id = c.cluster_id and s.split = 'eval' "
        "where c.project = $p and c.method = 'group' group by c.cluster_id order by name",
        {"p": project},
    )
    return [row["name"] for row in rows]


def trainable(lake: Lake, project: str) -> set[str]:
    rows = lake.rows(
        "select episode_id from decisions where project = $p and step = 'decontaminate' and kept",
        {"p": project},
    )
    return {row["episode_id"] for row in rows}


def test_build_says_what_the_suite_leaves_out(headrace: Headrace) -> None:
    ran = headrace("eval", "build", "--suite", "small", "--size", "2", "--project", "mill")
    assert ran.code == 0, ran.err
    assert ran.words.startswith("suite small: 2 cases added, 0 kept (")
    assert "requests more than the size leaves room for: --size takes them" in ran.words
    assert "cases for 2 of 20 live intents, 10.0 % of 20 episodes in the last 30 days" in ran.words
    assert "5 or more for 0 of 20 live intents, 0.0 % of 20 episodes" in ran.words
    assert "most asked without a case" in ran.words and "Where did parcel number" in ran.words
    again = headrace("eval", "build", "--suite", "small", "--size", "3", "--project", "mill")
    assert "suite small: 1 case added, 2 kept" in again.words


def test_a_build_that_finds_nothing_more_says_what_brings_more(headrace: Headrace) -> None:
    words = ("eval", "build", "--suite", "whole", "--project", "mill")
    assert "every request held out" not in headrace(*words).words
    assert "0 cases added" in (again := headrace(*words)).words
    assert "every request held out has its case" in again.words


def test_build_as_json_holds_the_coverage(headrace: Headrace) -> None:
    words = ("--suite", "seeded", "--size", "3", "--seed", "4", "--failures", "1")
    ran = headrace("eval", "build", *words, "--project", "mill", "--json")
    covered = ran.json["coverage"]
    assert (ran.json["added"], ran.json["failed"]) == (3, 3)
    assert covered["any"]["intents"] == 3 and covered["cases"] == 3
    assert len(covered["uncovered"]) == 17
    assert covered["uncovered"][0]["episode_id"].startswith("run-")


def test_an_own_eval_set_is_added_once_and_never_trained_on(
    headrace: Headrace, lake: Lake, wall: str, own: Path, home: Path
) -> None:
    where = ("--suite", "own", "--project", wall)
    told = {f"run-{task}-{release}" for task in range(3) for release in range(2)}
    before = trainable(lake, wall)
    ran = headrace("eval", "add", own, *PICKS, *where)
    assert ran.code == 0, ran.err
    assert ran.words == "suite own: 3 rows, 3 cases added, 0 unchanged; standing: 3 match"
    again = headrace("eval", "add", own, *PICKS, *where, "--json")
    assert (again.json["added"], again.json["unchanged"]) == (0, 3)
    refused = headrace("dataset", "build", "w", "--objective", "sft", "--out", home / "w",
                       "--project", wall)  # fmt: skip
    assert refused.code == 1 and "overlap the evaluation" in refused.err
    STEPS["decontaminate"](Context(lake=lake, project=wall, now=NOW, out=home))
    assert trainable(lake, wall) == before - told
    built = headrace("dataset", "build", "w", "--objective", "sft", "--out", home / "w",
                     "--project", wall)  # fmt: skip
    assert built.code == 0, built.err
    rows = lake.rows("select episode_ids from members where project = $p", {"p": wall})
    members = {name for row in rows for name in row["episode_ids"]}
    assert members and not members & told


def test_an_edited_row_is_told_by_its_new_id(headrace: Headrace, lake: Lake, own: Path) -> None:
    where = ("--suite", "edited", "--project", "elsewhere")
    headrace("eval", "add", own, *PICKS, *where)
    own.write_text(own.read_text().replace("shelf", "rack", 1))
    ran = headrace("eval", "add", own, *PICKS, *where)
    assert "0 cases added, 2 unchanged, 1 edited; standing: 3 match" in ran.words
    [now] = [name for name in standing(lake, "elsewhere", "edited") if "@" in name]
    assert f"row q0 was edited: now case {now}, q0 retired" in ran.words


def test_a_row_without_a_target_and_a_bad_one_are_told(headrace: Headrace, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"q": "Hi there"}\n')
    where = ("--input", "q", "--suite", "bare", "--project", "elsewhere")
    assert "1 row without a target" in headrace("eval", "add", file, *where).words
    file.write_text('{"q": "Hi"}\n{"q": 7}\n')
    ran = headrace("eval", "add", file, *where)
    assert (ran.code, ran.out) == (1, "")
    assert "rows.jsonl:2: input is int: pick a text" in ran.err
    ran = headrace("eval", "add", file, *where, "--scorer", "bleu")
    assert ran.code == 1 and "no scorer 'bleu'; there are" in ran.err


def test_promote_takes_an_episode_and_then_says_it_is_one(
    headrace: Headrace, lake: Lake, wall: str
) -> None:
    where = ("--suite", "picked", "--project", wall)
    first, second = held(lake, wall)[:2]
    ran = headrace("eval", "promote", first, *where, "--json")
    assert ran.code == 0, ran.err
    assert standing(lake, wall, "picked") == [ran.json["case_id"]]
    assert (ran.json["episode_id"], ran.json["exported"]) == (first, [])
    again = headrace("eval", "promote", first, *where)
    assert again.code == 1 and "already a case of suite 'picked'" in again.err
    unknown = headrace("eval", "promote", "nobody", *where)
    assert unknown.code == 1 and "no episode or trace 'nobody'" in unknown.err
    said = headrace("eval", "promote", second, *where)
    assert said.words.startswith(f"episode {second} is now case ")


def test_an_episode_that_was_exported_is_promoted_only_if_one_insists(
    headrace: Headrace, lake: Lake, wall: str, home: Path
) -> None:
    out = home / "shipped"
    words = ("--objective", "sft", "--out", out, "--project", wall)
    assert headrace("dataset", "build", "shipped", *words).code == 0
    [row, *_] = lake.rows(
        "select episode_ids[1] as name from members where project = $p and name = 'shipped' "
        "and split = 'train' order by name",
        {"p": wall},
    )
    where = ("--suite", "late", "--project", wall)
    ran = headrace("eval", "promote", row["name"], *where)
    assert (ran.code, standing(lake, wall, "late")) == (1, [])
    assert "is given away by training rows of" in ran.err and "'shipped'" in ran.err
    ran = headrace("eval", "promote", row["name"], *where, "--even-if-exported")
    assert ran.code == 0 and "have seen it: their scores on it say nothing" in ran.words


def test_retire_takes_cases_out_and_names_those_it_does_not_know(
    headrace: Headrace, lake: Lake, own: Path
) -> None:
    where = ("--suite", "aged", "--project", "elsewhere")
    headrace("eval", "add", own, *PICKS, *where)
    ran = headrace("eval", "retire", "q0", "q1", *where)
    assert ran.words == "suite aged: 2 cases retired; 1 stand"
    again = headrace("eval", "retire", "q1", "q2", *where)
    assert again.words == "suite aged: 1 case retired, 1 had been before; 0 stand"
    unknown = headrace("eval", "retire", "x", *where)
    assert unknown.code == 1 and "has no case 'x'" in unknown.err
    assert standing(lake, "elsewhere", "aged") == []
