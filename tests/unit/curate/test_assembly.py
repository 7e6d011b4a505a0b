"""Assembly on spans made by hand: which calls are one episode, and what it holds."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.lake.record import Episode
from tests.unit.curate.conftest import (
    NOW,
    T0,
    WEATHER,
    World,
    result,
    said,
    system,
    user,
)


def crowd() -> World:
    """Runs of several kinds beside each other: a loop, a fork, a retry, a sub-agent, a handoff."""
    world = World()
    world.agent_run("a", steps=4)
    world.agent_run("b", steps=2, conversation_id="c1")
    heard = [system(), user("Again, please")]
    world.call("r0", heard, None, 0, trace_id="r", status="error", error="timeout")
    world.call("r1", heard, said("Here."), 5, trace_id="r")
    world.call("r2", [*heard, said("Here."), user("One")], said("1"), 9, trace_id="r")
    world.call("r3", [*heard, said("Here."), user("Two")], said("2"), 12, trace_id="r")
    sub_agent(world)
    world.call("e0", [], None, 0, trace_id="empty")
    return world


def sub_agent(world: World) -> None:
    ask = said(None, ("d1", "delegate", '{"to": "bob"}'))
    heard = [system("You lead."), user("Plan my trip")]
    world.span("root", "agent", 0, trace_id="s", agent="lead")
    world.call("s1", heard, ask, 1, trace_id="s", parent_span_id="root")
    asked = ("d1", "delegate", '{"to": "bob"}')
    world.tool("tool", asked, "Booked.", 3, trace_id="s", parent_span_id="root")
    world.span("bob", "agent", 4, trace_id="s", parent_span_id="tool", agent="bob")
    world.call(
        "s2", [system("You are Bob."), user("Book")], said("Booked."), 5, trace_id="s",
        parent_span_id="bob",
    )  # fmt: skip
    world.call(
        "s3", [*heard, ask, result("d1", "Booked.")], said("All set."), 8, trace_id="s",
        parent_span_id="root",
    )  # fmt: skip


def test_a_run_of_many_calls_is_one_episode(world: World) -> None:
    history = world.agent_run(steps=30)
    [episode] = world.episodes()
    assert world.said_in(episode) == history
    assert episode.turns == 30
    assert episode.tool_calls == 29
    assert [b["role"] == "assistant" for b in history] == list(episode.trainable)
    assert episode.request == "What is the weather on day t1?"
    assert len(episode.span_ids) == 30


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), doubled=st.floats(0, 1))
def test_order_and_duplicates_of_spans_change_nothing(seed: int, doubled: float) -> None:
    world, rng = crowd(), Random(seed)
    spans = list(world.spans)
    spans += [span for span in spans if rng.random() < doubled]
    rng.shuffle(spans)
    assert world.assemble(spans) == world.assemble()


def test_a_crowd_gives_the_episodes_it_should(world: World) -> None:
    assembled = crowd().assemble()
    assert len(assembled.episodes) == 6
    assert assembled.empty == {"empty": 1}


def test_tools_are_the_union_over_the_chain(world: World) -> None:
    other = {"type": "function", "function": {"name": "other", "parameters": {}}}
    heard = [system(), user("Hi")]
    world.call("1", heard, said("Hello"), 0, tools_hash=world.tools(WEATHER))
    more = [*heard, said("Hello"), user("More")]
    world.call("2", more, said("Sure"), 5, tools_hash=world.tools(WEATHER, other))
    [episode] = world.episodes()
    assert msgspec.json.decode(episode.tools or "") == [WEATHER, other]
    assert "tools_changed" not in episode.defects


def test_a_tool_whose_schema_changes_is_a_defect(world: World) -> None:
    changed = {"type": "function", "function": {"name": "weather", "parameters": {"type": "x"}}}
    heard = [system(), user("Hi")]
    world.call("1", heard, said("Hello"), 0, tools_hash=world.tools(WEATHER))
    more = [*heard, said("Hello"), user("More")]
    world.call("2", more, said("Sure"), 5, tools_hash=world.tools(changed))
    [episode] = world.episodes()
    assert "tools_changed" in episode.defects
    assert msgspec.json.decode(episode.tools or "") == [changed]


def test_usage_is_summed_and_absent_where_one_call_lacks_it(world: World) -> None:
    cost = Decimal("0.10")
    world.agent_run(steps=3, input_tokens=10, output_tokens=2, cost_usd=cost)
    [whole] = world.episodes()
    assert (whole.input_tokens, whole.output_tokens, whole.cost_usd) == (30, 6, 3 * cost)
    assert whole.latency_ms == 3000
    assert (whole.started_at, whole.ended_at) == (T0, T0 + timedelta(seconds=21))
    lacking = [msgspec.structs.replace(world.spans[0], cost_usd=None), *world.spans[1:]]
    [part] = world.episodes(lacking)
    assert part.cost_usd is None
    assert part.input_tokens == 30


def test_a_retry_is_an_attempt_and_names_the_episode(world: World) -> None:
    heard = [system(), user("Hi")]
    failed = world.call("1", heard, None, 0, status="error", error="overloaded")
    [before] = world.episodes()
    world.call("2", heard, said("Hello"), 5)
    [after] = world.episodes()
    assert (before.error, before.turns, before.defects) == ("overloaded", 0, ("failed_call",))
    assert after.error is None
    assert after.defects == ()
    assert after.episode_id == before.episode_id
    assert after.started_at == failed.started_at
    assert after.span_ids == ("2", "1")


def test_failures_alone_are_one_episode_without_a_trained_turn(world: World) -> None:
    heard = [system(), user("Hi")]
    for i in range(3):
        world.call(str(i), heard, None, i, status="error")
    [episode] = world.episodes()
    assert episode.error == "error"
    assert not any(episode.trainable)
    assert episode.request == "Hi"


def test_a_fork_gives_two_episodes_and_the_first_keeps_the_name(world: World) -> None:
    heard = [system(), user("Hi")]
    world.call("1", heard, said("Hello"), 0)
    world.call("2", [*heard, said("Hello"), user("One")], said("1"), 5)
    [one] = world.episodes()
    world.call("3", [*heard, said("Hello"), user("Two")], said("2"), 9)
    first, second = world.episodes()
    assert first == one
    assert second.episode_id != first.episode_id
    assert (first.turns, second.turns) == (2, 1)  # what both share is trained in the first alone


def test_a_sub_agent_has_its_own_episode_below_its_caller(world: World) -> None:
    sub_agent(world)
    by_agent = {episode.agent: episode for episode in world.episodes()}
    assert by_agent["lead"].parent_episode_id is None
    assert by_agent["bob"].parent_episode_id == by_agent["lead"].episode_id
    assert by_agent["lead"].turns == 2


def test_a_sub_agent_finds_its_caller_without_call_ids(world: World) -> None:
    sub_agent(world)
    spans = [
        msgspec.structs.replace(s, input=(), output=(), name="delegate") if s.kind == "tool" else s
        for s in world.spans
    ]
    by_agent = {episode.agent: episode for episode in world.episodes(spans)}
    assert by_agent["bob"].parent_episode_id == by_agent["lead"].episode_id


def test_a_handoff_is_a_new_episode_that_does_not_train_what_it_inherits(world: World) -> None:
    talk = [user("Refund, please"), said("I hand you over.")]
    world.call("1", [system("Triage"), talk[0]], talk[1], 0)
    world.call("2", [system("Refunds"), *talk], said("Done."), 5)
    first, second = world.episodes()
    assert first.trainable == (False, False, True)
    assert second.trainable == (False, False, False, True)
    assert second.parent_episode_id is None


def test_two_users_with_the_same_greeting_stay_apart(world: World) -> None:
    heard = [system(), user("Hi")]
    for who in ("ann", "ben"):
        more = [*heard, said("Hello"), user(f"I am {who}")]
        fields = {"conversation_id": who, "user_id": who}
        world.call(f"{who}1", heard, said("Hello"), 0, trace_id=f"{who}-1", **fields)
        world.call(f"{who}2", more, said(f"Welcome, {who}"), 5, trace_id=f"{who}-2", **fields)
    ann, ben = sorted(world.episodes(), key=lambda episode: episode.user_id or "")
    assert (ann.trace_ids, ben.trace_ids) == (("ann-1", "ann-2"), ("ben-1", "ben-2"))


def test_traces_without_a_common_conversation_are_not_linked(world: World) -> None:
    heard = [system(), user("Hi")]
    world.call("1", heard, said("Hello"), 0, trace_id="x", conversation_id="c")
    more = [*heard, said("Hello"), user("More")]
    world.call("2", more, said("Sure"), 5, trace_id="y")
    assert len(world.episodes()) == 2


def test_a_conversation_id_on_an_ancestor_links_traces(world: World) -> None:
    heard = [system(), user("Hi")]
    for i, (history, reply) in enumerate(
        [(heard, said("Hello")), ([*heard, said("Hello"), user("More")], said("Sure"))]
    ):
        world.span("root", "other", 5 * i, trace_id=f"t{i}", conversation_id="c")
        world.call("call", history, reply, 5 * i, trace_id=f"t{i}", parent_span_id="root")
    [episode] = world.episodes()
    assert episode.conversation_id == "c"
    assert episode.trace_ids == ("t0", "t1")


def test_a_changed_system_prompt_or_summary_breaks_the_chain(world: World) -> None:
    world.call("1", [system(), user("Hi")], said("Hello"), 0)
    world.call("2", [system("Summary: greeted."), user("More")], said("Sure"), 5)
    assert len(world.episodes()) == 2


@pytest.mark.parametrize(
    ("recorded", "echo"),
    [
        (said("A\r\nB "), said("A\nB")),
        (said(None, ("1", "f", '{"a":1,"b":2}')), said("", ("1", "f", '{"b": 2, "a": 1}'))),
        (said("Let me see", ("1", "f", "{}")), said(None, ("1", "f", "{}"))),
        (said("", ), said(None, ("1", "f", "{}"))),
        (said(None, ("", "f", '{"a": 1}')), said(None, ("1", "f", '{"a":1}'))),
        (said(None, ("1", "f", "{}"), ("2", "g", "{}")),
         said(None, ("2", "g", "{}"), ("1", "f", "{}"))),
        ({**said("Hi"), "reasoning_content": "hm"}, said("Hi")),
    ],
)  # fmt: skip
def test_an_echo_that_differs_in_form_still_links(
    recorded: dict[str, object], echo: dict[str, object], world: World
) -> None:
    heard = [system(), user("Hi")]
    world.call("1", heard, recorded, 0)
    answers = [result(call["id"], "ok") for call in said("x").get("tool_calls", [])]
    world.call("2", [*heard, echo, *answers, user("More")], said("Sure"), 5)
    [episode] = world.episodes()
    assert episode.turns == 2


@pytest.mark.parametrize(
    "echo", [said("Bye"), said("Hello", ("1", "f", "{}"), ("2", "f", "{}")), user("Hello")]
)
def test_another_turn_is_no_echo(echo: dict[str, object], world: World) -> None:
    heard = [system(), user("Hi")]
    world.call("1", heard, said("Hello", ("1", "f", "{}")), 0)
    world.call("2", [*heard, echo, user("More")], said("Sure"), 5)
    assert len(world.episodes()) == 2


def test_the_richer_side_of_record_and_echo_is_kept(world: World) -> None:
    heard = [system(), user("Hi")]
    echo = said(None, ("1", "f", "{}"))
    world.call("1", heard, said("Let me see", ("1", "f", "{}")), 0)
    world.call("2", [*heard, echo, result("1", "ok")], said("Sure"), 5)
    [episode] = world.episodes()
    assert world.said_in(episode)[2] == said("Let me see", ("1", "f", "{}"))


def test_calls_lost_in_the_record_are_taken_from_the_echo(world: World) -> None:
    heard = [system(), user("Hi")]
    world.call("1", heard, said(""), 0)
    world.call("2", [*heard, said(None, ("1", "f", "{}")), result("1", "ok")], said("Sure"), 5)
    [episode] = world.episodes()
    assert world.said_in(episode)[2]["tool_calls"] == said("", ("1", "f", "{}"))["tool_calls"]
    assert episode.tool_calls == 1


def test_results_of_the_last_calls_are_appended_untrained(world: World) -> None:
    calls = ("1", "weather", '{"day": 1}'), ("2", "weather", '{"day": 2}')
    world.call("a", [system(), user("Hi")], said(None, *calls), 0)
    world.tool("x", ("2", "weather", "{}"), '{"sky": "blue"}', 2)
    world.tool("y", ("", "weather", '{"day":1}'), "grey", 3)
    world.tool("z", ("1", "weather", "{}"), "of an earlier call", -9)
    [episode] = world.episodes()
    assert world.said_in(episode)[3:] == [result("1", "grey"), result("2", '{"sky": "blue"}')]
    assert episode.trainable == (False, False, True, False, False)
    assert episode.defects == ("no_tool_definitions",)


def test_a_tool_whose_result_was_not_captured_answers_nothing(world: World) -> None:
    world.call("a", [system(), user("Hi")], said(None, ("1", "f", "{}")), 0)
    world.tool("x", ("1", "f", "{}"), None, 2)
    [episode] = world.episodes()
    assert len(episode.messages) == 3


def test_unpaired_calls_and_results_are_defects(world: World) -> None:
    heard = [system(), user("Hi"), said(None, ("1", "f", "{}")), user("Well?"), result("9", "x")]
    world.call("a", heard, said("Sorry"), 0, tools_hash=world.tools(WEATHER))
    [episode] = world.episodes()
    assert episode.defects == ("orphan_tool_call", "orphan_tool_result")


def test_a_turn_that_was_cut_is_kept_and_not_trained(world: World) -> None:
    world.call("a", [system(), user("Hi")], said("Once upon"), 0, finish_reason="length")
    [episode] = world.episodes()
    assert (episode.defects, episode.turns, len(episode.messages)) == (("unfinished",), 0, 3)
    assert episode.finish_reason == "length"


def test_what_the_product_says_anywhere_in_the_trace_is_metadata(world: World) -> None:
    world.agent_run(service="shop")
    world.span("root", "agent", -1, attributes={
        "headrace.task": "refund", "headrace.external_id": 7, "headrace.metadata.tier": "gold",
        "other": "x"})  # fmt: skip
    [episode] = world.episodes()
    assert msgspec.json.decode(episode.metadata) == {
        "task": "refund", "external_id": "7", "tier": "gold", "service": "shop"
    }  # fmt: skip


def test_external_ids_of_several_turns_are_all_kept(world: World) -> None:
    heard = [system(), user("Hi")]
    for i, (history, reply) in enumerate(
        [(heard, said("Hello")), ([*heard, said("Hello"), user("More")], said("Sure"))]
    ):
        world.call("call", history, reply, 5 * i, trace_id=f"t{i}", conversation_id="c",
                   attributes={"headrace.external_id": f"m{i}"})  # fmt: skip
    [episode] = world.episodes()
    assert msgspec.json.decode(episode.metadata)["external_ids"] == ["m0", "m1"]


def test_a_release_without_a_name_is_named_by_what_it_ran_on(world: World) -> None:
    for i, prompt in enumerate(["Old", "Old", "New"]):
        heard = [system(prompt), user(f"Hi {i}")]
        world.call(str(i), heard, said("Hello"), i, trace_id=str(i), release=None)
    first, second, third = (episode.release for episode in world.episodes())
    assert first == second
    assert first != third
    assert first is not None and first.startswith("h:")


def test_a_release_the_product_named_above_beats_a_hash(world: World) -> None:
    world.span("root", "agent", -1, release="v7")
    world.call(
        "a", [system(), user("Hi")], said("Hello"), 0, release="h:123", parent_span_id="root"
    )
    assert [episode.release for episode in world.episodes()] == ["v7"]


def test_a_call_without_content_makes_no_episode(world: World) -> None:
    world.call("a", [], None, 0)
    world.call("b", [], None, 1)
    assembled = world.assemble()
    assert assembled.episodes == ()
    assert assembled.empty == {"t1": 2}


def test_parents_in_a_circle_end_the_walk(world: World) -> None:
    world.call("a", [system(), user("Hi")], said("Hello"), 0, parent_span_id="b")
    world.span("b", "agent", 0, parent_span_id="a", agent="ouroboros")
    [episode] = world.episodes()
    assert episode.agent == "ouroboros"


def test_many_answers_to_one_greeting_are_as_many_episodes(world: World) -> None:
    heard = [system(), user("Hi")]
    for i in range(50):
        world.call(f"a{i}", heard, said(f"Hello {i}"), i)
        more = [*heard, said(f"Hello {i}"), user("More")]
        world.call(f"b{i}", more, said("Sure"), 100 + i)
    found: list[Episode] = list(world.episodes())
    assert len(found) == 50
    assert {episode.turns for episode in found} == {2}
    assert {episode.at for episode in found} == {NOW}
