"""What the lake knows of an episode, a trace and the wheel."""

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from headrace.ingest.errors import BadHeader, LakeAway
from headrace.ingest.lookup import Lookup
from headrace.lake import Lake
from headrace.lake.errors import LakeLocked
from headrace.lake.message import Message
from headrace.lake.record import (
    Decision,
    Episode,
    Night,
    Outcome,
    Record,
    Resolved,
    RetiredRow,
    ScrubbedEpisode,
    Span,
    TargetKind,
    Verdict,
)
from headrace.lake.settings import Settings

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
HI, YES = (Message.of({"role": role, "content": role}) for role in ("user", "assistant"))

Document = dict[str, Any]


@pytest.fixture
def lookup(lake: Lake, tmp_path: Path) -> Lookup:
    return Lookup(Settings(home=tmp_path), lake)


def put(lake: Lake, rows: Mapping[str, list[Any]]) -> None:
    def work(tx: Any) -> None:
        for table, records in rows.items():
            tx.append(table, records)

    lake.write(work)


def episode(project: str, name: str = "e", **fields: Any) -> Episode:
    row = Episode(
        project=project,
        episode_id=name,
        revision=1,
        at=NOON,
        messages=(HI.hash, YES.hash),
        trainable=(False, True),
    )
    return msgspec.structs.replace(row, **fields)


def mark(project: str, kind: TargetKind, target: str, **fields: Any) -> Outcome:
    row = Outcome(
        project=project,
        outcome_id=f"{kind} {target}",
        target_kind=kind,
        target_id=target,
        source="user",
        received_at=NOON,
        at=NOON,
        success=True,
    )
    return msgspec.structs.replace(row, **fields)


def span(project: str, trace_id: str, span_id: str, **fields: Any) -> Span:
    row = Span(
        project=project, trace_id=trace_id, span_id=span_id, kind="llm", name="c", received_at=NOON
    )
    return msgspec.structs.replace(row, **fields)


def seen(found: Document | None) -> Document:
    """The document as a client reads it."""
    assert found is not None
    answer: Document = json.loads(msgspec.json.encode(found))
    return answer


