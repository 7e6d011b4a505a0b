"""What an agent goes through in a day, and the episodes that it leaves."""

from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate.assemble import assemble as assemble_lake
from headrace.curate.assembly import Assembled, assemble
from headrace.curate.conversation import conversations
from headrace.curate.scrubbing import scrub
from headrace.lake.message import Body
from headrace.lake.record import Episode, Span
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, result, said, system, user

Asked = tuple[str, str, str]  # id, name, arguments

POLICY = system("You are the travel desk of Acme. Ask before you book.")
PLEASE = user("Book me a flight from Oslo to Lisbon on Friday.")
GREETED = [POLICY, user("Hi")]


def search(number: int) -> Asked:
    return (
        f"call_{number:04}",
        "search_flights",
        f'{{"from": "OSL", "to": "LIS", "page": {number}}}',
    )


def linked(world: World) -> Assembled:
    return assemble(world.spans, world.library, now=NOW, link=True)


def answers(spans: Sequence[Span]) -> int:
    """How often a model said something, each call counted once."""
    return len({(s.trace_id, s.span_id) for s in spans if s.kind == "llm" and s.output})


def trained(world: World, episode: Episode) -> list[Body]:
    pairs = zip(world.said_in(episode), episode.trainable, strict=True)
    return [body for body, trainable in pairs if trainable]


def loop(world: World, steps: int, trace: str = "t1", at: float = 0) -> list[Body]:
    """An agent that calls a tool in each of its steps but the last; its history."""
    root = f"{trace}-agent"
    world.span(root, "agent", at, trace_id=trace, agent="travel")
    history = [POLICY, PLEASE]
    for step in range(steps):
        asked = search(step)
        reply = said(f"Page {step} next.", asked) if step < steps - 1 else said("TAP 761 at 9:05.")
        when = at + 10 * step
        name = f"{trace}-{step:02}"
        world.call(name, history, reply, when, trace_id=trace, parent_span_id=root)
        history = [*history, reply]
        if step < steps - 1:
            found = f'{{"flights": [], "page": {step}}}'
            world.tool(f"{name}-tool", asked, found, when + 2, trace_id=trace, parent_span_id=root)
            history.append(result(asked[0], found))
    return history


def test_a_loop_of_thirty_steps_is_one_episode_that_trains_each_of_its_turns_once(
    world: World,
) -> None:
    history = loop(world, 30)
    [episode] = world.episodes()
    assert world.said_in(episode) == history
    assert trained(world, episode) == [body for body in history if body["role"] == "assistant"]
    assert (episode.turns, episode.tool_calls) == (30, 29)
    assert world.assemble().untrained == ()


@pytest.mark.parametrize("traces", [("day", "day"), ("first", "second")])
@pytest.mark.parametrize("link", [False, True])
def test_a_run_that_failed_and_its_repetition_with_success_are_two_episodes(
    traces: tuple[str, str], link: bool, world: World
) -> None:
    heard = [POLICY, PLEASE]
    for i, (trace, last) in enumerate(zip(traces, (None, said("TAP 761.")), strict=True)):
        ask = said(None, search(i))
        more = [*heard, ask, result(search(i)[0], "[]")]
        status = "ok" if last else "error"
        world.call(f"{i}-ask", heard, ask, 60 * i, trace_id=trace)
        world.call(f"{i}-end", more, last, 60 * i + 5, trace_id=trace, status=status)
    failed, done = assemble(world.spans, world.library, now=NOW, link=link).episodes
    assert (failed.error, failed.turns) == ("error", 1)
    assert (done.error, done.turns) == (None, 2)
    assert (failed.span_ids, done.span_ids) == (("0-ask", "0-end"), ("1-ask", "1-end"))


def desk(world: World) -> None:
    """A lead that gives a job to a specialist, who takes two calls for it."""
    job = "call_job", "ask_visa_expert", '{"country": "Portugal"}'
    heard = [POLICY, user("Do I need a visa for Lisbon?")]
    ask = said("One moment.", job)
    world.span("lead", "agent", 0, agent="lead")
    world.call("lead-1", heard, ask, 1, parent_span_id="lead")
    world.tool("job", job, "No visa needed.", 2, parent_span_id="lead")
    world.span("expert", "agent", 3, parent_span_id="job", agent="expert")
    theirs = [system("You know visa rules."), user("Portugal")]
    look = said(None, ("call_look", "look_up", "{}"))
    world.call("expert-1", theirs, look, 4, parent_span_id="expert")
    more = [*theirs, look, result("call_look", "Schengen")]
    world.call("expert-2", more, said("No visa needed."), 6, parent_span_id="expert")
    told = [*heard, ask, result("call_job", "No visa needed.")]
    world.call("lead-2", told, said("You need none."), 9, parent_span_id="lead")


