"""`headrace eval load`: what docs/scores.md shows does what it says."""

import gzip
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
from inspect_ai.scorer import Score

Headrace = Callable[..., Any]

PAGE = Path(__file__).parents[3] / "docs" / "scores.md"
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
ROW = {"case_id": "q", "task_id": 7, "question_id": 7, "question": "q?", "answer": "B"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of which the page speaks."""
    meta = {"release": "v1", "finished_at": "2026-03-01T10:00:00Z"}
    items = [{**ROW, "model": "m", "correct": True, "category": "law"}]
    files = {
        "items.jsonl.gz": gzip.compress(json.dumps(items[0]).encode()),
        "trials.jsonl": json.dumps({**ROW, "meta": meta, "is_solved": False}).encode(),
        "graded.csv": b"question,answer,expected\nq1,B,B\nq2,A,B\nq3,,B\n",
        "verdicts.jsonl": "\n".join(
            json.dumps({**ROW, "task_id": n, "verdict": word})
            for n, word in enumerate(("pass", "satisfied", "fail"))
        ).encode(),
    }
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    (tmp_path / "logs").mkdir()
    spec = EvalSpec(
        created="2026-11-01T08:00:00+00:00",
        task="theirs",
        dataset=EvalDataset(),
        model="mock/tested",
        config=EvalConfig(),
        tags=["release:v1"],
    )
    sample = EvalSample(id="q", epoch=1, input="q?", target="B", scores={"s": Score(value="C")})
    log = EvalLog(eval=spec, status="success", samples=[sample])
    write_eval_log(log, str(tmp_path / "logs" / "one.eval"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands() -> list[str]:
    """The `headrace eval load` lines in the sh blocks of the page."""
    lines = "".join(BLOCK.findall(PAGE.read_text())).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("headrace eval load")]


def test_the_page_shows_commands() -> None:
    assert len(commands()) >= 5


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_page_loads_every_score(headrace: Headrace, desk: Path, line: str) -> None:
    words = [
        str(part)
        for word in shlex.split(line)[1:]
        for part in (sorted(desk.glob(word)) if "*" in word else [word])
    ]
    ran = headrace(*words, "--project", f"page {line}", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["scores"] == ran.json["written"] >= 1
    assert ran.json["absent"] == (1 if "graded.csv" in line else 0)


def test_what_is_worth_knowing_is_told_in_sentences(headrace: Headrace, desk: Path) -> None:
    (desk / "logs" / "copy.eval").write_bytes((desk / "logs" / "one.eval").read_bytes())
    ran = headrace("eval", "load", "logs", "--suite", "told", "--project", "sentences")
    assert ran.out.splitlines() == [
        "suite told: 1 score over 1 case and 1 release, 0 absent, 1 new",
        "1 copy of a row or log: each counts once.",
    ]
    assert ran.err == "", "nobody looks at a bar where stderr is no terminal"


def test_a_word_without_a_meaning_is_refused_with_the_option_that_gives_it_one(
    headrace: Headrace, desk: Path
) -> None:
    words = ("--case", "task_id", "--value", "verdict", "--release", "v1", "--fail", "fail")
    ran = headrace("eval", "load", "verdicts.jsonl", *words, "--pass", "pass", "--project", "words")
    assert (ran.code, ran.out) == (1, "")
    assert "line 2: value 'satisfied'" in ran.err and "--pass WORD" in ran.err
