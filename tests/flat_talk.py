"""Rows of any kind for Hypothesis, and the flat view read back."""

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.formats.dialect import Record, Shape
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body
from tests.talk import NO, USER, YES, ask, result, tool

__all__ = ["NO", "USER", "YES", "ask", "result", "tool"]

KIND: Body = {"role": "system", "content": "Be kind."}
ABOUT = {"task_id": "t", "scorer": "match", "reference": "42", "pass_rate": 0.5, "samples": 2}


def row(objective: Objective, prompt: Sequence[Body], answer: Body = YES, **more: Any) -> Row:
    """A row whose answer follows the prompt, in the columns of its objective."""
    said = tuple(prompt)
    marks = tuple(m["role"] == "assistant" for m in (*said, answer))
    pair = {"prompt": said, "chosen": (answer,), "rejected": (NO,)}
    columns: dict[Objective, dict[str, Any]] = {
        "sft": {"messages": (*said, answer), "trainable": marks},
        "dpo": pair,
        "rm": {**pair, "margin": 0.5},
        "rl": {"prompt": said, **ABOUT},
    }
    fields = {"row_id": "0123456789abcdef", **columns[objective], **more}
    return Row(objective=objective, split="train", episode_ids=("e",), **fields)


def told(format: str, row: Row) -> tuple[list[Record], list[str]]:
    """The records of a row as its data set would have them, and the codes of what is lost."""
    codes: list[str] = []
    shape = Shape.of("refunds", row.objective, RowFile.of([row]))
    records = [*FORMATS[format].dialect.records(row, shape, codes.append)]
    return records, [*dict.fromkeys(codes)]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
ARGUMENTS = st.dictionaries(WORDS, VALUES, max_size=3).map(text)
TOOLS = st.none() | st.lists(st.sampled_from(["find", "send"]).map(tool), min_size=1).map(text)


@st.composite
def steps(draw: st.DrawFn) -> list[Body]:
    """What is said until it is the assistant's turn to answer."""
    ids = draw(st.lists(st.sampled_from("abc"), max_size=2, unique=True))
    said = {"content": draw(WORDS.filter(bool))} if draw(st.booleans()) else {}
    results = [result(id, draw(WORDS)) for id in ids]
    asked = [ask(*ids, arguments=draw(ARGUMENTS), **said), *results] if ids else []
    answer: list[Body] = [{"role": "assistant", "content": draw(WORDS)}]
    return [*asked, *draw(st.sampled_from([[], answer])), {"role": "user", "content": draw(WORDS)}]


@st.composite
def rows(draw: st.DrawFn, objective: Objective) -> Row:
    """A row, every assistant turn of which may train."""
    system = draw(st.lists(st.just(KIND), max_size=1))
    prompt = [m for part in draw(st.lists(steps(), min_size=1, max_size=3)) for m in part]
    answer = draw(st.sampled_from([YES, ask("a", "b", content="Both."), ask("a")]))
    return row(objective, [*system, *prompt], answer, tools=draw(TOOLS))


@st.composite
def marked_rows(draw: st.DrawFn) -> Row:
    """A row for `sft` of which some turns train, the last among them."""
    made = draw(rows("sft"))
    marks = tuple(m["role"] == "assistant" and draw(st.booleans()) for m in made.messages[:-1])
    return msgspec.structs.replace(made, trainable=(*marks, True))


def bare(messages: Sequence[Body]) -> list[Any]:
    """Role, text and calls of each message, without ids."""
    return [
        (
            m["role"],
            m.get("content") or "",
            [(c["function"]["name"], c["function"]["arguments"]) for c in m.get("tool_calls", ())],
        )
        for m in messages
    ]


def unflat(messages: Sequence[Body]) -> tuple[list[Any], str | None]:
    """What `bare` says of the messages before they were flat, and their tools."""
    assert all(set(message) == {"role", "content"} for message in messages)
    made: list[Any] = []
    tools: str | None = None
    for message in messages:
        role, content = message["role"], message["content"]
        if role == "system" and "# Tools\n\nYou may call" in content:
            content, _, rest = content.partition("# Tools\n\nYou may call")
            lines = rest.split("<tools>\n")[1].split("\n</tools>")[0]
            tools = text([json.loads(line) for line in lines.split("\n")])
            made += [(role, content.removesuffix("\n\n"), [])] if content else []
        elif content.startswith("<tool_response>\n"):
            inside = content.removeprefix("<tool_response>\n").removesuffix("\n</tool_response>")
            made += [
                ("tool", one, []) for one in inside.split("\n</tool_response>\n<tool_response>\n")
            ]
        else:
            words, *calls = re.split(r"\n?<tool_call>\n", content)
            read = [json.loads(one.removesuffix("\n</tool_call>")) for one in calls]
            made.append((role, words, [(one["name"], text(one["arguments"])) for one in read]))
    return made, tools
