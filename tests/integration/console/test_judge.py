"""`headrace eval judge`, and a trend that rests on a judge: what people see, exit codes, JSON."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Headrace = Callable[..., Any]

PAGE = Path(__file__).parents[3] / "docs" / "judges.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def support(headrace: Headrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A suite that a judge scored; the labels as the page has them. Every `wrong`-th one errs."""

    def load(suite: str, *, wrong: int, labels: int) -> tuple[str, ...]:
        where = ("--suite", suite, "--project", "judged")
        rows, lines = [], ["release,case_id,epoch,verdict"]
        for i in range(200):
            good = i % 3 > 0
            said = not good if i % wrong == 0 else good
            row = {"release": "v1", "case_id": f"q{i}", "epoch": 1, "value": said}
            rows.append({**row, "scorer": "model_graded_qa", "slice": "ab"[i % 2]})
            if i < labels:
                lines.append(f"v1,q{i},1,{'good' if good else 'bad'}")
        (tmp_path / "judged.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
        monkeypatch.chdir(tmp_path)
        assert headrace("eval", "load", "judged.jsonl", *where).code == 0
        for line in documented():
            if "labels.csv" in line:
                words = shlex.split(line.replace("--suite support", shlex.join(where)))[1:]
                ran = headrace(*words)
                assert ran.code == 0, ran.err
        return where

    return load


def documented() -> list[str]:
    """The commands of the page."""
    lines = "".join(BLOCK.findall(PAGE.read_text())).splitlines()
    return [line for line in lines if line.startswith("headrace ")]


def test_the_page_shows_how_to_label_and_how_to_judge() -> None:
    assert [line.split()[:3] for line in documented()] == [
        ["headrace", "eval", "load"],
        ["headrace", "eval", "load"],
        ["headrace", "eval", "judge"],
    ]


def test_a_judge_that_passes_leaves_with_zero_and_shows_every_figure_with_its_interval(
    headrace: Headrace, support: Any
) -> None:
    where = support("trusted", wrong=20, labels=150)
    judge = [line for line in documented() if "eval judge" in line][0]
    ran = headrace(*shlex.split(judge.replace("--suite support", shlex.join(where)))[1:])
    assert ran.code == 0, ran.err
    assert "trusted: model_graded_qa against human" in ran.words
    assert "all 150 94.7 % 0.88 0." in ran.words
    assert "a 75 " in ran.words and "b 75 " in ran.words
    assert "Judge model_graded_qa may be trusted: kappa 0.88 [0." in ran.words
    assert "Human-anchored pass rate" in ran.words
    shown = headrace("eval", "trend", *where, "--scorer", "model_graded_qa")
    assert shown.code == 0, shown.err


def test_a_judge_below_its_bar_leaves_with_one_and_says_what_mends_it(
    headrace: Headrace, support: Any
) -> None:
    where = support("untrusted", wrong=2, labels=60)
    ran = headrace("eval", "judge", *where, "--json")
    assert (ran.code, ran.json["trial"]["trusted"]) == (1, False)
    assert ran.json["trial"]["shortfalls"][0].endswith("label 40 more.")
    assert ran.json["trial"]["agreement"]["n"] == 60
    assert ran.json["words"].startswith("Judge model_graded_qa may not feed a verdict: kappa ")
    trend = headrace("eval", "trend", *where, "--scorer", "model_graded_qa", "--json")
    assert (trend.code, trend.json["refused"]) == (1, True)
    assert trend.json["verdict"]["reason"] == "untrusted judge"
    assert trend.json["words"].startswith("No verdict: the judge model_graded_qa may not feed one")
    said = headrace("eval", "trend", *where, "--scorer", "model_graded_qa")
    assert said.code == 1 and "no better than chance" in said.words


def test_a_suite_without_labels_is_told_how_to_load_some(
    headrace: Headrace, support: Any, tmp_path: Path
) -> None:
    where = support("unlabelled", wrong=9, labels=1)
    ran = headrace("eval", "judge", *where, "--human", "expert")
    assert (ran.code, ran.out) == (1, "")
    assert "no labels by people in suite 'unlabelled' under the name 'expert'" in ran.err
    assert "headrace eval load labels.csv" in ran.err
