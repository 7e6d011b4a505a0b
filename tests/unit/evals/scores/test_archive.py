"""Members of Inspect logs read directly are what Inspect's public calls give."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
import pytest
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalSample,
    EvalSpec,
    read_eval_log,
    read_eval_log_sample_summaries,
    write_eval_log,
)
from inspect_ai.model import ChatMessageUser, ModelUsage
from inspect_ai.scorer import Score
from pydantic import TypeAdapter

from headrace.evals.scores import archive
from headrace.evals.scores.archive import SampleRow

Write = Callable[..., Path]

SAMPLES: list[dict[str, Any]] = [
    {"id": 7, "input": "ask", "target": "t", "scores": {"graded": Score(value="C")}},
    {"id": "b", "input": "x" * 9000, "target": ["t", "u" * 6000], "choices": ["t", "u"]},
    {"id": "c", "input": [ChatMessageUser(content="hi")], "target": "", "working_time": 1.5},
    {"id": "d", "scores": {"graded": Score(value=math.nan, reason="scorer_failed")}},
    {
        "id": "e",
        "scores": {"graded": Score(value={"tone": 0.5, "facts": True}), "other": Score(value=1)},
    },
    {"id": "f", "error": {"message": "503", "traceback": "", "traceback_ansi": ""}},
    {"id": "g", "limit": {"type": "time", "limit": 1}, "uuid": "u7", "epoch": 2},
    {
        "id": "h",
        "metadata": {"slice": "easy", "cluster": 7, "long": "y" * 3000, "deep": {"a": [1] * 900}},
        "model_usage": {
            "mock/tested": ModelUsage(input_tokens=5, output_tokens=3, total_cost=0.25)
        },
        "total_time": 9.0,
    },
]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def log(*samples: dict[str, Any], name: str = "log.eval", status: Any = "success") -> Path:
        usual = {"epoch": 1, "input": "ask", "target": "t"}
        made = EvalLog(
            eval=EvalSpec(
                created="2026-11-01T08:00:00+00:00",
                task="theirs",
                dataset=EvalDataset(),
                model="mock/tested",
                config=EvalConfig(),
                tags=["release:v1"],
                metadata={"config_hash": "c"},
            ),
            status=status,
            samples=[TypeAdapter(EvalSample).validate_python(usual | one) for one in samples],
        )
        write_eval_log(made, str(tmp_path / name))
        return tmp_path / name

    return log


@pytest.fixture
def alter() -> Callable[..., None]:
    """Puts other members in the place of some, None to leave one out."""

    def change(path: Path, members: dict[str, bytes | None]) -> None:
        with ZipFile(path) as old:
            kept = {name: old.read(name) for name in old.namelist()} | members
        with ZipFile(path, "w", compression=93) as new:
            for name, body in kept.items():
                if body is not None:
                    new.writestr(name, body)

    return change


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """The public calls are not to be needed."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a public call was made")

    monkeypatch.setattr(archive, "read_eval_log", refuse)
    monkeypatch.setattr(archive, "read_eval_log_sample_summaries", refuse)


def publicly(path: Path) -> list[SampleRow]:
    found = read_eval_log_sample_summaries(str(path))
    return [msgspec.convert(row.model_dump(), SampleRow) for row in found]


def said(rows: list[SampleRow]) -> list[Any]:
    """Without what Inspect leaves out where it is empty, and so that NaN equals NaN."""
    plain = [msgspec.to_builtins(row) for row in rows]
    for row in plain:
        if isinstance(row["input"], list):
            row["input"] = [[turn["role"], turn["content"]] for turn in row["input"]]
    return sorted((json.dumps(row, sort_keys=True) for row in plain), key=str)


@pytest.mark.usefixtures("never")
def test_rows_read_directly_are_those_of_the_public_call(write: Write) -> None:
    path = write(*SAMPLES)
    assert said(archive.samples(str(path))) == said(publicly(path))
    assert len(publicly(path)) == len(SAMPLES)


@pytest.mark.usefixtures("never")
def test_the_header_read_directly_is_that_of_the_public_call(write: Write) -> None:
    path = write(*SAMPLES, status="error")
    public = read_eval_log(str(path), header_only=True)
    public.reductions = None
    found = archive.header(str(path))
    assert found.model_dump() == public.model_dump()
    assert found.location == str(path)


@pytest.mark.usefixtures("never")
def test_a_log_that_is_still_written_is_read_from_its_journal(write: Write, alter: Any) -> None:
    path = write(*SAMPLES[:3])
    with ZipFile(path) as whole:
        rows = json.loads(whole.read("summaries.json"))
        header = json.loads(whole.read("header.json"))
    again = {**rows[0], "target": "written later"}
    start = {name: header[name] for name in ("version", "eval", "plan")}
    journal = {10: [again], 2: rows[1:], 1: rows[:1]}
    told = {
        f"_journal/summaries/{n}.json": json.dumps(part).encode() for n, part in journal.items()
    }
    told["_journal/start.json"] = json.dumps(start).encode()
    alter(path, {"header.json": None, "summaries.json": None, **told})
    assert archive.header(str(path)).status == "started"
    found = {row.id: row.target for row in archive.samples(str(path))}
    assert found == {7: "written later", "b": rows[1]["target"], "c": ""}


@pytest.mark.usefixtures("never")
def test_of_two_rows_for_one_sample_the_later_counts(write: Write, alter: Any) -> None:
    path = write(SAMPLES[0])
    with ZipFile(path) as whole:
        [row] = json.loads(whole.read("summaries.json"))
    later = json.dumps([row, {**row, "id": "7", "error": "later"}]).encode()
    alter(path, {"summaries.json": later})
    assert [(one.id, one.error) for one in archive.samples(str(path))] == [("7", "later")]
    assert len(publicly(path)) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"header.json": b'{"version": 3}'},
        {"header.json": b"[]"},
        {"header.json": b"no JSON"},
        {"header.json": None, "_journal/start.json": None},
    ],
)
def test_a_header_of_another_shape_goes_through_the_public_call(
    write: Write, alter: Any, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    path = write(SAMPLES[0])
    alter(path, changed)
    asked: list[str] = []
    monkeypatch.setattr(archive, "read_eval_log", lambda name, **_: asked.append(name))
    archive.header(str(path))
    assert asked == [str(path)]


@pytest.mark.parametrize(
    "changed",
    [
        {"summaries.json": b'{"rows": []}'},
        {"summaries.json": b'[{"id": 7}]'},
        {"summaries.json": b'[{"id": 7, "epoch": "first", "input": "", "target": ""}]'},
        {"summaries.json": b"no JSON"},
        dict.fromkeys(["summaries.json", "_journal/start.json", "_journal/summaries/1.json"]),
    ],
)
def test_rows_of_another_shape_go_through_the_public_call(
    write: Write, alter: Any, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    path = write(SAMPLES[0])
    public = read_eval_log_sample_summaries(str(path))
    alter(path, changed)
    monkeypatch.setattr(archive, "read_eval_log_sample_summaries", lambda name: public)
    assert [row.id for row in archive.samples(str(path))] == [7]


def test_a_json_log_goes_through_the_public_call(write: Write) -> None:
    path = write(*SAMPLES, name="log.json")
    assert archive.header(str(path)).tags == ["release:v1"]
    assert said(archive.samples(str(path))) == said(publicly(path))


@pytest.mark.usefixtures("never")
def test_a_log_that_is_not_there_is_not_asked_for_twice(tmp_path: Path) -> None:
    for read in (archive.header, archive.samples):
        with pytest.raises(FileNotFoundError):
            read(str(tmp_path / "none.eval"))