def test_a_sub_agents_turns_are_trained_once_in_its_own_episode_below_the_leads(
    world: World,
) -> None:
    desk(world)
    by_agent = {episode.agent: episode for episode in world.episodes()}
    lead, expert = by_agent["lead"], by_agent["expert"]
    assert (lead.parent_episode_id, expert.parent_episode_id) == (None, lead.episode_id)
    assert expert.span_ids == ("expert-1", "expert-2")
    assert [body["content"] for body in trained(world, expert)] == [None, "No visa needed."]
    assert [body["content"] for body in trained(world, lead)] == ["One moment.", "You need none."]


def test_a_call_that_timed_out_and_was_tried_again_is_an_attempt_and_no_episode(
    world: World,
) -> None:
    heard = [POLICY, PLEASE]
    world.call("1", heard, said(None, search(0)), 0)
    more = [*heard, said(None, search(0)), result(search(0)[0], "[]")]
    for i in (1, 2):
        world.call(f"timeout-{i}", more, None, 10 * i, status="error", error="timeout")
    world.call("3", more, said("Nothing on Friday."), 30)
    [episode] = world.episodes()
    assert (episode.error, episode.turns, episode.defects) == (None, 2, ("no_tool_definitions",))
    assert episode.span_ids == ("1", "3", "timeout-1", "timeout-2")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_parallel_calls_may_be_answered_in_any_order(order: tuple[int, ...], world: World) -> None:
    heard = [POLICY, PLEASE]
    ask = said("Three pages at once.", *map(search, range(3)))
    results = [result(search(i)[0], f"page {i}") for i in order]
    world.call("1", heard, ask, 0)
    for place, i in enumerate(order):
        world.tool(f"tool-{i}", search(i), f"page {i}", 2 + place)
    world.call("2", [*heard, ask, *results], said("TAP 761."), 9)
    [episode] = world.episodes()
    assert world.said_in(episode) == [*heard, ask, *results, said("TAP 761.")]
    assert (episode.turns, episode.defects) == (2, ("no_tool_definitions",))


def test_a_handoff_is_a_new_episode_that_trains_nothing_of_what_it_inherits(world: World) -> None:
    talk = [user("My bag is lost."), said("I hand you to baggage."), user("Thanks.")]
    world.call("triage", [POLICY, talk[0]], talk[1], 0, agent="triage", conversation_id="c")
    bags = [system("You find bags."), *talk]
    world.call("bags-1", bags, said("Tag number?"), 9, agent="bags", conversation_id="c")
    more = [*bags, said("Tag number?"), user("AC 12")]
    world.call("bags-2", more, said("It is in Porto."), 20, agent="bags", conversation_id="c")
    triage, baggage = world.episodes()
    assert trained(world, triage) == [talk[1]]
    assert trained(world, baggage) == [said("Tag number?"), said("It is in Porto.")]
    assert baggage.parent_episode_id is None
    assert triage.conversation_id == baggage.conversation_id == "c"


def test_a_compacted_history_is_a_second_episode_and_the_summary_is_glued_to_nothing(
    world: World,
) -> None:
    talk = [POLICY, PLEASE, said("Which class?"), user("Economy.")]
    summary = said("Wants OSL-LIS on Friday in economy.")
    wrap = [*talk, said("TAP 761?"), user("Summarise the conversation.")]
    fresh = [POLICY, user(f"So far: {summary['content']}"), user("Yes, book it.")]
    for i, (heard, reply) in enumerate(
        [(talk[:2], talk[2]), (talk, said("TAP 761?")), (wrap, summary), (fresh, said("Booked."))]
    ):
        world.call(str(i), heard, reply, 10 * i, trace_id=f"turn-{i}", conversation_id="c")
    before, after = world.episodes()
    assert (before.conversation_id, after.conversation_id) == ("c", "c")
    assert trained(world, before) == [talk[2], said("TAP 761?"), summary]
    assert world.said_in(after) == [*fresh, said("Booked.")]
    assert after.defects == ()


@pytest.mark.parametrize("again", [user("Two seats."), user("Two seats, please.")])
def test_an_answer_asked_for_again_is_a_branch_and_what_both_share_is_trained_once(
    again: Body, world: World
) -> None:
    shared = [POLICY, PLEASE, said("How many seats?")]
    world.call("0", shared[:2], shared[2], 0)
    world.call("1", [*shared, user("Two seats.")], said("Row 12 or 30?"), 10)
    world.call("2", [*shared, again], said("Window or aisle?"), 20)
    first, second = world.episodes()
    assert trained(world, first) == [shared[2], said("Row 12 or 30?")]
    assert trained(world, second) == [said("Window or aisle?")]
    assert world.said_in(second)[:3] == shared


