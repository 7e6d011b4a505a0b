"""A row of a file is a case or is refused by line, field and cure."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from headrace.evals.cases.caserow import CasePicks, CaseRow, rows
from headrace.evals.errors import CasesRefused, UnknownScorer
from headrace.ingest.errors import BadPick, UnreadableFile

CALL = {"name": "look", "arguments": {"q": 1}}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
PICKS = CasePicks(input="q", target="a", id="id", slice="part", cluster="who")


def read(
    folder: Path, *objects: object, picks: CasePicks = PICKS, scorer: str | None = None
) -> list[CaseRow]:
    """Rows that have every field, so that expressions find them."""
    full = [{"a": None, "id": None, "part": None, "who": None, **dict(o)} for o in objects]  # type: ignore[call-overload]
    file = folder / "cases.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in full))
    return rows(file, picks, scorer)


def only(folder: Path, row: dict[str, Any], scorer: str | None = None) -> CaseRow:
    [found] = read(folder, row, scorer=scorer)
    return found


def test_a_text_is_what_a_user_asks(tmp_path: Path) -> None:
    found = only(tmp_path, {"q": "Capital of France?", "a": "Paris", "id": 7, "part": "geo"})
    assert found.question == {
        "messages": [{"role": "user", "content": "Capital of France?"}],
        "tools": None,
    }
    assert (found.target, found.scorer, found.name) == ("Paris", "match", "7")
    assert (found.slice, found.cluster, found.secrets) == ("geo", None, 0)


@pytest.mark.parametrize("form", ["list", "object"])
def test_messages_of_any_dialect_become_canonical(tmp_path: Path, form: str) -> None:
    asked: Any = [{"role": "human", "content": [{"type": "text", "text": "Hi"}]}]
    found = only(
        tmp_path, {"q": {"messages": asked, "tools": TOOLS} if form == "object" else asked}
    )
    assert found.question["messages"] == [{"role": "user", "content": "Hi"}]
    assert (found.question["tools"] is not None) is (form == "object")


@pytest.mark.parametrize(
    "target",
    [
        [CALL],
        [{"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}}],
        [{"name": "look", "args": {"q": 1}}],
    ],
)
def test_calls_of_any_dialect_are_compared_as_calls(tmp_path: Path, target: Any) -> None:
    found = only(tmp_path, {"q": "Hi", "a": target})
    assert found.target == [{"name": "look", "arguments": '{"q":1}'}]
    assert found.scorer == "tool_calls"


@pytest.mark.parametrize("target", [None, "", "  \n"])
def test_no_target_is_a_case_that_only_production_could_answer(
    tmp_path: Path, target: object
) -> None:
    for scorer in (None, "match"):
        found = only(tmp_path, {"q": "Hi", "a": target}, scorer)
        assert (found.target, found.scorer) == (None, "outcome")
    assert only(tmp_path, {"q": "Hi", "a": target}, "graded").scorer == "graded"


@pytest.mark.parametrize(
    ("target", "scorer", "named"),
    [
        (42, None, "match"),
        ("(?i)paris", "regex:full", "regex:full"),
        ({"type": "object"}, "json_schema", "json_schema"),
        ([CALL], "tool_calls:names,in_order", "tool_calls:in_order,names"),
        ([], None, "tool_calls"),
        ({"must": ["say sorry"]}, "graded", "graded"),
    ],
)
def test_a_scorer_is_taken_with_its_options(
    tmp_path: Path, target: object, scorer: str | None, named: str
) -> None:
    assert only(tmp_path, {"q": "Hi", "a": target}, scorer).scorer == named


@pytest.mark.parametrize(
    ("row", "scorer", "said"),
    [
        ({"q": 7}, None, "input is int: pick a text, a list of messages, or"),
        ({"q": []}, None, "no user message"),
        ({"q": " "}, None, "no user message"),
        ({"q": [{"role": "system", "content": "Be brief."}]}, None, "no user message"),
        ({"q": [{"role": "nobody", "content": "x"}]}, None, r"input: messages\[0\].role"),
        ({"q": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}, None,
         r"messages\[:-1\]"),
        ({"q": {"messages": "Hi", "tools": "look"}}, None, "input.tools is no list"),
        ({"q": "Hi", "a": {"city": "Paris"}}, None, "target is an object, and match compares"),
        ({"q": "Hi", "a": ["Paris", "Lyon"]}, "includes", "target is a list, and includes"),
        ({"q": "Hi", "a": [CALL, 7]}, None, "target is a list, and match"),
        ({"q": "Hi", "a": "("}, "regex", "target: .* no regular expression"),
        ({"q": "Hi", "a": {"type": 7}}, "json_schema", "target: the target is no JSON schema"),
        ({"q": "Hi", "a": "Paris"}, "tool_calls", "target: the target is no list of calls"),
        ({"q": "Hi", "id": {"a": 1}}, None, "id is dict: pick a text or a number"),
        ({"q": "Hi", "id": "a\nb"}, None, "id holds a control character"),
    ],
)  # fmt: skip
def test_what_is_no_case_is_refused_with_its_line_and_the_cure(
    tmp_path: Path, row: dict[str, Any], scorer: str | None, said: str
) -> None:
    with pytest.raises(CasesRefused, match=rf"cases\.jsonl:2: .*{said}"):
        read(tmp_path, {"q": "fine"}, row, scorer=scorer)


def test_an_expression_that_finds_no_field_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadPick, match="--input 'question': no field 'question'; there are: .*q"):
        read(tmp_path, {"q": "Hi"}, picks=CasePicks(input="question"))
    with pytest.raises(BadPick, match="--target 'b': no field 'b'"):
        read(tmp_path, {"q": "Hi"}, picks=CasePicks(input="q", target="b"))
    with pytest.raises(BadPick, match="--input 'q' picks nothing on the first line"):
        read(tmp_path, {"q": None})


def test_an_unknown_scorer_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownScorer, match="no scorer 'bleu'; there are.*match"):
        read(tmp_path, {"q": "Hi"}, scorer="bleu")


def test_what_is_no_row_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    for text, said in (
        ("", "no rows"),
        ("{\n", "f.jsonl:1: no JSON"),
        ("[1]\n", "f.jsonl:1: list"),
    ):
        file.write_text(text)
        with pytest.raises(CasesRefused, match=said):
            rows(file, CasePicks(input="q"))
    with pytest.raises(UnreadableFile, match="gone.jsonl"):
        rows(tmp_path / "gone.jsonl", CasePicks(input="q"))


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_packed_files_are_read(tmp_path: Path, suffix: str) -> None:
    text = b'{"q": "Hi"}\n'
    packed = gzip.compress(text) if suffix == ".gz" else zstandard.compress(text)
    file = tmp_path / f"cases.jsonl{suffix}"
    file.write_bytes(packed)
    assert len(rows(file, CasePicks(input="q"))) == 1


def test_no_secret_of_a_row_is_kept(tmp_path: Path) -> None:
    key = "sk-proj-" + "a1B2c3D4e5" * 5
    found = only(tmp_path, {"q": f"Is {key} still valid?", "a": "no"})
    assert key not in str(found) and found.secrets == 1
