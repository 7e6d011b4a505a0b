import json
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.exporters.call import text
from headrace.exporters.row import Row
from headrace.lake.message import Body
from tests.corpus import corpus
from tests.talk import ARGUMENTS, USER, YES, ask, result, row, rows, told, tool


@settings(max_examples=60, deadline=None)
@given(made=rows("sft"))
def test_conversations_come_back_byte_for_byte(made: Row) -> None:
    [record], codes = told("axolotl", made)
    assert set(codes) <= {"content_filled"}
    assert [message.pop("train") for message in record["messages"]] == [*made.trainable]
    for message in record["messages"]:
        if "tool_calls" in message and not message["content"]:
            del message["content"]
    back = [{k: m[k] for k in sorted(m)} for m in record["messages"]]
    assert back == [{k: m[k] for k in sorted(m)} for m in made.messages]
    for one in record.get("tools", ()):
        one["function"]["parameters"] = json.loads(one["function"]["parameters"])
    assert (text(record["tools"]) if "tools" in record else None) == made.tools


@settings(max_examples=30, deadline=None)
@given(arguments=st.lists(ARGUMENTS, min_size=1, max_size=3))
def test_arguments_of_any_type_are_text_so_that_no_column_mixes_types(arguments: list[str]) -> None:
    asked = [row("sft", [USER], ask("c", arguments=one)) for one in arguments]
    records, _ = told("axolotl", *asked)
    calls = [record["messages"][-1]["tool_calls"][0]["function"] for record in records]
    assert [one["arguments"] for one in calls] == arguments


def test_tools_are_a_column_of_every_row_or_of_none() -> None:
    with_tools = row("sft", [USER], tools=text([tool()]))
    assert ["tools" in record for record in told("axolotl", row("sft", [USER]))[0]] == [False]
    records, _ = told("axolotl", row("sft", [USER]), with_tools)
    assert [record["tools"] is None for record in records] == [True, False]


def test_a_tool_without_parameters_stays_as_it_is() -> None:
    bare = [{"type": "function", "function": {"name": "now"}}]
    [record], _ = told("axolotl", row("sft", [USER], tools=text(bare)))
    assert record["tools"] == bare


def test_pairs_are_flat_and_each_side_is_one_object() -> None:
    prompt = [USER, ask("c"), result("c", name="find")]
    [record], codes = told("axolotl", row("dpo", prompt, ask("d"), tools=text([tool()])))
    assert [message["role"] for message in record["messages"]] == [
        "system", "user", "assistant", "user",
    ]  # fmt: skip
    call = '<tool_call>\n{"name": "find", "arguments": {}}\n</tool_call>'
    assert record["chosen"] == {"role": "assistant", "content": call}
    assert record["rejected"] == {"role": "assistant", "content": "Gone."}
    assert set(codes) == {
        "tools_flattened", "context_flattened", "calls_flattened", "name_dropped",
    }  # fmt: skip
    assert "calls_flattened" not in told("axolotl", row("dpo", prompt))[1], "only read"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("user", "reserved_token"),  # found in what the template writes before the side
        ("A", "reserved_token"),
        (" \n", "empty_reply"),
        ("Gone. ", "same_reply"),
    ],
)
def test_a_side_that_would_be_looked_for_in_vain_is_skipped(content: str, code: str) -> None:
    records, codes = told("axolotl", row("dpo", [USER], {**YES, "content": content}))
    assert not records
    assert codes == [f"row_skipped:{code}"]


def test_what_is_around_a_side_is_cut_off_and_told() -> None:
    [record], codes = told("axolotl", row("dpo", [USER], {**YES, "content": "\n Here. "}))
    assert record["chosen"]["content"] == "Here."
    assert codes == ["text_dropped:outer_whitespace"]


@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_the_page_has_a_configuration_over_the_files_that_there_are(
    adapted: Any, objective: Any
) -> None:
    test = [msgspec.structs.replace(r, row_id=f"t{r.row_id}") for r in corpus(objective, "test")]
    page = adapted("axolotl", [*corpus(objective), *test], objective).files["HOWTO.md"]
    config: Body = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    files = [config[key][0]["path"] for key in ("datasets", "test_datasets")]
    assert files == ["train.jsonl", "test.jsonl"]
    assert (config.get("rl") == "dpo") == (objective == "dpo")
    masked = [one.get("message_field_training") for one in config["datasets"]]
    assert masked == ([None] if objective == "dpo" else ["train"])
