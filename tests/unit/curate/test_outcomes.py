"""The resolution policy as a table, and which mark reaches which episode."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.assemble import assemble
from headrace.curate.outcomes import POLICY, Mark, Ruling, resolve, rule
from headrace.curate.step import StepResult
from headrace.lake.record import Outcome, Source
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, T0, World, said, system, user

WEEK = timedelta(days=7)


def mark(
    source: Source, success: bool | None, at: float = 0, name: str = "outcome", **fields: Any
) -> Mark:
    when = T0 + timedelta(seconds=at)
    return Mark(source=source, success=success, at=when, name=name, **fields)


def by(author: str | None, success: bool, at: float = 0, name: str = "outcome") -> Mark:
    return mark("human", success, at, name, author=author)


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([], (None, None)),
        ([mark("user", True)], ("success", "user")),
        ([mark("human", False), mark("user", True, 9)], ("failure", "human")),
        ([mark("judge", True), mark("rule", False)], ("failure", "rule")),
        ([mark("model", True)], ("success", "model")),
        ([mark("user", True, 0), mark("user", False, 9)], ("failure", "user")),
        ([mark("judge", True, 0, "a"), mark("judge", False, 9, "b")], ("conflicting", "judge")),
        ([mark("judge", True, 0, "a"), mark("judge", True, 9, "b")], ("success", "judge")),
        ([mark("user", True, 5), mark("user", False, 5)], ("conflicting", "user")),
        ([mark("user", None, score=0.9)], (None, None)),
        ([mark("human", None, score=0.9), mark("judge", False)], ("failure", "judge")),
        ([mark("user", None, corrected=True)], ("failure", "user")),
        ([mark("user", True, corrected=True)], ("success", "user")),
        ([mark("user", False, 0), mark("user", None, 9, score=1.0)], ("failure", "user")),
        ([by("ann", True), by("ben", False, 9)], ("conflicting", "human")),
        ([by("ann", True), by("ben", True, 9)], ("success", "human")),
        ([by("ann", True), by("ben", False, 9), by("cai", False, 1)], ("failure", "human")),
        ([by("ann", True), by("ben", False, 9), by("ann", False, 10)], ("failure", "human")),
        ([by("ann", True), by("ben", False), by(None, True, 9)], ("success", "human")),
        ([by("ann", True, 0, "a"), by("ann", False, 9, "b")], ("conflicting", "human")),
        (
            [by("ann", True, 0, "a"), by("ann", False, 9, "b"), by("ben", True)],
            ("success", "human"),
        ),
        ([by("ann", True), by("ben", False), mark("product", True)], ("conflicting", "human")),
        ([mark("user", True, author="u"), mark("user", False, 9, author="v")], ("failure", "user")),
    ],
)
def test_the_policy_rules(marks: list[Mark], expected: tuple[str | None, str | None]) -> None:
    ruling = rule(marks)
    assert (ruling.resolution, ruling.resolved_by) == expected


def test_the_score_is_the_latest_of_the_deciding_source() -> None:
    marks = [
        mark("human", None, score=0.1),
        mark("user", True, 1, score=0.5),
        mark("user", None, 2, score=0.7),
    ]
    assert rule(marks) == Ruling(resolution="success", score=0.7, resolved_by="user")


def test_without_a_verdict_the_score_is_of_the_highest_source() -> None:
    marks = [mark("judge", None, 9, score=0.2), mark("human", None, 1, score=0.8)]
    assert rule(marks) == Ruling(score=0.8)


def test_every_source_has_its_rank() -> None:
    assert [rank.source for rank in POLICY] == list(get_args(Source))


@given(
    st.lists(
        st.builds(
            mark,
            st.sampled_from(get_args(Source)),
            st.sampled_from([True, False, None]),
            st.integers(0, 3),
            st.sampled_from("ab"),
            score=st.sampled_from([None, 0.0, 1.0]),
        )
    ),
    st.randoms(),
)
def test_the_order_of_marks_does_not_matter(marks: list[Mark], rng: Any) -> None:
    shuffled = list(marks)
    rng.shuffle(shuffled)
    assert rule(shuffled) == rule(marks)


@pytest.mark.parametrize(("high", "low"), list(combinations(get_args(Source), 2)))
@pytest.mark.parametrize("success", [True, False])
def test_a_higher_source_decides_however_many_and_late_the_lower_are(
    high: Source, low: Source, success: bool
) -> None:
    marks = [mark(high, success), *(mark(low, not success, 9 + i, f"n{i}") for i in range(3))]
    assert rule(marks).resolution == ("success" if success else "failure")
    assert rule(marks).resolved_by == high


MARKS = st.lists(
    st.builds(
        mark,
        st.sampled_from(get_args(Source)),
        st.sampled_from([True, False, None]),
        st.integers(0, 3),
        st.sampled_from("ab"),
        score=st.sampled_from([None, 0.0, 1.0]),
        corrected=st.booleans(),
    ),
    max_size=6,
)
RANKS = [rank.source for rank in POLICY]


@given(MARKS)
def test_a_mark_that_is_delivered_twice_counts_once(marks: list[Mark]) -> None:
    assert rule([*marks, *marks]) == rule(marks)


@given(MARKS, st.sampled_from(get_args(Source)), st.booleans())
def test_who_stands_below_the_deciding_source_is_not_asked(
    marks: list[Mark], source: Source, success: bool
) -> None:
    before = rule(marks)
    if before.resolved_by and RANKS.index(source) > RANKS.index(before.resolved_by):
        assert rule([*marks, mark(source, success, 9, score=0.5)]) == before


@given(MARKS, st.sampled_from(get_args(Source)), st.booleans())
def test_a_later_word_of_the_same_name_takes_the_earlier_back(
    marks: list[Mark], source: Source, success: bool
) -> None:
    revised = [*marks, mark(source, success, 9, "a"), mark(source, success, 9, "b")]
    above = [m for m in marks if RANKS.index(m.source) < RANKS.index(source)]
    if rule(above).resolution is None:
        assert rule(revised).resolution == ("success" if success else "failure")
        assert rule(revised).resolved_by == source


@given(MARKS)
def test_no_verdict_is_made_up(marks: list[Mark]) -> None:
    """No silence is a failure, no score a verdict: a resolution needs a mark that says it."""
    ruling = rule(marks)
    verdicts = {m.verdict for m in marks if m.source == ruling.resolved_by}
    needed = {"success": {True}, "failure": {False}, "conflicting": {True, False}, None: set()}
    assert ruling.resolution in needed
    assert needed[ruling.resolution] <= verdicts
    assert (ruling.resolution is None) == all(m.verdict is None for m in marks)
    assert ruling.score is None or any(m.score == ruling.score for m in marks)


@pytest.mark.parametrize(
    ("success", "corrected", "verdict"),
    [
        (True, True, True),
        (True, False, True),
        (False, True, False),
        (False, False, False),
        (None, True, False),
        (None, False, None),
    ],
)
def test_a_correction_says_no_unless_the_mark_says_otherwise(
    success: bool | None, corrected: bool, verdict: bool | None
) -> None:
    assert mark("user", success, corrected=corrected).verdict is verdict


def put(lake: Lake, world: World, kind: Any, target: str, **fields: Any) -> None:
    usual: dict[str, Any] = {"outcome_id": f"{kind}-{target}", "success": True, "at": T0}
    outcome = Outcome(
        project=world.project,
        target_kind=kind,
        target_id=target,
        source="user",
        received_at=NOW,
        **usual | fields,
    )
    lake.write(lambda tx: tx.upsert("outcomes", [outcome], on=["project", "outcome_id"]))


def run(lake: Lake, world: World, now: datetime = NOW) -> StepResult:
    return resolve(lake, world.project, now=now, waiting=WEEK)


def found(lake: Lake, world: World) -> list[dict[str, Any]]:
    sql = "from current_episodes where project = $project order by started_at"
    return lake.rows(sql, {"project": world.project})


def states(lake: Lake, world: World) -> dict[str, str]:
    return {row["trace_ids"][0]: row["resolution"] for row in found(lake, world)}


def by_root(lake: Lake, world: World) -> dict[bool, str]:
    rows = found(lake, world)
    return {row["parent_episode_id"] is None: row["resolution"] for row in rows}


@pytest.fixture
def shop(lake: Lake, world: World) -> World:
    """Two traces: `a` marked by the tests, `b` of another user."""
    heard = [system(), user("Hi")]
    world.span("agent", "agent", -1, trace_id="a", attributes={"headrace.external_id": "order-7"})
    world.call(
        "a1", heard, said("Hello"), 0, trace_id="a", parent_span_id="agent",
        conversation_id="chat-a", response_id="resp-a",
    )  # fmt: skip
    world.agent_run("b", conversation_id="chat-b")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    return world


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("trace", "a"),
        ("span", "a1"),
        ("span", "agent"),
        ("response", "resp-a"),
        ("conversation", "chat-a"),
        ("external", "order-7"),
    ],
)
def test_a_mark_reaches_its_episode_alone(kind: str, target: str, lake: Lake, shop: World) -> None:
    put(lake, shop, kind, target)
    result = run(lake, shop)
    assert states(lake, shop) == {"a": "success", "b": "pending"}
    assert (result.kept, result.dropped) == (1, {"pending": 1})


def test_a_mark_on_an_episode_reaches_it(lake: Lake, shop: World) -> None:
    name = {row["trace_ids"][0]: row["episode_id"] for row in found(lake, shop)}["b"]
    put(lake, shop, "episode", name, success=False, score=0.25)
    run(lake, shop)
    [row] = [row for row in found(lake, shop) if row["episode_id"] == name]
    ruling = [row[name] for name in ("resolution", "success", "score", "resolved_by")]
    assert ruling == ["failure", False, 0.25, "user"]


@pytest.mark.parametrize("said_ids", ["order-17", 17, {"order": 17}, None, True])
def test_external_ids_that_are_no_list_stop_no_other_mark(
    said_ids: object, lake: Lake, world: World
) -> None:
    talk = [user("Hi"), said("Hello")]
    world.post("odd", talk, trace_ids=("odd",), metadata={"external_ids": said_ids})
    world.post("well", talk, trace_ids=("well",), metadata={"external_ids": ["x", "order-18"]})
    world.drain(lake)
    put(lake, world, "external", "order-18")
    run(lake, world)
    assert states(lake, world) == {"odd": "pending", "well": "success"}


def test_silence_is_pending_then_unmarked_never_failure(lake: Lake, shop: World) -> None:
    run(lake, shop)
    assert set(states(lake, shop).values()) == {"pending"}
    result = run(lake, shop, now=NOW + 2 * WEEK)
    assert set(states(lake, shop).values()) == {"unmarked"}
    assert result.dropped == {"unmarked": 2}


def test_a_mark_may_come_before_the_trace(lake: Lake, world: World) -> None:
    put(lake, world, "trace", "late")
    assert run(lake, world).notes["unmatched_outcomes"] == 1
    world.agent_run("late")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    assert run(lake, world).notes["unmatched_outcomes"] == 0
    assert states(lake, world) == {"late": "success"}


def test_a_later_mark_resolves_anew_and_a_second_run_writes_nothing(
    lake: Lake, shop: World
) -> None:
    put(lake, shop, "trace", "a")
    run(lake, shop)
    put(lake, shop, "trace", "a", outcome_id="second", success=False, at=T0 + WEEK)
    run(lake, shop)
    snapshot = lake.snapshot_id
    run(lake, shop, now=NOW + timedelta(hours=1))
    assert lake.snapshot_id == snapshot
    assert states(lake, shop)["a"] == "failure"


def test_a_mark_on_a_trace_is_of_the_root_agent_not_of_its_sub_agents(
    lake: Lake, world: World
) -> None:
    world.call("a", [system(), user("Plan")], said(None, ("1", "ask", "{}")), 0)
    world.tool("tool", ("1", "ask", "{}"), "Done", 1)
    world.span("sub", "agent", 2, parent_span_id="tool")
    below = [system("Sub"), user("Do")]
    world.call("b", below, said("Done"), 3, parent_span_id="sub")
    world.drain(lake)
    assemble(lake, world.project, now=NOW)
    put(lake, world, "trace", "t1")
    run(lake, world)
    assert by_root(lake, world) == {True: "success", False: "pending"}
    put(lake, world, "span", "tool", success=False)
    run(lake, world)
    assert by_root(lake, world) == {True: "success", False: "failure"}


@pytest.mark.parametrize(
    ("past", "state"),
    [
        (timedelta(), "pending"),
        (WEEK - timedelta(microseconds=1), "pending"),
        (WEEK, "pending"),
        (WEEK + timedelta(microseconds=1), "unmarked"),
    ],
)
def test_an_episode_waits_for_its_marks_to_the_last_moment(
    past: timedelta, state: str, lake: Lake, world: World
) -> None:
    world.post("a", [user("Hi"), said("Hello")], ended_at=T0)
    world.drain(lake)
    assert run(lake, world, now=T0 + past).dropped == {state: 1}


def test_an_episode_of_the_last_year_there_is_waits_and_breaks_nothing(
    lake: Lake, world: World
) -> None:
    world.post("a", [user("Hi"), said("Hello")], ended_at=datetime.max.replace(tzinfo=UTC))
    world.drain(lake)
    assert run(lake, world).dropped == {"pending": 1}
