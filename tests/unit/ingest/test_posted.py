"""Posted episodes and outcomes: every field, every refusal, and ids that agree on every reading."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest import posted
from headrace.ingest.batch import Batch
from headrace.ingest.errors import Undecodable
from headrace.lake.record import Episode, Outcome

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TALK = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
TRACE = "5b8efff798038103d269b633813fc60c"


def read(*, key: str | None = None, **fields: Any) -> tuple[str, Batch]:
    line = json.dumps({"messages": TALK, **fields}).encode()
    return posted.episodes(line, project=key, received_at=NOW)


def episode(**fields: Any) -> Episode:
    [row] = read(**fields)[1].episodes
    return row


def outcome(**fields: Any) -> Outcome:
    line = json.dumps({"episode": "e", **fields}).encode()
    name, batch = posted.outcomes(line, project=None, received_at=NOW)
    [row] = batch.outcomes
    assert row.outcome_id == name
    return row


@pytest.mark.parametrize(("given_id", "name"), [("e-1", "e-1"), (7, "7"), (0, "0"), ("é", "é")])
def test_a_given_id_stands_as_text(given_id: Any, name: str) -> None:
    assert episode(id=given_id).episode_id == name
    assert outcome(id=given_id, success=True).outcome_id == name


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_id_is_the_hash_of_the_content(nothing: Any) -> None:
    assert episode(id=nothing).episode_id == episode().episode_id
    assert len(episode().episode_id) == 32
    assert outcome(id=nothing, success=True) == outcome(success=True)


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({}, (None, None)),
        ({"usage": None}, (None, None)),
        ({"usage": {"input_tokens": 0, "output_tokens": 0}}, (0, 0)),
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}, (3, 4)),
        ({"usage": {"input": 3}}, (3, None)),
        ({"usage": {"input_tokens": None, "prompt_tokens": 3}}, (3, None)),
        ({"usage": {"input_tokens": 2**63 - 1}}, (2**63 - 1, None)),
    ],
)
def test_usage_is_read_by_any_of_its_names_and_absent_where_it_is_not_told(
    fields: dict[str, Any], tokens: tuple[int | None, int | None]
) -> None:
    row = episode(**fields)
    assert (row.input_tokens, row.output_tokens) == tokens


@pytest.mark.parametrize("value", [-1, 2**63, 1.5, "3", True, [3]])
def test_usage_that_is_no_number_of_tokens_is_refused(value: Any) -> None:
    with pytest.raises(Undecodable, match="usage.output_tokens is .*: give a whole number"):
        episode(usage={"completion_tokens": value})


@pytest.mark.parametrize(
    ("cost", "dollars"),
    [(None, None), (0, "0"), (0.1, "0.1"), ("0.000001", "0.000001"), ("12", "12")],
)
def test_cost_is_exact_or_absent(cost: Any, dollars: str | None) -> None:
    assert episode(cost_usd=cost).cost_usd == (None if dollars is None else Decimal(dollars))


@pytest.mark.parametrize("cost", [-0.01, "-1", "NaN", "1e400", 10**9, ""])
def test_cost_that_is_no_sum_is_refused(cost: Any) -> None:
    with pytest.raises(Undecodable, match="cost_usd is .*: give dollars, 0 or more"):
        episode(cost_usd=cost)


@pytest.mark.parametrize(
    ("given_at", "at"),
    [
        ("2026-10-01T10:00:00Z", datetime(2026, 10, 1, 10, tzinfo=UTC)),
        ("2026-10-01T10:00:00", datetime(2026, 10, 1, 10, tzinfo=UTC)),
        ("2026-10-01T10:00:00.25-05:30", datetime(2026, 10, 1, 15, 30, 0, 250_000, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times_are_utc(given_at: str | None, at: datetime | None) -> None:
    assert episode(started_at=given_at).started_at == at
    assert episode(ended_at=given_at).ended_at == at
    assert outcome(success=True, at=given_at).at == (at or NOW)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_outside_the_calendar_is_refused(at: str) -> None:
    with pytest.raises(Undecodable, match="lies outside the calendar"):
        episode(started_at=at)
    with pytest.raises(Undecodable, match="lies outside the calendar"):
        outcome(success=True, at=at)


@pytest.mark.parametrize(
    ("known", "field", "home"),
    [("key", "field", "key"), (None, "field", "field"), (None, None, "default"),
     (None, "", "default"), ("", "field", "field")],
)  # fmt: skip
def test_the_project_is_the_keys_then_the_fields_then_default(
    known: str | None, field: str | None, home: str
) -> None:
    batch = read(key=known, id="e", project=field, outcome=True)[1]
    [row], [mark] = batch.episodes, batch.outcomes
    assert row.project == mark.project == home


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        (True, (True, None, None)),
        (False, (False, None, None)),
        (0, (None, 0.0, None)),
        (0.5, (None, 0.5, None)),
        ({"comment": "no"}, (None, None, "no")),
        ({"success": True, "score": -2}, (True, -2.0, None)),
    ],
)
def test_a_boolean_is_a_mark_and_a_number_is_a_score(said: Any, fields: tuple[Any, ...]) -> None:
    [mark] = read(id="e", outcome=said)[1].outcomes
    assert (mark.success, mark.score, mark.comment) == fields


ENDED, LATER = "2026-10-01T10:00:00Z", "2026-10-02T12:00:00+02:00"


@pytest.mark.parametrize(
    ("said", "ended_at", "at"),
    [
        ({"at": LATER}, ENDED, datetime(2026, 10, 2, 10, tzinfo=UTC)),
        ({}, ENDED, datetime(2026, 10, 1, 10, tzinfo=UTC)),
        ({}, None, NOW),
    ],
)
def test_an_inline_mark_is_of_its_own_time_else_of_the_episodes_end(
    said: dict[str, Any], ended_at: str | None, at: datetime
) -> None:
    [mark] = read(id="e", ended_at=ended_at, outcome={"success": True, **said})[1].outcomes
    assert (mark.at, mark.received_at) == (at, NOW)


@pytest.mark.parametrize("given_id", ["m-1", 7])
def test_an_inline_mark_may_have_an_id_of_its_own(given_id: Any) -> None:
    [mark] = read(id="e", outcome={"success": True, "id": given_id})[1].outcomes
    assert (mark.outcome_id, mark.target_id) == (str(given_id), "e")


def test_an_episode_without_an_outcome_has_none() -> None:
    assert read()[1].outcomes == read(outcome=None)[1].outcomes == ()


def test_inline_marks_of_other_names_or_sources_stand_beside_each_other() -> None:
    ids = {
        read(id=name, outcome={"success": True, **said})[1].outcomes[0].outcome_id
        for name in ("e", "f")
        for said in ({}, {"name": "polite"}, {"source": "human"})
    }
    assert len(ids) == 6


@pytest.mark.parametrize("source", posted.SOURCES)
def test_every_source_is_taken(source: str) -> None:
    assert outcome(success=True, source=source).source == source


@pytest.mark.parametrize("field", ["trace_id", "span_id"])
@pytest.mark.parametrize("value", ["", "xyz", "0", "g" * 32, "a" * 33, "a" * 15, "é" * 16])
def test_an_id_of_a_trace_or_span_is_hex_of_its_length(field: str, value: str) -> None:
    line = json.dumps({field: value, "success": True}).encode()
    with pytest.raises(Undecodable, match=f"{field}"):
        posted.outcomes(line, project=None, received_at=NOW)


def test_one_trace_in_two_spellings_is_one_mark() -> None:
    def name(trace: str) -> tuple[str, str]:
        line = json.dumps({"trace_id": trace, "success": True}).encode()
        [row] = posted.outcomes(line, project=None, received_at=NOW)[1].outcomes
        return row.target_kind, row.target_id

    assert name(TRACE) == name(TRACE.upper()) == ("trace", TRACE)


@pytest.mark.parametrize(
    ("correction", "body"),
    [
        ("say so", {"role": "assistant", "content": "say so"}),
        ({"content": "say so"}, {"role": "assistant", "content": "say so"}),
        ({"role": "ai", "content": "say so"}, {"role": "assistant", "content": "say so"}),
        ({"parts": [{"type": "text", "content": "say so"}]},
         {"role": "assistant", "content": "say so"}),
    ],
)  # fmt: skip
def test_a_correction_is_what_the_assistant_should_have_said(
    correction: Any, body: dict[str, Any]
) -> None:
    assert json.loads(str(outcome(correction=correction).correction)) == body


@pytest.mark.parametrize(
    ("correction", "fault"),
    [
        ({"role": "user", "content": "x"}, "correction is by user: give what the assistant"),
        ({"role": "system", "content": "x"}, "correction is by system"),
        ({"role": "tool", "content": "x"}, "correction is by tool"),
        ("", "correction is empty: give what the assistant should have said"),
        ({}, "correction is empty"),
        ({"content": None}, "correction is empty"),
        ({"content": [{"type": "tool_result", "id": "c", "content": "r"}]}, "more than one"),
        ({"content": 7}, "content is int"),
        ({"tool_calls": [{}]}, "names no function"),
    ],
)
def test_a_correction_that_nobody_could_say_is_refused(correction: Any, fault: str) -> None:
    with pytest.raises(Undecodable, match=fault):
        outcome(success=False, correction=correction)


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"null", b'"text"', b"{", b'{"messages": []} {}', b"\xff", b'{"a":' * 50_000],
)
def test_what_is_no_object_is_refused(line: bytes) -> None:
    for reader in (posted.episodes, posted.outcomes):
        with pytest.raises(Undecodable):
            reader(line, project=None, received_at=NOW)


@pytest.mark.parametrize(
    ("line", "there"),
    [
        (b'{"messages": [], "mesages": []}', "messages, id, project"),
        (b'{"episode": "e", "succes": true}', "author, id, at, project, .* external_id$"),
        (b'{"messages": [], "outcome": {"succes": true}}', "name, success, .* author, id, at$"),
    ],
)
def test_an_unknown_field_is_refused_with_the_fields_there_are(line: bytes, there: str) -> None:
    reader = posted.episodes if b"messages" in line else posted.outcomes
    with pytest.raises(Undecodable, match=f"there are: .*{there}"):
        reader(line, project=None, received_at=NOW)


def test_a_line_that_has_its_id_is_left_as_it_was_written() -> None:
    line = b'{ "id" : "e",  "messages": [] }'
    assert posted.with_id(line, "e") == line
    assert json.loads(posted.with_id(line, "f")) == {"id": "f", "messages": []}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip
names = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=5)
episodes = st.fixed_dictionaries(
    {"messages": st.lists(st.builds(lambda t: {"role": "user", "content": t}, st.text()),
                          min_size=1, max_size=3)},
    optional={
        "id": st.none() | st.integers() | names,
        "user": names,
        "metadata": st.dictionaries(st.text(max_size=4), json_values, max_size=3),
        "usage": st.fixed_dictionaries({"input_tokens": st.integers(0, 2**63 - 1)}),
        "outcome": st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
        "started_at": st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
            datetime.isoformat
        ),
    },
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(episodes)
def test_what_is_spooled_reads_as_what_was_posted(fields: dict[str, Any]) -> None:
    line = json.dumps(fields).encode()
    name, batch = posted.episodes(line, project=None, received_at=NOW)
    kept = posted.with_id(line, name)
    again, read_back = posted.episodes(kept, project=None, received_at=NOW)
    assert (again, read_back) == (name, batch)
    assert posted.with_id(kept, name) == kept


@settings(max_examples=60, deadline=None)
@given(episodes)
def test_the_order_of_keys_makes_no_other_episode(fields: dict[str, Any]) -> None:
    turned = dict(reversed(fields.items()))
    assert read(**fields) == posted.episodes(
        json.dumps(turned).encode(), project=None, received_at=NOW
    )


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {"score": st.floats(allow_nan=False, allow_infinity=False)},
        optional={"name": names, "comment": st.text(), "author": st.text()},
    )
)
def test_an_outcome_names_itself_alike_on_every_reading(fields: dict[str, Any]) -> None:
    row = outcome(**fields)
    assert outcome(**dict(reversed(fields.items()))) == row
    assert outcome(**fields, id=row.outcome_id) == row
    told = {**fields, "comment": f"{fields.get('comment')}!"}
    assert outcome(**told).outcome_id != row.outcome_id
