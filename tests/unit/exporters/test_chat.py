"""Of the services that read OpenAI's chats: what each says, what it cannot, what it refuses."""

import json
import os
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters import gate
from headrace.exporters.call import text
from headrace.exporters.errors import TooFew, TooLarge
from headrace.exporters.formats.dialect import Record, Shape, Written
from headrace.exporters.formats.loss import LossReport
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from headrace.exporters.recipe import Recipe
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body
from tests.corpus import corpus

SERVICES = ("openai", "azure", "fireworks", "together", "mistral")
PAIRS = [(name, objective) for name in SERVICES for objective in FORMATS[name].objectives]
WHOLE = [pair for pair in PAIRS if pair[0] != "mistral"]  # whose calls keep ids and texts

USER: Body = {"role": "user", "content": "Where is A1?"}
YES: Body = {"role": "assistant", "content": "Here."}
NO: Body = {"role": "assistant", "content": "Gone."}


def tool(name: str = "find") -> Body:
    function = {"name": name, "description": "", "parameters": {"type": "object"}}
    return {"type": "function", "function": function}


def ask(*ids: str, name: str = "find", arguments: str = "{}", **more: Any) -> Body:
    function = {"name": name, "arguments": arguments}
    calls = [{"id": id, "type": "function", "function": function} for id in ids]
    return {"role": "assistant", **more, "tool_calls": calls}


def result(id: str, **more: Any) -> Body:
    return {"role": "tool", "content": "ok", "tool_call_id": id, **more}


def row(objective: Objective, prompt: list[Body], answer: Body = YES, **more: Any) -> Row:
    """A row whose answer follows the prompt, in the columns of its objective."""
    said = tuple(prompt)
    columns: dict[Objective, dict[str, Any]] = {
        "sft": {
            "messages": (*said, answer),
            "trainable": tuple(m is answer for m in (*said, answer)),
        },
        "dpo": {"prompt": said, "chosen": (answer,), "rejected": (NO,)},
        "rl": {"prompt": said, "task_id": "t", "scorer": "match", "reference": "42", "samples": 0},
    }
    fields = {**columns[objective], **more}
    return Row(objective=objective, split="train", episode_ids=("e",), **fields)


def told(format: str, row: Row) -> tuple[list[Record], list[str]]:
    """The records as they are read back from a file, and the codes of what is lost."""
    codes: list[str] = []
    shape = Shape.of("refunds", row.objective, RowFile.of([]))
    records = FORMATS[format].dialect.records(row, shape, codes.append)
    return [json.loads(text(record)) for record in records], [*dict.fromkeys(codes)]


def messages_of(record: Record) -> list[Body]:
    sides = [*record.get("preferred_output", ()), *record.get("non_preferred_output", ())]
    return [*record.get("input", record)["messages"], *sides]


WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
).filter(lambda value: "Infinity" not in json.dumps(value))
ARGUMENTS = st.dictionaries(WORDS, VALUES, max_size=3).map(text)
TOOLS = st.none() | st.lists(st.sampled_from(["find", "re-fund_2"]).map(tool), min_size=1).map(text)


@st.composite
def steps(draw: st.DrawFn) -> list[Body]:
    """What is said until it is the assistant's turn to answer."""
    ids = draw(st.lists(WORDS.filter(bool), max_size=2, unique=True))
    said = {"content": draw(WORDS)} if draw(st.booleans()) else {}
    asked = [ask(*ids, arguments=draw(ARGUMENTS), **said), *map(result, ids)] if ids else []
    answer: list[Body] = [{"role": "assistant", "content": draw(WORDS)}]
    return [*asked, *draw(st.sampled_from([[], answer])), {"role": "user", "content": draw(WORDS)}]


@st.composite
def rows(draw: st.DrawFn, objective: Objective) -> Row:
    system = draw(st.lists(st.just({"role": "system", "content": "Be kind."}), max_size=1))
    prompt = [
        message for part in draw(st.lists(steps(), min_size=1, max_size=3)) for message in part
    ]
    answer = draw(st.sampled_from([YES, ask("c1", "c2", content="Both."), ask("c1")]))
    made = row(objective, [*system, *prompt], answer, tools=draw(TOOLS))
    if objective != "sft":
        return made
    marks = tuple(m["role"] == "assistant" and draw(st.booleans()) for m in made.messages[:-1])
    return msgspec.structs.replace(made, trainable=(*marks, True))


