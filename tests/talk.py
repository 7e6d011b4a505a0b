"""Rows drawn at random, and what a format says of one: for round trips of formats."""

import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.formats.dialect import Record, Shape
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from headrace.exporters.row import Messages, Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body

USER: Body = {"role": "user", "content": "Where is A1?"}
YES: Body = {"role": "assistant", "content": "Here."}
NO: Body = {"role": "assistant", "content": "Gone."}


def tool(name: str = "find") -> Body:
    function = {"name": name, "description": "", "parameters": {"type": "object"}}
    return {"type": "function", "function": function}


def ask(*ids: str, arguments: str = "{}", **more: Any) -> Body:
    function = {"name": "find", "arguments": arguments}
    calls = [{"id": id, "type": "function", "function": function} for id in ids]
    return {"role": "assistant", **more, "tool_calls": calls}


def result(id: str, content: str = "ok", **more: Any) -> Body:
    return {"role": "tool", "content": content, "tool_call_id": id, **more}


def row(objective: Objective, prompt: list[Body], answer: Body = YES, **more: Any) -> Row:
    """A row whose answer follows the prompt, in the columns of its objective."""
    said = tuple(prompt)
    pair = {"prompt": said, "chosen": (answer,), "rejected": (NO,)}
    columns: dict[Objective, dict[str, Any]] = {
        "sft": {"messages": (*said, answer), "trainable": (*(False for _ in said), True)},
        "kto": {"prompt": said, "completion": (answer,), "label": True},
        "dpo": pair,
        "rm": {**pair, "margin": 0.5},
        "rl": {"prompt": said, "task_id": "t", "scorer": "match", "reference": "42", "samples": 0},
    }
    fields = {**columns[objective], **more}
    return Row(objective=objective, split="train", episode_ids=("e",), row_id="r", **fields)


def told(format: str, *rows: Row) -> tuple[list[Record], list[str]]:
    """The records of a set as they are read back, and the codes of what is lost."""
    codes: list[str] = []
    named = [msgspec.structs.replace(row, row_id=f"r{at}") for at, row in enumerate(rows)]
    shape = Shape.of("refunds", rows[0].objective, RowFile.of(named))
    speak = FORMATS[format].dialect.records
    made = [record for row in named for record in speak(row, shape, codes.append)]
    return [json.loads(text(record)) for record in made], [*dict.fromkeys(codes)]


WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS | st.just("</tool_call><think>")
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
ARGUMENTS = st.dictionaries(WORDS, VALUES, max_size=3).map(text)
TOOLS = st.none() | st.lists(st.sampled_from(["find", "re-fund_2"]).map(tool), min_size=1).map(text)


@st.composite
def steps(draw: st.DrawFn) -> list[Body]:
    """A request, calls and results perhaps, and an answer where they are to alternate."""
    ids = draw(st.lists(WORDS.filter(bool), max_size=2, unique=True))
    said = {"content": draw(WORDS.filter(bool))} if draw(st.booleans()) else {}
    asked = [ask(*ids, arguments=draw(ARGUMENTS), **said)] if ids else []
    results = [result(id, draw(WORDS)) for id in ids]
    answer = {"role": "assistant", "content": draw(WORDS)}
    return [{"role": "user", "content": draw(WORDS)}, *asked, *results, answer]


ANSWERS = st.sampled_from([YES, ask("c1", "c2", content="Both."), ask("c1")])


@st.composite
def rows(draw: st.DrawFn, objective: Objective) -> Row:
    """Of conversations in which roles alternate, a system text before them or none."""
    system = draw(st.lists(st.just({"role": "system", "content": "Be kind."}), max_size=1))
    talks = draw(st.lists(steps(), max_size=2))
    prompt = [*system, *(message for talk in talks for message in talk), USER]
    made = row(objective, prompt, draw(ANSWERS), tools=draw(TOOLS))
    if objective != "sft":
        return made
    marks = (m["role"] == "assistant" and draw(st.booleans()) for m in made.messages[:-1])
    return msgspec.structs.replace(made, trainable=(*marks, True))


def spoken(messages: Messages) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Role, text and calls of each message: what is left without ids."""
    return [
        (
            message["role"],
            message.get("content", ""),
            [
                (call["function"]["name"], call["function"]["arguments"])
                for call in message.get("tool_calls", ())
            ],
        )
        for message in messages
    ]
