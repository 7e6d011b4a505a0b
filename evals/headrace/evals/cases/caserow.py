"""Rows of a file as cases: what is asked, what is right, and which scorer compares the two."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from headrace.curate.draft import OUTCOME
from headrace.evals.errors import CasesRefused, TargetUnusable
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.table import Scoring, scoring
from headrace.ingest import jsonl, naming
from headrace.ingest.errors import Undecodable
from headrace.ingest.jsontext import cleaned
from headrace.ingest.messages import canonical
from headrace.ingest.picks import Picker
from headrace.ingest.secrets.export import stripped_line
from headrace.ingest.tools import definitions
from headrace.lake.message import Body, dump

FIRST = 100  # rows that an expression's field may be looked for on
TEXTUAL = ("exact", "match", "includes", "regex")  # scorers that compare texts


class CasePicks(msgspec.Struct, frozen=True, kw_only=True):
    """One JMESPath expression per field; None: the rows have no such field."""

    input: str
    target: str | None = None
    id: str | None = None
    slice: str | None = None
    cluster: str | None = None


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it becomes a case."""

    where: str  # file:line
    question: dict[str, Any]  # {"messages", "tools"}
    target: Any
    scorer: str
    name: str | None  # its id
    slice: str | None
    cluster: str | None
    secrets: int  # removed from it


def rows(file: Path, picks: CasePicks, scorer: str | None = None) -> list[CaseRow]:
    """The rows of a JSONL file (.gz, .zst), without their secrets.

    Raises CasesRefused naming line, field and cure at the first row that is no case, BadPick for an
    expression, UnreadableFile, UnknownScorer.
    """
    asked = None if scorer is None else scoring(scorer)
    picker = Picker(picks, main="input")
    read = list(_records(file))
    if not read:
        raise CasesRefused(f"{file}: no rows: give one JSON object a line")
    picker.prove([record for _, record, _ in read[:FIRST]])
    return [_row(where, picker.pick(record), asked, secrets) for where, record, secrets in read]


def _records(file: Path) -> Iterator[tuple[str, dict[str, Any], int]]:
    for number, line in jsonl.lines(file):
        where = f"{file}:{number}"
        bare, removed = stripped_line(line)
        try:
            yield where, jsonl.record(bare), len(removed)
        except Undecodable as error:
            raise CasesRefused(f"{where}: {error}") from error


def _row(where: str, found: Mapping[str, Any], asked: Scoring | None, secrets: int) -> CaseRow:
    try:
        target, scorer = _answer(cleaned(found.get("target")), asked)
        return CaseRow(
            where=where,
            question=_question(found["input"]),
            target=target,
            scorer=scorer,
            name=_name("id", found.get("id")),
            slice=_name("slice", found.get("slice")),
            cluster=_name("cluster", found.get("cluster")),
            secrets=secrets,
        )
    except (Undecodable, CasesRefused) as error:
        raise CasesRefused(f"{where}: {error}") from error


def _question(found: object) -> dict[str, Any]:
    """A text, a list of messages, or an object with both messages and tools."""
    given = found if isinstance(found, dict) else {"messages": found}
    asked = given.get("messages")
    if isinstance(asked, str):
        asked = [{"role": "user", "content": asked}]
    if not isinstance(asked, list):
        kind = "missing" if asked is None else type(asked).__name__
        raise CasesRefused(
            f"input is {kind}: pick a text, a list of messages, or {{messages: ..., tools: ...}}"
        )
    try:
        messages = canonical(asked)
    except Undecodable as error:
        raise CasesRefused(f"input: {error}") from error
    _check_question(messages)
    return {"messages": messages, "tools": _tools(given.get("tools"))}


def _check_question(messages: list[Body]) -> None:
    if not any(body["role"] == "user" and _says(body["content"]) for body in messages):
        raise CasesRefused(
            "input has no user message that says something, so that nothing could keep what "
            "resembles it out of training: give one"
        )
    if messages[-1]["role"] == "assistant":
        raise CasesRefused(
            "input ends with an assistant's message, which is an answer: leave it out, as in "
            "--input 'messages[:-1]'"
        )


def _says(content: object) -> bool:
    return bool(content.strip() if isinstance(content, str) else content)


def _tools(found: object) -> list[Body] | None:
    tools = definitions(found)
    if found is not None and tools is None:
        raise CasesRefused("input.tools is no list: give a list of {type, function: {name, ...}}")
    return tools


def _answer(target: Any, asked: Scoring | None) -> tuple[Any, str]:
    """What is right, in the form that its scorer reads, and that scorer."""
    if isinstance(target, str) and not target.strip():
        target = None
    if target is None:
        judged = asked is not None and asked.is_judged
        return None, _text(asked) if asked is not None and judged else OUTCOME
    calls = _calls(target)
    if asked is None:
        asked = scoring("match" if calls is None else "tool_calls")
    if asked.scorer.name == "tool_calls" and calls is not None:
        target = calls
    _check(target, asked)
    return target, _text(asked)


def _text(asked: Scoring) -> str:
    """A scorer as cases name it: without its version, which a new rule must not make an edit of."""
    options = ",".join(sorted(asked.options))
    return f"{asked.scorer.name}:{options}" if options else asked.scorer.name


def _calls(target: Any) -> list[Body] | None:
    """Tool calls as cases hold them, from those of any chat dialect; None where these are none.

    An empty list says that no tool should be called.
    """
    if not isinstance(target, list):
        return None
    calls = [entry.get("function", entry) for entry in target if isinstance(entry, dict)]
    named = [c for c in calls if isinstance(c, dict) and isinstance(c.get("name"), str)]
    if len(named) < len(target):
        return None
    return [{"name": call["name"], "arguments": _arguments(call)} for call in named]


def _arguments(call: Body) -> str:
    given = call.get("arguments", call.get("args", call.get("input")))
    return given if isinstance(given, str) else dump(given or {})


def _check(target: Any, asked: Scoring) -> None:
    """Raises CasesRefused where the scorer could never use the target."""
    name = asked.scorer.name
    if name in TEXTUAL and isinstance(target, dict | list):
        kind = "an object" if isinstance(target, dict) else "a list"
        raise CasesRefused(
            f"target is {kind}, and {name} compares texts: name a --scorer that reads it "
            "(json_schema, tool_calls, graded), or pick a text from it with --target"
        )
    if asked.scorer.grade is None:
        return
    text = target if isinstance(target, str) else dump(target)
    try:
        asked.scorer.grade(Answer(text=""), text, asked.options)
    except TargetUnusable as error:
        raise CasesRefused(f"target: {error}") from error


def _name(field: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, dict | list):
        raise CasesRefused(f"{field} is {type(value).__name__}: pick a text or a number")
    text = value if isinstance(value, str) else dump(value)
    naming.checked(field, text)
    return text