def test_a_first_turn_that_comes_late_moves_the_root_and_leaves_the_old_name_superseded(
    lake: Lake, world: World
) -> None:
    history = GREETED
    for i, question in enumerate(["A flight to Rome.", "On Monday.", "Bye."]):
        reply = said(f"Answer {i}")
        world.call(f"s{i}", history, reply, 60 * i, trace_id=f"turn-{i}", conversation_id="c")
        history = [*history, reply, user(question)]
    names: list[str] = []
    for part in (world.spans[1:], world.spans[:1]):
        world.drain(lake, part)
        assemble_lake(lake, world.project, now=NOW)
        scrub(lake, world.project, now=NOW)
        [talk] = conversations(lake, world.project)
        names.append(talk.episode_id)
    assert sum(talk.trainable) == 3
    rows = lake.rows(
        "select episode_id, superseded from episodes where project = $p "
        "qualify revision = max(revision) over (partition by episode_id)",
        {"p": world.project},
    )
    assert {row["episode_id"]: row["superseded"] for row in rows} == {
        names[0]: True,
        names[1]: False,
    }


def greet(world: World, traces: int) -> None:
    """Two users who are greeted alike at one time, each in one trace or in one for each turn."""
    for who, at in (("ann", 0), ("ben", 7)):
        more = [*GREETED, said("Hello! Where to?"), user(f"Rome. I am {who}.")]
        world.call(f"{who}-1", GREETED, said("Hello! Where to?"), at, trace_id=f"{who}-1")
        trace = f"{who}-{traces}"
        world.call(f"{who}-2", more, said(f"When, {who}?"), at + 20, trace_id=trace)
        last = [*more, said(f"When, {who}?"), user("Monday.")]
        trace = trace if traces == 1 else f"{who}-3"
        world.call(f"{who}-3", last, said("TAP 841."), at + 40, trace_id=trace)


@pytest.mark.parametrize("link", [False, True])
def test_two_users_with_one_greeting_stay_two(link: bool, world: World) -> None:
    greet(world, traces=1)
    found = assemble(world.spans, world.library, now=NOW, link=link).episodes
    assert [episode.turns for episode in found] == [3, 3]


def test_two_users_with_one_greeting_and_a_trace_for_each_turn_share_no_episode(
    world: World,
) -> None:
    greet(world, traces=3)
    found = linked(world).episodes
    assert sorted(episode.span_ids for episode in found) == [
        ("ann-1",), ("ann-2", "ann-3"), ("ben-1",), ("ben-2", "ben-3"),
    ]  # fmt: skip
    assert sum(episode.turns for episode in found) == 6


def test_a_call_that_names_the_response_before_continues_it_in_another_trace(world: World) -> None:
    world.call("1", [POLICY, PLEASE], said("Which class?"), 0, trace_id="a", response_id="resp_1")
    later = {"response_id": "resp_2", "previous_response_id": "resp_1"}
    world.call("2", [POLICY, user("Economy.")], said("TAP 761."), 60, trace_id="b", **later)
    [episode] = world.episodes()
    whole = [POLICY, PLEASE, said("Which class?"), user("Economy."), said("TAP 761.")]
    assert world.said_in(episode) == whole
    assert (episode.turns, episode.trace_ids) == (2, ("a", "b"))
    assert "inferred_history" not in episode.defects


@pytest.mark.parametrize("nested", [True, False])
def test_a_request_that_two_libraries_tell_is_one_call_with_the_richer_content(
    nested: bool, world: World
) -> None:
    heard = [POLICY, PLEASE]
    same: dict[str, Any] = {"response_id": "chatcmpl-1", "parent_span_id": "agent"}
    world.span("agent", "agent", 0, agent="travel")
    world.call("framework", [], None, 1, scope="langchain", **same, **TOKENS)
    if nested:
        same["parent_span_id"] = "framework"
    world.call("client", heard, said("Which class?"), 1.1, scope="openai", **same, **TOKENS)
    [episode] = world.episodes()
    assert world.said_in(episode) == [*heard, said("Which class?")]
    assert (episode.input_tokens, episode.output_tokens, episode.turns) == (900, 12, 1)
    assert episode.defects == ("duplicate_call",)
    assert set(episode.span_ids) == {"framework", "client"}


TOKENS = {"input_tokens": 900, "output_tokens": 12}