def inverse(record: Record) -> dict[str, Any]:
    """The columns of the row that a record was made of."""
    whole = record.get("input", record)
    tools = {"tools": text(whole["tools"]) if "tools" in whole else None}
    if "input" in record:
        sides = {"chosen": "preferred_output", "rejected": "non_preferred_output"}
        return {"prompt": whole["messages"], **{k: record[v] for k, v in sides.items()}, **tools}
    if "task_id" in record:
        roles = {"developer": "system"}
        prompt = [{**m, "role": roles.get(m["role"], m["role"])} for m in record["messages"]]
        kept = {key: record[key] for key in ("task_id", "scorer", "reference")}
        return {"prompt": prompt, **kept, **tools}
    said = [{k: v for k, v in m.items() if k != "weight"} for m in record["messages"]]
    return {
        "messages": said,
        "trainable": [m.get("weight") == 1 for m in record["messages"]],
        **tools,
    }


@pytest.mark.parametrize(("format", "objective"), WHOLE)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_a_service_can_say_comes_back_byte_for_byte(
    format: str, objective: Objective, data: st.DataObject
) -> None:
    given = data.draw(rows(objective))
    [record], codes = told(format, given)
    assert set(codes) <= {"role_renamed"}
    back = inverse(record)
    assert {k: text(v) for k, v in back.items()} == {k: text(getattr(given, k)) for k in back}
    replies = [m for m in messages_of(record) if m["role"] == "assistant"]
    if objective == "sft":
        assert {m["weight"] for m in replies} <= {0, 1} and any(m["weight"] for m in replies)
    else:
        assert not any("weight" in m for m in replies)


@pytest.mark.parametrize(("format", "objective"), PAIRS)
def test_no_message_has_a_null_or_neither_text_nor_calls(format: str, objective: Objective) -> None:
    for one in corpus(objective):
        for message in (m for record in told(format, one)[0] for m in messages_of(record)):
            assert None not in message.values()
            assert message.get("content") is not None or message["tool_calls"]


@pytest.mark.parametrize("format", SERVICES)
def test_results_carry_no_name_of_their_tool(format: str) -> None:
    [record], codes = told(
        format, row("sft", [USER, ask("abcdef123"), result("abcdef123", name="find")])
    )
    assert "name_dropped" in codes and not any("name" in m for m in record["messages"])


@pytest.mark.parametrize("format", SERVICES)
@pytest.mark.parametrize(("name", "plain"), [("Ann_1", True), ("Ann B.", False), ("x" * 65, False)])
def test_openai_alone_is_told_who_speaks_where_the_name_is_plain(
    format: str, name: str, plain: bool
) -> None:
    [record], codes = told(format, row("sft", [{**USER, "name": name}]))
    kept = plain and format in ("openai", "azure")
    assert record["messages"][0] == ({**USER, "name": name} if kept else USER)
    assert codes == ([] if kept else ["name_dropped"])


@pytest.mark.parametrize(("format", "objective"), PAIRS)
def test_reasoning_stays_where_the_service_trains_on_it_and_else_is_dropped(
    format: str, objective: Objective
) -> None:
    thought = {**YES, "reasoning_content": "It was sent today."}
    [record], codes = told(format, row(objective, [USER, thought, USER], thought))
    thinks = (format, objective) == ("fireworks", "sft")
    assert ("It was sent today." in text(record)) == thinks
    assert codes == ([] if thinks else ["reasoning_dropped"])


@pytest.mark.parametrize(("format", "objective"), PAIRS)
def test_the_flag_for_parallel_calls_stands_beside_tools_alone(
    format: str, objective: Objective
) -> None:
    [bare], _ = told(format, row(objective, [USER]))
    [record], _ = told(format, row(objective, [USER], tools=text([tool()])))
    assert not {"tools", "parallel_tool_calls"} & set(bare.get("input", bare))
    flagged = format in ("openai", "azure") and objective != "rl"
    assert record.get("input", record).get("parallel_tool_calls") is (True if flagged else None)


@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_together_gets_no_other_column(objective: Objective) -> None:
    columns = {"sft": {"messages", "tools"}, "dpo": {"messages", "tools"}}[objective]
    outer = {"sft": columns, "dpo": {"input", "preferred_output", "non_preferred_output"}}[
        objective
    ]
    for [record], _ in (told("together", one) for one in corpus(objective)):
        assert set(record) <= outer and set(record.get("input", record)) <= columns


