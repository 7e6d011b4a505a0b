"""`headrace eval`: the suite, a run of a model that always knows, scores from elsewhere, trend."""

import json
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from headrace.lake import Lake

Headrace = Callable[..., Any]


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mockllm/model` calls the right tool; usage is set, for the mock would fetch a tokenizer."""
    output = ModelOutput.for_tool_call("mockllm/model", "look", {"id": "7"})
    output.usage = ModelUsage(input_tokens=5, output_tokens=3, total_tokens=8)
    made = get_model("mockllm/model", custom_outputs=repeat(output), memoize=False)
    monkeypatch.setattr("headrace.evals.runs.model.get_model", lambda name, **_: made)


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three releases over thirty cases: half of the answers right, then two thirds, then all."""
    file = tmp_path_factory.mktemp("scores") / "scores.jsonl"
    rows: list[dict[str, Any]] = [
        {"release": f"v{release}", "case_id": f"c{case}", "value": int(case % (4 - release) > 0)}
        for release in (1, 2)
        for case in range(30)
    ]
    rows += [{"release": "v3", "case_id": f"c{case}", "value": 1} for case in range(30)]
    stamped = [{**row, "at": f"2026-0{row['release'][1]}-01T00:00:00Z"} for row in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in stamped))
    return file


@pytest.fixture
def loaded(headrace: Headrace, scores: Path) -> tuple[str, ...]:
    """The words that name a suite with loaded scores."""
    where = ("--suite", "loaded", "--project", "elsewhere")
    assert headrace("eval", "load", scores, *where).code == 0
    return where


def test_build_grows_the_suite_from_what_is_held_out(headrace: Headrace, lake: Lake) -> None:
    ran = headrace("eval", "build", "--suite", "fresh", "--project", "mill", "--json")
    [held] = lake.rows("select count(*) as n from splits where project='mill' and split='eval'")
    assert ran.json["added"] + ran.json["waiting"] == held["n"] > 0
    assert sum(ran.json["by_scorer"].values()) == ran.json["added"]
    again = headrace("eval", "build", "--suite", "fresh", "--project", "mill")
    assert again.words.startswith(f"suite fresh: 0 cases added, {ran.json['added']} kept (")


def test_build_without_episodes_says_what_to_run_first(headrace: Headrace) -> None:
    ran = headrace("eval", "build", "--project", "nobody")
    assert (ran.code, ran.out) == (1, "")
    assert "headrace nightly --project nobody" in ran.err


@pytest.mark.usefixtures("knowing")
def test_a_run_scores_every_case_in_every_epoch(headrace: Headrace, tmp_path: Path) -> None:
    words = ("--model", "mockllm/model", "--release", "2.0[rc]", "--project", "mill")
    ran = headrace(
        "eval", "run", *words, "--epochs", "2", "--limit", "2", "--log-dir", tmp_path, "--json"
    )
    assert ran.code == 0, ran.err
    assert (ran.json["cases"], ran.json["scores"], ran.json["absent"]) == (2, 4, 0)
    assert 0 <= ran.json["mean"] <= 1
    assert [path.suffix for path in tmp_path.iterdir()] == [".eval"]
    shown = headrace("eval", "load", *tmp_path.iterdir(), "--suite", "production", *words[4:])
    assert shown.words.startswith("suite production: 4 scores over 2 cases and 1 release, 0 absent")
    assert shown.words.endswith("0 new"), "the run had recorded its own log"


@pytest.mark.usefixtures("knowing")
def test_a_run_for_people_is_one_line_that_names_the_release(
    headrace: Headrace, tmp_path: Path
) -> None:
    words = ("--model", "mockllm/model", "--release", "2.0[rc]", "--project", "mill")
    ran = headrace("eval", "run", *words, "--limit", "1", "--log-dir", tmp_path)
    [line] = [line for line in ran.out.splitlines() if line.startswith("run ")]
    assert "of 2.0[rc]: 1 score over 1 case, mean " in line


@pytest.mark.usefixtures("knowing")
def test_a_judge_that_says_nothing_readable_leaves_nothing_measured(
    headrace: Headrace, tmp_path: Path
) -> None:
    (tmp_path / "kind.md").write_text("Says sorry.")
    words = ("--model", "mockllm/model", "--release", "2.1", "--project", "mill", "--limit", "1")
    judge = ("--scorer", "graded", "--rubric", tmp_path / "kind.md", "--grader", "mockllm/model")
    ran = headrace("eval", "run", *words, *judge, "--param", "temperature=0.5")
    assert ran.code == 1, ran.err
    assert "1 score over 1 case, mean -, 1 absent" in ran.words
    assert "nothing was measured" in ran.words


@pytest.mark.usefixtures("knowing")
def test_a_zero_that_no_wrong_answer_made_says_why(headrace: Headrace) -> None:
    """The model calls tools without end."""
    words = ("--model", "mockllm/model", "--release", "2.2", "--project", "mill", "--limit", "1")
    ran = headrace("eval", "run", *words, "--solver", "replay", "--message-limit", "3")
    assert ran.code == 0, ran.err
    assert "1 zero: limit reached: message" in ran.words


def test_an_agent_of_ones_own_needs_no_model(
    headrace: Headrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "an_agent_of_mine.py").write_text("def act(asked):\n    raise KeyError('lost')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ("--agent", "an_agent_of_mine:act", "--release", "3", "--project", "mill")
    ran = headrace("eval", "run", *words, "--limit", "2", "--log-dir", tmp_path)
    assert ran.code == 0, ran.err
    assert "2 scores over 2 cases, mean 0.0 %, 0 absent" in ran.words
    assert "2 zero: the agent failed: KeyError: 'lost'" in ran.words
    [log] = tmp_path.glob("*.eval")
    again = headrace("eval", "run", "--resume", log)
    assert again.code == 1 and "nothing to resume" in again.err


def test_what_an_agent_prints_is_no_part_of_the_document(
    headrace: Headrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def act(asked):\n    print('debugging')\n    return 'yes'\n"
    (tmp_path / "a_loud_agent.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ("--agent", "a_loud_agent:act", "--release", "3.1", "--project", "mill", "--json")
    ran = headrace("eval", "run", *words, "--limit", "2", "--log-dir", tmp_path)
    assert ran.json["scores"] == 2
    assert "debugging" in ran.err


def test_what_production_answered_is_a_run_per_release(headrace: Headrace) -> None:
    where = ("--project", "mill", "--from-production")
    ran = headrace("eval", "run", *where, "--json")
    assert ran.code == 0, ran.err
    assert ran.json and all(row["scores"] > 0 for row in ran.json)
    assert headrace("eval", "run", *where).words.count("run production_") == len(ran.json)


@pytest.mark.parametrize(
    ("words", "code", "cure"),
    [
        (("run", "--model", "mockllm/model"), 2, "--release"),
        (("run", "--release", "r"), 2, "--model"),
        (("run", "--model", "m", "--release", "r", "--from-production"), 2, "one of"),
        (("run", "--model", "m", "--release", "r", "--param", "hot"), 2, "NAME=VALUE"),
        (("run", "--model", "m", "--release", "r", "--rubric", "absent.md"), 2, "absent.md"),
        (("run", "--model", "m", "--release", "r", "--solver", "magic"), 1, "answer, replay"),
        (("run", "--agent", "magic", "--release", "r", "--project", "mill"), 1, "module:function"),
        (
            ("run", "--model", "mockllm/model", "--release", "r", "--project", "mill")
            + ("--scorer", "vibes"),
            1,
            "json_schema",
        ),
        (("run", "--model", "m", "--release", "r", "--base-url", "x", "--api-key-env", "NO_KEY"),)
        + (1, "NO_KEY"),
        (("run", "--model", "m", "--release", "r", "--epochs", "0"), 2, "--epochs"),
        (("run", "--model", "m", "--release", "r", "--limit", "0"), 2, "--limit"),
        (
            ("run", "--model", "mockllm/model", "--release", "r", "--project", "nobody"),
            1,
            "eval build",
        ),
        (
            ("run", "--model", "nobody/x", "--release", "r", "--project", "mill"),
            1,
            "PROVIDER/MODEL",
        ),
        (("load",), 2, "files"),
        (("trend", "--delta", "1.5"), 2, "--delta"),
        (("trend", "--delta", "-0.1"), 2, "--delta"),
        (("trend", "--project", "nobody"), 1, "suites with runs: none yet; other projects: "),
        (("build", "--project", "nobody"), 1, "; other projects: "),
        (("trend", "--project", "mill", "--suite", "x"), 1, "suites with runs: production"),
        (("trend", "--project", "mill", "--scorer", "x"), 1, "there are: "),
        (("trend", "--project", "mill", "--chart", "t.pdf"), 1, ".svg"),
        (("no-such-command",), 2, "no-such-command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_what_cannot_be_done_is_told_with_the_cure(
    headrace: Headrace, words: tuple[str, ...], code: int, cure: str
) -> None:
    ran = headrace("eval", *words)
    assert (ran.code, ran.out) == (code, "")
    assert cure in ran.err and "Traceback" not in ran.err


def test_scores_from_elsewhere_are_counted_and_loaded_once(
    headrace: Headrace, scores: Path
) -> None:
    where = ("--suite", "once", "--project", "loaded-once")
    first = headrace("eval", "load", scores, *where, "--json")
    assert first.json["releases"] == first.json["new_releases"] == ["v1", "v2", "v3"]
    assert (first.json["scores"], first.json["cases"], first.json["absent"]) == (90, 30, 0)
    again = headrace("eval", "load", scores, *where)
    assert again.words == ("suite once: 90 scores over 30 cases and 3 releases, 0 absent, 0 new")


def test_rows_with_names_of_their_own_are_picked_by_expressions(
    headrace: Headrace, tmp_path: Path
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("build,question,points\nb1,q1,0.5\nb1,q2,\n")
    words = ("--release-expr", "build", "--case", "question", "--value", "points", "--suite", "own")
    ran = headrace("eval", "load", file, *words, "--project", "elsewhere", "--json")
    assert (ran.json["scores"], ran.json["absent"], ran.json["releases"]) == (2, 1, ["b1"])


@pytest.mark.parametrize("name", ["scores.txt", "absent.jsonl", "absent.eval"])
def test_a_file_of_scores_that_cannot_be_read_is_named(
    headrace: Headrace, tmp_path: Path, name: str
) -> None:
    ran = headrace("eval", "load", tmp_path / name, "--project", "elsewhere")
    assert (ran.code, ran.out) == (1, "")
    assert name in ran.err


def test_the_trend_has_a_row_per_release_and_a_verdict(
    headrace: Headrace, loaded: tuple[str, ...]
) -> None:
    ran = headrace("eval", "trend", *loaded, "--json")
    rows = ran.json["releases"]
    assert [row["release"] for row in rows] == ["v1", "v2", "v3"]
    assert rows[2]["mean"] == 1.0 and rows[0]["mean"] == pytest.approx(2 / 3)
    assert all(row["low"] <= row["mean"] <= row["high"] for row in rows)
    assert ran.json["verdict"]["delta"] == 0.03
    given = headrace("eval", "trend", *loaded, "--delta", "0.2", "--json")
    assert given.json["verdict"]["delta"] == 0.2


def test_the_trend_for_people_names_the_scorer_and_shows_intervals(
    headrace: Headrace, loaded: tuple[str, ...], tmp_path: Path
) -> None:
    chart = tmp_path / "trend.svg"
    ran = headrace("eval", "trend", *loaded, "--chart", chart)
    assert "▃▁█ means from 50.0 % to 100.0 %" in ran.words
    assert ran.out.startswith("loaded, scorer ")
    assert "Scorer(" not in ran.out
    assert "v3 30 1 0 100.0 %" in ran.words
    assert "is assumed, not given" in ran.words
    assert chart.read_text().startswith("<svg")