@pytest.mark.parametrize("defects", [("dropped_attributes",), ("truncated_value",), ()])
def test_a_history_that_lost_its_head_is_made_whole_only_where_the_loss_is_proven(
    defects: tuple[str, ...], world: World
) -> None:
    talk = [POLICY, PLEASE, said("Which class?"), user("Economy."), said("Window?"), user("Yes.")]
    root = {"parent_span_id": "agent"}
    world.span("agent", "agent", 0, agent="travel")
    world.call("1", talk[:2], talk[2], 1, **root)
    world.call("2", talk[:4], talk[4], 10, **root)
    world.call("3", talk[2:], said("TAP 761."), 20, **root, defects=defects)
    found = world.episodes()
    if defects:
        [episode] = found
        assert world.said_in(episode) == [*talk, said("TAP 761.")]
        assert {"repaired_history", *defects} <= set(episode.defects)
    else:
        assert [world.said_in(episode) for episode in found] == [
            talk[:5],
            [*talk[2:], said("TAP 761.")],
        ]


MOVES = ("go on", "branch", "again", "same", "twin", "retry", "cut", "blank", "delegate")
DAYS = st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 99)), max_size=12)


class Day:
    """Calls of which each goes on from an earlier one, in one of the ways there are."""

    def __init__(self, moves: Sequence[tuple[str, int]], **fields: Any) -> None:
        self.world = World()
        self._fields = fields
        self._histories: list[tuple[list[Body], str | None]] = []
        self._at = 0
        self._call([POLICY, PLEASE], said("Which class?"), None)
        for move, pick in moves:
            self._move(move, pick)

    def _move(self, move: str, pick: int) -> None:
        history, agent = self._histories[-1 if move == "go on" else pick % len(self._histories)]
        heard = [*history, user(f"question {self._at}")]
        reply = said(f"answer {self._at}")
        if move in ("again", "same"):  # the question of an earlier call
            heard = history[:-1]
        if move == "same":
            reply = history[-1]
        if move == "delegate":
            heard, agent = [system("An expert."), user(f"job {self._at}")], self._delegate(agent)
        if move == "retry":
            self._call(heard, None, agent, status="error")
        if move == "blank":
            reply = said("")
        if move == "twin":
            self._twin(heard, reply, agent)
        else:
            self._call(heard, reply, agent, finish_reason="length" if move == "cut" else "stop")

    def _delegate(self, agent: str | None) -> str:
        number = self._at
        self.world.tool(
            f"tool-{number}", (f"c{number}", "delegate", "{}"), "done", number,
            parent_span_id=agent,
        )  # fmt: skip
        name = f"agent-{number}"
        self.world.span(name, "agent", number, parent_span_id=f"tool-{number}", agent="expert")
        return name

    def _call(self, heard: list[Body], reply: Body | None, agent: str | None, **more: Any) -> None:
        self._at += 10
        fields = {"parent_span_id": agent, **self._fields, **more}
        self.world.call(f"s{self._at:04}", heard, reply, self._at, **fields)
        if reply is not None:
            self._histories.append(([*heard, reply], agent))

    def _twin(self, heard: list[Body], reply: Body, agent: str | None) -> None:
        """A request that two libraries tell, one of them inside the other."""
        self._call(heard, reply, agent, scope="framework")
        outer = self.world.spans[-1].span_id
        self._call(heard, reply, outer, scope="client")
        self._histories.pop()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(DAYS, st.integers(0, 2**32), st.floats(0, 1), st.booleans())
def test_whatever_happens_order_and_repeats_change_nothing_and_each_completion_has_one_place(
    moves: list[tuple[str, int]], seed: int, doubled: float, named: bool
) -> None:
    world, rng = Day(moves, conversation_id="c" if named else None).world, Random(seed)
    once = world.assemble()
    spans = [*world.spans, *(span for span in world.spans if rng.random() < doubled)]
    rng.shuffle(spans)
    assert world.assemble(spans) == once
    turns = sum(episode.turns for episode in once.episodes)
    assert answers(world.spans) == turns + len(once.untrained)
    assert turns == sum(sum(episode.trainable) for episode in once.episodes)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(DAYS, st.integers(0, 2**32))
def test_with_links_and_a_trace_for_each_call_each_completion_has_one_place_too(
    moves: list[tuple[str, int]], seed: int
) -> None:
    world = Day(moves, service="desk").world
    apart = [msgspec.structs.replace(s, trace_id=s.span_id) for s in world.spans]
    world.spans = apart
    once = linked(world)
    world.spans = Random(seed).sample(apart, len(apart))
    assert linked(world) == once
    turns = sum(episode.turns for episode in once.episodes)
    assert answers(apart) == turns + len(once.untrained)