@pytest.mark.parametrize(
    ("format", "role", "codes"),
    [
        ("openai", "developer", ["role_renamed"]),
        ("azure", "developer", ["role_renamed"]),
        ("fireworks", "system", []),
    ],
)
def test_a_task_is_instructed_by_the_role_that_the_service_knows(
    format: str, role: str, codes: list[str]
) -> None:
    given = row("rl", [{"role": "system", "content": "Be kind."}, USER])
    assert told(format, given)[1] == codes
    assert told(format, given)[0][0]["messages"] == [{"role": role, "content": "Be kind."}, USER]


@pytest.mark.parametrize("format", ["openai", "azure", "fireworks"])
def test_what_is_right_is_a_text_or_a_list_of_calls_and_unknown_rates_are_null(format: str) -> None:
    [record], _ = told(format, row("rl", [USER]))
    assert (record["reference"], record["pass_rate"], record["samples"]) == ("42", None, 0)
    calls = [{"name": "find", "arguments": '{"a": 1}'}]
    [record], _ = told(format, row("rl", [USER], scorer="tool_calls", reference=text(calls)))
    assert record["reference"] == calls


SYSTEM: Body = {"role": "system", "content": "Be kind."}
NAMED = {
    "name": "A b",
    "reasoning_content": "hm",
}  # two more losses, untold of a row that is left out


@pytest.mark.parametrize(
    ("reason", "refusing", "given"),
    [
        ("too_many_tools", ("openai", "azure"), {"tools": text([tool()] * 129)}),
        ("", (), {"tools": text([tool("x" * 64)] * 128)}),
        *(
            ("tool_name", ("openai", "azure", "mistral"), {"tools": text([tool(name)])})
            for name in ("re fund", "x" * 65, "", "größe", "find\n")
        ),
        ("role_order", ("fireworks", "together"), {"prompt": [SYSTEM, SYSTEM, USER]}),
    ],
)
@pytest.mark.parametrize(("format", "objective"), PAIRS)
def test_a_row_that_the_service_would_refuse_is_left_out_with_the_reason(
    format: str, objective: Objective, reason: str, refusing: tuple[str, ...], given: dict[str, Any]
) -> None:
    prompt = [{**YES, **NAMED}, *given.get("prompt", [USER])]
    records, codes = told(format, row(objective, prompt, tools=given.get("tools")))
    if format in refusing:
        assert (records, codes) == ([], [f"row_skipped:{reason}"])
    else:
        assert len(records) == 1 and not any(code.startswith("row_skipped") for code in codes)


@pytest.mark.parametrize(
    ("prompt", "refusing"),
    [
        ([], (*SERVICES,)),
        ([USER, YES], (*SERVICES,)),
        ([USER, ask("c1"), result("c1")], ("azure",)),
        ([USER], ()),
    ],
)
@pytest.mark.parametrize(("format", "objective"), [p for p in PAIRS if p[1] != "sft"])
def test_an_answer_has_to_follow_something_and_in_a_task_at_azure_what_a_user_said(
    format: str, objective: Objective, prompt: list[Body], refusing: tuple[str, ...]
) -> None:
    records, codes = told(format, row(objective, prompt))
    alone = refusing == ("azure",) and objective != "rl"
    refused = format in refusing and not alone
    assert (not records) == refused == (codes == ["row_skipped:role_order"])


@pytest.mark.parametrize(
    ("format", "objective", "least"),
    [(f, o, {"openai": 10, "azure": 10, "fireworks": 3}.get(f, 1)) for f, o in PAIRS],
)
def test_files_below_the_least_and_above_the_largest_are_refused(
    tmp_path: Path, format: str, objective: Objective, least: int
) -> None:
    known, file = FORMATS[format], tmp_path / "train.jsonl"
    file.touch()

    def check(rows: int) -> None:
        shape = msgspec.structs.replace(
            Shape.of("refunds", objective, RowFile.of([])), rows={"train": rows}
        )
        loss = LossReport(format=format, records={"train": rows})
        files = cast(Any, {"train": file.name})
        written = Written(shape=shape, files=files, columns=(), longest=0, loss=loss)
        gate.check_limits(known, written, tmp_path, Recipe(objective=objective))

    check(least)
    if least > 1:
        with pytest.raises(TooFew, match=f"{format} takes {least} records"):
            check(least - 1)
    megabytes = {"fireworks": None, "together": 50_100}.get(format, 512)
    os.truncate(file, (megabytes or 100_000) * 1_000_000)  # holes: they fill no disk
    check(least)
    if megabytes:
        os.truncate(file, megabytes * 1_000_000 + 1)
        with pytest.raises(TooLarge, match=f"files of {megabytes} MB at most"):
            check(least)
