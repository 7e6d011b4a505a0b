"""The table of defects has all that the code writes, and says of each what eligibility does."""

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.console.check import CHECKS
from headrace.console.defect import DEFECTS, TABLE, Defect
from headrace.curate import assembly, repair, server_state, twin
from headrace.curate.conversation import Conversation
from headrace.curate.group import Library
from headrace.exporters import eligibility
from headrace.exporters.eligibility import Standing, judge
from headrace.ingest.batch import Batch
from headrace.ingest.model_call import UNNAMED
from headrace.ingest.reader import read
from headrace.ingest.secrets import export
from headrace.lake.message import Body
from tests.recorded import NOW, entries

PAGE = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text("utf-8")
CALL: Body = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MESSAGES: list[Body] = [
    {"role": "user", "content": "go"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "done"},
    {"role": "assistant", "content": "ok"},
]
TOOL: Body = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def having(defect: str) -> Conversation:
    given: dict[str, Any] = {
        **dict.fromkeys(Conversation.__struct_fields__),
        "messages": tuple(MESSAGES),
        "scrubbed": True,
        "trainable": (False, True, False, True),
        "tools": None if defect == "no_tool_definitions" else (TOOL,),
        "resolution": "success",
        "representative": True,
        "defects": (defect,),
        "metadata": {},
    }
    return Conversation(**given)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda one: str(one.name))
def test_what_bars_an_export_is_what_eligibility_refuses(defect: Defect) -> None:
    found = judge(having(defect.name), Standing(split="train", decontaminated=True), "sft")
    assert (found.reason if found else None) == (defect.name if defect.bars else None)


def test_those_that_bar_come_first_and_each_once() -> None:
    assert len(TABLE) == len(DEFECTS)
    assert [one.bars for one in DEFECTS] == sorted((one.bars for one in DEFECTS), reverse=True)


def test_every_defect_that_has_a_name_in_the_code_is_in_the_table() -> None:
    named = {twin.DEFECT, repair.DEFECT, server_state.DEFECT, export.DEFECT, UNNAMED}
    assert named | repair.LOSSES | {*eligibility.DEFECTS} <= TABLE.keys()


def test_every_defect_of_the_recordings_is_in_the_table() -> None:
    seen: set[str] = set()
    for entry in entries():
        batch = Batch.union(map(read, entry.bodies()))
        library = Library(
            messages={one.hash: json.loads(one.body) for one in batch.messages},
            tools={one.hash: json.loads(one.body) for one in batch.toolsets},
        )
        found = assembly.assemble(batch.spans, library, now=NOW).episodes
        seen.update(name for span in batch.spans for name in span.defects)
        seen.update(name for episode in found for name in episode.defects)
    assert len(seen) > 10
    assert seen <= TABLE.keys()


def test_the_page_tells_of_every_defect_and_every_check() -> None:
    assert [name for name in TABLE if f"`{name}`" not in PAGE] == []
    assert [name for name in CHECKS if f"`{name}`" not in PAGE and f"## {name}" not in PAGE] == []