def test_an_episode_is_its_last_revision_with_messages_in_their_order(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    again = (HI.hash, YES.hash, HI.hash, YES.hash)
    rows = [
        episode(project, revision=2, messages=again, trainable=(False, True) * 2),
        episode(project, revision=1),
        episode(project, revision=10, messages=again[:3], tools="[]", superseded=True),
        episode(project, "other", revision=99),
    ]
    put(lake, {"episodes": rows, "messages": [HI, YES]})
    found = seen(lookup.episode("e", project))
    assert (found["revision"], found["superseded"], found["tools"]) == (10, True, [])
    assert [said["content"] for said in found["messages"]] == ["user", "assistant", "user"]
    assert (found["resolution"], found["success"], found["metadata"]) == ("pending", None, {})


def test_a_resolution_stands_beside_the_episode_of_its_project(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    done = Resolved(
        project=project, episode_id="e", resolution="failure", at=NOON, success=False, score=0.0
    )
    put(lake, {"episodes": [episode(project), episode(project + "2")], "resolutions": [done]})
    found = seen(lookup.episode("e", project))
    assert (found["resolution"], found["success"], found["score"]) == ("failure", False, 0.0)
    assert seen(lookup.episode("e", project + "2"))["resolution"] == "pending"


def test_every_way_to_name_an_episode_brings_its_outcomes(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    told = {"external_id": "order 7"}
    row = episode(
        project,
        conversation_id="talk",
        trace_ids=("t1", "t2"),
        span_ids=("s1", "s2"),
        metadata=json.dumps(told),
    )
    said = json.dumps({"role": "assistant", "content": "No."})
    marks = [
        mark(project, "episode", "e"),
        mark(project, "conversation", "talk"),
        mark(project, "external", "order 7"),
        mark(project, "trace", "t2"),
        mark(project, "span", "s1", at=NOON - timedelta(hours=1)),
        mark(project, "response", "r2", correction=said, success=None),
    ]
    others: list[tuple[TargetKind, str]] = [
        ("episode", "talk"), ("conversation", "e"), ("external", "e"), ("trace", "s1"),
        ("span", "t1"), ("response", "r3"), ("trace", "t3"),
    ]  # fmt: skip
    foreign = [mark(f"{project} of others", kind, name) for kind, name in others[:2]]
    spans = [
        span(project, "t1", "s1"),
        span(project, "t2", "s2", response_id="r2"),
        span(project, "t3", "s3", response_id="r3"),
    ]
    strays = [mark(project, kind, name) for kind, name in others]
    put(lake, {"episodes": [row], "outcomes": [*marks, *strays, *foreign], "spans": spans})
    found = seen(lookup.episode("e", project))
    names = [outcome["target_kind"] for outcome in found["outcomes"]]
    assert names[0] == "span"  # in the order of time
    assert sorted(names) == sorted(kind for kind, _ in others[:6])
    corrections = {outcome["target_kind"]: outcome["correction"] for outcome in found["outcomes"]}
    assert corrections["response"] == {"role": "assistant", "content": "No."}
    assert corrections["episode"] is None


def test_a_mark_reaches_the_calls_under_its_span_down_to_the_next_tool(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    spans = [
        span(project, "t", "root", kind="agent"),
        span(project, "t", "agent", kind="other", parent_span_id="root"),
        span(project, "t", "call", parent_span_id="agent"),
        span(project, "t", "tool", kind="tool", parent_span_id="agent"),
        span(project, "t", "sub", kind="agent", parent_span_id="tool"),
        span(project, "t", "below", parent_span_id="sub"),
    ]
    rows = [
        episode(project, trace_ids=("t",), span_ids=("call",)),
        episode(project, "s", trace_ids=("t",), span_ids=("below",), parent_episode_id="e"),
    ]
    marks = [mark(project, "span", name.span_id) for name in spans]
    put(lake, {"episodes": rows, "outcomes": marks, "spans": spans})
    found = {
        name: {outcome["target_id"] for outcome in seen(lookup.episode(name, project))["outcomes"]}
        for name in ("e", "s")
    }
    assert found == {"e": {"root", "agent", "call"}, "s": {"tool", "sub", "below"}}


def test_what_a_sub_agent_has_from_its_trace_is_inherited(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    names: dict[str, Any] = {"trace_ids": ("t",), "conversation_id": "talk"}
    rows = [episode(project, **names), episode(project, "s", parent_episode_id="e", **names)]
    marks = [
        mark(project, "trace", "t"),
        mark(project, "conversation", "talk"),
        mark(project, "episode", "s", label="good"),
    ]
    put(lake, {"episodes": rows, "outcomes": marks})
    below, root = (seen(lookup.episode(name, project))["outcomes"] for name in ("s", "e"))
    assert {(one["target_kind"], one["inherited"], one["label"]) for one in below} == {
        ("trace", True, None),
        ("conversation", True, None),
        ("episode", False, "good"),
    }
    assert [one["inherited"] for one in root] == [False, False]


@pytest.mark.parametrize("told", [["a", "b"], ["b", 7, None]])
def test_each_of_a_product_s_keys_brings_its_outcomes(
    told: list[object], lake: Lake, lookup: Lookup, project: str
) -> None:
    row = episode(project, metadata=json.dumps({"external_id": "first", "external_ids": told}))
    marks = [mark(project, "external", name) for name in ("first", "b", "other")]
    put(lake, {"episodes": [row], "outcomes": marks})
    found = seen(lookup.episode("e", project))["outcomes"]
    assert {outcome["target_id"] for outcome in found} == {"first", "b"}


def test_an_episode_without_names_takes_no_outcomes_of_others(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    marks = [
        mark(project, "conversation", ""),
        mark(project, "external", ""),
        mark(project, "trace", ""),
    ]
    put(lake, {"episodes": [episode(project)], "outcomes": marks})
    assert seen(lookup.episode("e", project))["outcomes"] == []


def test_decisions_are_told_in_the_order_in_which_they_fell(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    def decision(step: str, minutes: int, **fields: Any) -> Decision:
        return Decision(
            project=project,
            step=step,
            version="1",
            episode_id="e",
            kept=step != "dedupe",
            reason=f"why {step}",
            at=NOON + timedelta(minutes=minutes),
            **fields,
        )

    later = decision("dedupe", 9, because_of="first", similarity=0.97)
    rows = [later, decision("screen", 3), decision("assemble", 3)]
    put(lake, {"episodes": [episode(project)], "decisions": rows})
    told = seen(lookup.episode("e", project))["decisions"]
    assert [row["step"] for row in told] == ["assemble", "screen", "dedupe"]
    assert (told[2]["kept"], told[2]["because_of"], told[2]["similarity"]) == (False, "first", 0.97)


def test_what_is_gone_is_told_as_the_scrub_left_it_and_since_when(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    clean = Message.of({"role": "user", "content": "without a name"})
    gone = RetiredRow(project=project, kind="episode", key="e", revision=1, at=NOON)
    copy = ScrubbedEpisode(
        project=project, episode_id="e", revision=1, version="1", messages=(clean.hash, YES.hash),
        request="", metadata="{}", found="{}", at=NOON,
    )  # fmt: skip
    put(lake, {"episodes": [episode(project)], "scrubbed_messages": [clean, YES]})
    put(lake, {"scrubbed": [copy]})
    assert seen(lookup.episode("e", project))["raw_retired_at"] is None
    put(lake, {"retired": [gone]})
    told = seen(lookup.episode("e", project))
    assert [body["content"] for body in told["messages"]] == ["without a name", "assistant"]
    assert told["raw_retired_at"].startswith("2026-11-01T12")


def test_what_could_never_be_scrubbed_says_nothing_once_it_is_gone(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    lost = episode(project, messages=("away", YES.hash))
    put(lake, {"episodes": [lost]})
    assert seen(lookup.episode("e", project))["messages"] == []


def test_an_id_in_several_projects_asks_for_one(lake: Lake, lookup: Lookup, project: str) -> None:
    name = f"{project} twin"
    put(lake, {"episodes": [episode(f"{project} {n}", name) for n in "ba"]})
    with pytest.raises(BadHeader, match=r" a, .* b: name one"):
        lookup.episode(name, None)
    assert seen(lookup.episode(name, f"{project} b"))["project"] == f"{project} b"
    assert lookup.episode(name, "elsewhere") is None


@pytest.mark.parametrize("name", ["", "no such", "e' or true --", "é/ü?", "\0"])
def test_what_the_lake_does_not_have_is_none(lookup: Lookup, project: str, name: str) -> None:
    assert lookup.episode(name, project) is None
    assert lookup.trace(name, project) is None


def test_a_trace_has_its_spans_in_order_and_its_episodes(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    name = "ab" * 16
    spans = [
        span(project, name, "s3"),
        span(project, name, "s2", started_at=NOON, defects=("no_content",)),
        span(project, name, "s1", started_at=NOON),
        span(project, "cd" * 16, "s4"),
        span(f"{project} of others", name, "s5"),
    ]
    put(lake, {"spans": spans})
    found = seen(lookup.trace(name.upper(), project))
    assert found["trace_id"] == name
    assert [row["span_id"] for row in found["spans"]] == ["s1", "s2", "s3"]
    assert (found["assembled"], found["episodes"], found["outcomes"]) == (False, [], [])
    put(lake, {"episodes": [episode(project, trace_ids=(name,))], "messages": [HI, YES]})
    found = seen(lookup.trace(name, project))
    assert found["assembled"]
    assert [said["role"] for said in found["episodes"][0]["messages"]] == ["user", "assistant"]


def test_an_outcome_before_its_trace_is_known(lake: Lake, lookup: Lookup, project: str) -> None:
    name = "ef" * 16
    put(lake, {"outcomes": [mark(project, "trace", name, correction='{"content": "x"}')]})
    found = seen(lookup.trace(name, project))
    assert (found["spans"], found["assembled"]) == ([], False)
    assert found["outcomes"][0]["correction"] == {"content": "x"}


def test_an_outcome_of_a_span_belongs_to_its_trace_in_its_project_alone(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    name, elsewhere = "0a" * 16, f"{project} of others"
    marks = [
        mark(project, "span", "s1"),
        mark(elsewhere, "span", "s1"),
        mark(project, "span", "s2"),
        mark(project, "conversation", name),
    ]
    put(lake, {"spans": [span(project, name, "s1")], "outcomes": marks})
    for asked in (project, None):
        told = [
            (row["project"], row["target_id"])
            for row in seen(lookup.trace(name, asked))["outcomes"]
        ]
        assert told == [(project, "s1")]


def test_counts_leave_out_what_was_superseded_and_older_revisions(
    lake: Lake, lookup: Lookup, project: str
) -> None:
    before = lookup.facts()["lake"]["episodes"]
    rows = [
        episode(project),
        episode(project, revision=2),
        episode(project, "gone"),
        episode(project, "gone", revision=2, superseded=True),
    ]
    put(lake, {"episodes": rows})
    assert lookup.facts()["lake"]["episodes"] == before + 1


def test_the_newest_night_and_verdict_are_told(lake: Lake, lookup: Lookup, project: str) -> None:
    far = NOON + timedelta(days=5000)

    def night(name: str, days: int) -> Record:
        at = far + timedelta(days=days)
        return Night(
            night_id=name, started_at=at, ended_at=at, until=at, status="done", summary="[]"
        )

    def verdict(name: str, days: int) -> Record:
        at = far + timedelta(days=days)
        return Verdict(
            project=project,
            verdict_id=name,
            kind="readiness",
            state="not_yet",
            at=at,
            expires_at=at,
            inputs_hash="x",
            payload="{}",
        )

    nights = [night("n1", 0), night("n3", 1), night("n2", 1)]
    put(lake, {"nights": nights, "verdicts": [verdict("v2", 1), verdict("v1", 0)]})
    facts = lookup.facts()
    assert (facts["nightly"]["night_id"], facts["verdict"]["verdict_id"]) == ("n2", "v2")
    assert facts["verdict"]["state"] == "not_yet"


class Away:
    """A way to open a lake that fails so many times first."""

    def __init__(self, lake: Lake, *errors: Exception) -> None:
        self.lake = lake
        self.errors = list(errors)
        self.opened = 0

    def __call__(self, *, settings: Settings, create: bool) -> Lake:
        self.opened += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.lake


@pytest.mark.parametrize(
    "error", [duckdb.IOException("gone"), LakeLocked("too long"), PermissionError("no")]
)
def test_a_lake_that_is_away_is_opened_afresh_when_it_is_back(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    away = Away(lake, error, error)
    monkeypatch.setattr(Lake, "open", away)
    lookup = Lookup(Settings(home=tmp_path))
    with pytest.raises(LakeAway, match=f"{type(error).__name__}.*still stored"):
        lookup.episode("e", None)
    assert set(lookup.facts().values()) == {None}
    assert lookup.facts()["lake"] is not None
    assert lookup.facts()["dead_letters"] >= 0
    assert away.opened == 3  # and kept open since


def test_a_question_makes_no_lake(tmp_path: Path) -> None:
    with closing(Lookup(Settings(home=tmp_path))) as lookup:
        assert lookup.facts()["lake"] is None
    assert not (tmp_path / "catalog.sqlite").exists()


def test_a_lake_that_breaks_later_is_opened_again(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(lake)
    monkeypatch.setattr(Lake, "open", away)
    lookup = Lookup(Settings(home=tmp_path))
    assert lookup.trace("none", None) is None

    def broken(*given: object) -> None:
        raise duckdb.IOException("the catalog went")

    with monkeypatch.context() as patched:
        patched.setattr(lake, "rows", broken)
        with pytest.raises(LakeAway):
            lookup.trace("none", None)
    assert lookup.trace("none", None) is None
    assert away.opened == 2


def test_a_lake_that_was_given_is_not_closed(lake: Lake, lookup: Lookup) -> None:
    lookup.facts()
    lookup.close()
    assert lake.rows("select 1 as one") == [{"one": 1}]


def test_a_lake_that_was_opened_is_closed(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(Lake, "open", Away(lake))
    monkeypatch.setattr(lake, "close", lambda: closed.append("once"))
    lookup = Lookup(Settings(home=tmp_path))
    lookup.close()
    assert closed == []  # nothing was asked, nothing opened
    lookup.facts()
    lookup.close()
    lookup.close()
    assert closed == ["once"]
