"""`headrace load`: what is said of lines that came in, were known, or were refused."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.console.command.load import SHOWN
from headrace.lake import Lake

Headrace = Callable[..., Any]

PICKS = ("--messages", "messages", "--id", "id", "--success", "passed")


def chat(name: str, *, passed: object = True, messages: object = "") -> dict[str, object]:
    said = [{"role": "user", "content": f"hi {name}"}, {"role": "assistant", "content": "yo"}]
    return {"id": name, "passed": passed, "messages": messages or said}


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def written(*lines: object) -> Path:
        path = tmp_path / "runs.jsonl"
        text = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        path.write_text("\n".join(text) + "\n")
        return path

    return written


@pytest.fixture
def project(request: pytest.FixtureRequest) -> tuple[str, str]:
    return "--project", str(request.node.name)


def test_the_first_load_counts_what_came_in(first_load: dict[str, Any]) -> None:
    assert first_load == {
        "rows": 40,
        "added": 40,
        "unchanged": 0,
        "marked": 40,
        "refused": 0,
        "refusals": [],
        "hints": [],
        "resolved": {"success": 29, "failure": 11},
    }


def test_the_same_file_twice_adds_nothing(
    headrace: Headrace, file: Callable[..., Path], project: tuple[str, str], lake: Lake
) -> None:
    path = file(chat("a"), chat("b", passed=False))
    first = headrace("load", path, *PICKS, *project)
    again = headrace("load", path, *PICKS, *project)
    now = "the project now: 1 success, 1 failure"
    assert first.words == f"2 lines: 2 episodes added, 0 known, 2 with an outcome, 0 refused {now}"
    assert again.words == f"2 lines: 0 episodes added, 2 known, 2 with an outcome, 0 refused {now}"
    [count] = lake.rows(
        "select count(*) as n from outcomes where project = $project", {"project": project[1]}
    )
    assert (first.code, again.code, count["n"]) == (0, 0, 2)


def test_a_refused_line_is_named_and_the_others_are_kept(
    headrace: Headrace, file: Callable[..., Path], project: tuple[str, str]
) -> None:
    path = file(chat("a"), "{no json", chat("b", passed="perhaps"), chat("c"))
    ran = headrace("load", path, *PICKS, *project)
    assert ran.code == 1
    assert ran.words.startswith("4 lines: 2 episodes added, 0 known, 2 with an outcome, 2 refused")
    named = [line.rsplit("jsonl:", 1)[1].partition(":")[0] for line in ran.err.splitlines()]
    assert named == ["2", "3"]


def test_refusals_are_part_of_the_json_and_stdout_holds_nothing_else(
    headrace: Headrace, file: Callable[..., Path], project: tuple[str, str]
) -> None:
    path = file(chat("a"), chat("a", messages=[{"role": "user", "content": "other"}]))
    ran = headrace("load", path, *PICKS, *project, "--json")
    assert (ran.code, ran.json["refused"], ran.json["added"]) == (1, 1, 1)
    [refusal] = ran.json["refusals"]
    assert f"{path}:2" in refusal and "pick an id that is unique" in refusal
    assert ran.err.strip() == refusal


def test_a_flood_of_refusals_is_cut_on_stderr_and_whole_in_the_json(
    headrace: Headrace, file: Callable[..., Path], project: tuple[str, str]
) -> None:
    path = file(*(chat(str(number), passed=0.5) for number in range(SHOWN + 5)))
    ran = headrace("load", path, *PICKS, *project, "--json")
    *shown, last = ran.err.splitlines()
    assert len(shown) == SHOWN
    assert all("a grade is a score" in line for line in shown)
    assert last == "and 5 more refusals: --json has them all"
    assert len(ran.json["refusals"]) == ran.json["refused"] == SHOWN + 5


@pytest.mark.parametrize(
    ("picks", "hint"),
    [
        (("--success", "passed", "--user", "id.name"), "--user 'id.name' found nothing on any"),
        (("--score", "passed"), "a score alone is no success"),
        (("--score", "passed", "--success-at", ">= 1"), ""),
        (("--score", "passed", "--success", "passed"), ""),
    ],
)
def test_what_may_not_be_meant_is_told_and_no_fault(
    headrace: Headrace,
    file: Callable[..., Path],
    project: tuple[str, str],
    picks: tuple[str, ...],
    hint: str,
) -> None:
    path = file(chat("a", passed=1), chat("b", passed=None))
    ran = headrace("load", path, "--messages", "messages", *picks, *project, "--json")
    assert (ran.code, ran.json["resolved"]["pending"]) == (0, 2 if "alone" in hint else 1)
    assert [said[: len(hint)] for said in ran.json["hints"]] == ([hint] if hint else [])
    assert ran.err.startswith(hint)


@pytest.mark.parametrize(
    ("picks", "cure"),
    [
        (("--messages", "transcript"), "there are: id, passed, messages"),
        (("--messages", "messages["), "^ here"),
        (("--messages", "nothing.at.all"), "no field 'nothing'"),
        (("--messages", "messages", "--started-at", "when"), "--started-at"),
    ],
)
def test_an_expression_that_cannot_be_meant_is_refused_with_what_there_is(
    headrace: Headrace,
    file: Callable[..., Path],
    lake: Lake,
    picks: tuple[str, ...],
    cure: str,
) -> None:
    before = lake.rows("select count(*) as n from episodes")
    ran = headrace("load", file(chat("a")), *picks, "--project", "never")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: ") and cure in ran.err
    assert lake.rows("select count(*) as n from episodes") == before


@pytest.mark.parametrize(
    ("name", "content"),
    [("absent.jsonl", None), ("cut.jsonl.gz", gzip.compress(b"{}\n", mtime=0)[:12])],
    ids=["absent", "cut"],
)
def test_a_file_that_cannot_be_read_is_named(
    headrace: Headrace, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ran = headrace("load", tmp_path / name, *PICKS)
    assert (ran.code, ran.out) == (1, "")
    assert name in ran.err and "Traceback" not in ran.err


def test_packed_files_are_read_together(
    headrace: Headrace, tmp_path: Path, project: tuple[str, str]
) -> None:
    one, two = tmp_path / "one.jsonl.gz", tmp_path / "two.jsonl"
    one.write_bytes(gzip.compress(json.dumps(chat("a")).encode()))
    two.write_text(json.dumps(chat("b")) + "\n\n" + json.dumps(chat("c")))
    ran = headrace("load", one, two, *PICKS, *project, "--json")
    assert (ran.json["rows"], ran.json["added"]) == (3, 3)


def test_a_file_without_lines_is_no_error(
    headrace: Headrace, file: Callable[..., Path], project: tuple[str, str]
) -> None:
    ran = headrace("load", file(""), *PICKS, *project)
    assert ran.code == 0
    assert ran.words.startswith("0 lines: 0 episodes added")


@pytest.mark.parametrize("words", [(), ("runs.jsonl",), ("--messages", "messages")])
def test_a_load_without_file_or_messages_is_a_usage_error(
    headrace: Headrace, words: tuple[str, ...]
) -> None:
    ran = headrace("load", *words)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage" in ran.err
