"""The switches of content capture: found by scope, else by convention, and told to people too."""

import re
from collections import Counter
from pathlib import Path

import pytest

from headrace.ingest.conventions import CONVENTIONS
from headrace.ingest.conventions.capture import CAPTURES, UNKNOWN, Capture, capture_of

PAGE = (Path(__file__).parents[3] / "docs" / "conventions.md").read_text("utf-8")
SWITCH = re.compile(r"[A-Z]+(?:_[A-Z0-9]+)+|record[A-Z]\w+|include_\w+")


@pytest.mark.parametrize(
    ("convention", "scope", "name"),
    [
        ("gen_ai", "opentelemetry.instrumentation.genai.openai", "OpenTelemetry GenAI"),
        (
            "gen_ai",
            "opentelemetry.instrumentation.genai.openai_agents",
            "OpenTelemetry, OpenAI Agents",
        ),
        ("gen_ai", "opentelemetry.instrumentation.openai.v1", "OpenLLMetry"),
        ("gen_ai", "com.anthropic.sdk.python", "Anthropic SDK"),
        ("gen_ai", "gen_ai", "Vercel AI SDK"),
        ("gen_ai", "airline.agent", "OpenTelemetry GenAI"),  # no scope below `ai`
        ("gen_ai", "pydantic-ai", "Pydantic AI"),
        ("claude_code", "headrace.logs", "Claude Code"),
        ("openinference", "@arizeai/openinference-instrumentation-openai", "openinference"),
        ("openinference", None, "openinference"),
        ("none", "shop", UNKNOWN.name),
        ("none", None, UNKNOWN.name),
    ],
)
def test_a_span_is_known_by_its_nearest_scope_else_by_its_convention(
    convention: str, scope: str | None, name: str
) -> None:
    assert capture_of(convention, scope).name == name


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda one: str(one.name))
def test_every_convention_that_reads_messages_has_a_row(convention: object) -> None:
    name = getattr(convention, "name", "")
    assert capture_of(name, None) is not UNKNOWN


@pytest.mark.parametrize("field", ["scopes", "conventions"])
def test_no_scope_and_no_convention_stands_in_two_rows(field: str) -> None:
    named = Counter(word for row in CAPTURES for word in getattr(row, field))
    assert named.most_common(1)[0][1] == 1


@pytest.mark.parametrize("row", CAPTURES, ids=lambda row: str(row.name))
def test_people_read_the_same_switches_on_the_page(row: Capture) -> None:
    assert [word for word in SWITCH.findall(row.cure) if word not in PAGE] == []
