"""docs/conventions.md: its table is whole, and its skeleton works as it stands there."""

import json
import re
from pathlib import Path
from types import ModuleType

from headrace.ingest.conventions import (
    CONVENTIONS,
    Among,
    Convention,
    content_of,
    facts_of,
    kind_of,
)
from headrace.ingest.telemetry import SpanData
from tests.spans import span

PAGE = (Path(__file__).parents[3] / "docs" / "conventions.md").read_text("utf-8")
SHOWN, MODULE, ROW = re.findall(r"```(?:json|python)\n(.*?)```", PAGE, re.DOTALL)


def acme() -> Convention:
    module = ModuleType("acme")
    exec(MODULE, module.__dict__)
    made = eval(f"({ROW})", {"Convention": Convention, "acme": module})
    assert isinstance(made, Convention)
    return made


def shown(**changed: object) -> SpanData:
    return span({**json.loads(SHOWN), **{f"acme.{key}": value for key, value in changed.items()}})


def test_every_convention_is_in_the_table() -> None:
    for convention in CONVENTIONS:
        assert f"`{convention.name}`" in PAGE


def test_the_skeleton_reads_the_span_that_is_shown() -> None:
    among = Among.of([acme()])
    assert kind_of(shown(), among) == ("llm", "acme")
    found = content_of(shown(), among)
    assert found is not None
    assert [body["content"] for body in found[0].input + found[0].output] == [
        "Where is my order?",
        "It leaves today.",
    ]
    assert facts_of(shown(), among) == {"input_tokens": 12, "output_tokens": 3}


def test_the_skeleton_survives_what_is_hostile() -> None:
    among = Among.of([acme()])
    cut = content_of(shown(request='{"messages": ['), among)
    assert cut is not None
    assert cut[0].defects == ("truncated_value",)
    assert content_of(shown(kind=7), among) is None
    assert facts_of(shown(tokens="many"), among) == {}


def test_the_turn_of_the_skeleton_is_free() -> None:
    turns = [convention.reading for convention in (*CONVENTIONS, acme()) if convention.content]
    assert len(set(turns)) == len(turns)
    assert all(acme().heads.isdisjoint(convention.heads) for convention in CONVENTIONS)
