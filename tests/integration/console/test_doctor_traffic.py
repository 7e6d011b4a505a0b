"""`headrace doctor` on what came in: switches, defects, and the balance of completions."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.console import check as looked
from headrace.console import page, traffic
from headrace.console.content import Advice, advices
from headrace.console.defect import counted
from headrace.console.traffic import Told
from headrace.curate.assemble import assemble
from headrace.ingest.batch import Batch, write
from headrace.ingest.reader import read
from headrace.lake import Lake
from headrace.lake.message import Message, dump
from headrace.lake.record import Span
from tests.recorded import Entry, entries

Headrace = Callable[..., Any]

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OTEL = (
    "set OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental and "
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only"
)
CURES = {  # by folder of recordings without content
    "anthropic_sdk_native": "set ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content",
    "claude_code": "set CLAUDE_CODE_ENABLE_TELEMETRY=1 and OTEL_LOG_RAW_API_BODIES=1, and send",
    "openinference_openai": "unset OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS",
    "openinference_openai_agents": "failed and tell no content: nothing to switch on",
    "otel_genai_nocontent": OTEL,
    "otel_genai_openai_agents": " and no LLM call: instrument the client too "
    f"(opentelemetry-instrumentation-genai-openai), then {OTEL}",
    "traceloop_openai": "unset TRACELOOP_TRACE_CONTENT",
    "vercel_ai_v6": "remove recordInputs: false and recordOutputs: false",
}
SKELETON = "pydantic_ai_vdefault/tools-nocontent"


def named(entry: Entry) -> str:
    return entry.id


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """All recordings as the drain left them, each a project; no night was yet."""
    with Lake.open(tmp_path_factory.mktemp("recorded")) as lake:
        batch = Batch.union(read(body) for entry in entries() for body in entry.bodies(entry.id))
        lake.write(lambda tx: write(tx, batch))
        yield lake


@pytest.fixture(scope="module")
def told(recorded: Lake) -> list[Advice]:
    return advices(recorded)


@pytest.mark.parametrize("entry", entries("no_content"), ids=named)
def test_a_recording_without_content_leads_to_its_switch(entry: Entry, told: list[Advice]) -> None:
    [advice] = [one for one in told if one.project == entry.id]
    calls = len(entry.expected["skeleton"])
    if calls:
        said = f"{entry.id}: {calls} of {calls} LLM calls of service "
        assert advice.said.startswith(said)
    assert CURES[entry.folder] in advice.said


def test_a_skeleton_of_roles_leads_to_its_switch_and_no_other_recording_to_any(
    told: list[Advice],
) -> None:
    silent = {entry.id for entry in entries("no_content")}
    [other] = [one for one in told if one.project not in silent]
    assert (other.project, other.calls) == (SKELETON, 3)
    assert "(Pydantic AI) hide content: set include_content=True" in other.said


def test_a_cut_recording_alone_ends_at_one_length(recorded: Lake) -> None:
    rows = recorded.rows(
        "select project from spans where list_contains(defects, 'size_cliff') group by project"
    )
    assert rows == [{"project": "openinference_openai/tools-truncated"}]


def call(number: int, **fields: Any) -> Span:
    made = {
        "project": "odd", "trace_id": f"t{number}", "span_id": f"s{number}", "kind": "llm",
        "name": "chat", "service": "desk", "convention": "gen_ai", "received_at": NOW,
        "started_at": NOW, **fields,
    }  # fmt: skip
    return Span(**made)


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("small")) as lake:
        yield lake


def put(lake: Lake, *spans: Span) -> None:
    lake.write(lambda tx: tx.append("spans", spans))


def test_content_that_is_kept_elsewhere_is_told_by_its_host(small: Lake) -> None:
    for number in range(5):
        uri = f"https://me:secret@store{number}.example:8443/a?sig=secret"
        own = dump({"gen_ai.input.messages.ref": uri})
        put(small, call(number, attributes=own, defects=("content_elsewhere",)))
    put(small, call(9, attributes=dump({"gen_ai.output.messages.ref": "s3://bucket/key"})))
    [advice, silent] = advices(small)
    assert advice.said == (
        "odd: 5 of 6 LLM calls of service 'desk' (OpenTelemetry GenAI) keep content at "
        "store0.example:8443, store1.example:8443, store2.example:8443 and 2 more: "
        "send it on the span"
    )
    assert (silent.calls, silent.cure) == (1, OTEL)


def test_failed_calls_count_only_where_content_must_be_switched_on(small: Lake) -> None:
    put(small, call(1), call(2, error="overloaded"))
    loud = {"service": "loud", "scope": "openinference.instrumentation.openai"}
    put(small, call(3, **loud, output=("h",)), call(4, **loud, status="error"))
    put(small, call(5, service=None, scope="acme", convention="none"))
    assert [one.said.partition("odd: ")[2].partition(" carry")[0] for one in advices(small)] == [
        "2 of 2 LLM calls of service 'desk' (OpenTelemetry GenAI)",
        "1 of 1 LLM calls of an unnamed service (acme)",
        "1 of 2 LLM calls of service 'loud' (openinference) failed and tell no content: "
        "nothing to switch on",
    ]


def test_an_agent_whose_service_calls_models_elsewhere_is_left_alone(small: Lake) -> None:
    put(small, call(1, kind="agent"), call(2, kind="agent", service="other"))
    assert [one.service for one in advices(small)] == ["desk", "other"]
    put(small, call(3, output=("h",)))
    assert [one.service for one in advices(small)] == ["other"]
    put(small, call(4, trace_id="t2", service="gateway", output=("h",)))
    assert advices(small) == []


def test_defects_are_counted_those_that_nobody_knows_first(small: Lake) -> None:
    put(
        small, call(1, defects=("no_usage", "truncated_value:tools")), call(2, defects=("gremlin",))
    )
    assert [(one.name, one.spans, one.bars) for one in counted(small)] == [
        ("gremlin", 1, False),
        ("truncated_value", 1, True),
        ("no_usage", 1, False),
    ]
    found = traffic.defects(small)
    assert (found.state, found.said) == (
        "look",
        "3 kinds on spans and episodes; that bar exports: 1",
    )
    assert found.lines[0] == "gremlin (1 span; informs): no words for it here; upgrade Headrace"


def completions(lake: Lake, *said: str) -> None:
    asked = Message.of({"role": "user", "content": "hello"})
    replies = [Message.of({"role": "assistant", "content": text}) for text in said]
    lake.write(lambda tx: tx.add_new("messages", [asked, *replies], on=["hash"]))
    for number, reply in enumerate(replies):
        put(lake, call(number, input=(asked.hash,), output=(reply.hash,)))


def test_the_balance_is_told_before_a_night_after_it_and_when_it_breaks(small: Lake) -> None:
    assert traffic.balance(small).lines == ()
    completions(small, "one", "two", " ")
    before = traffic.balance(small)
    assert (before.state, before.said) == ("look", "0 completions add up, 3 are not assembled yet")
    assemble(small, "odd", now=NOW)
    after = traffic.balance(small)
    assert (after.state, after.said) == (
        "ok",
        "all of 3 completions are trained once or have a reason",
    )
    line = "odd: 3 assistant completions seen = 2 trained + 1 blank_turn"
    assert after.lines == (line,)
    small.write(lambda tx: tx.run("delete from episodes where list_contains(trace_ids, 't1')"))
    broken = traffic.balance(small)
    assert (broken.state, broken.said) == ("fail", "it does not add up in 1 project")
    [told] = broken.lines
    head = "odd: 3 assistant completions seen and not 1 trained + 1 blank_turn; difference +1, 1 in"
    assert told.startswith(head)
    query = told.partition("look with ")[2]
    assert [row["span_id"] for row in small.rows(query)] == ["s1"]
    small.write(lambda tx: tx.run("delete from spans where span_id = 's1'"))
    small.write(lambda tx: tx.run("update episodes set turns = 5 where turns = 1"))
    query = traffic.balance(small).lines[0].partition("look with ")[2]
    assert [row["turns"] for row in small.rows(query)][0] == 5


def test_the_page_breaks_no_switch_and_caps_long_lists_at_80_columns(
    headrace: Headrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"project-{n}: 3 of 3 LLM calls carry no content: {OTEL}" for n in range(30)]
    found = Told(state="look", said="30 gaps", lines=tuple(lines), rows=[{"n": 1}])
    monkeypatch.setattr(looked, "CHECKS", {"content": lambda _: found})
    monkeypatch.setattr(page, "WIDTH", 80)
    shown = headrace("doctor").out
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only\n") == 24
    assert shown.endswith("- and 6 more, with --json\n")
    [check] = headrace("doctor", "--json").json
    assert (len(check["lines"]), check["rows"]) == (30, [{"n": 1}])
