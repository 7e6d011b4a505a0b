"""The four texts of an episode, and what must not look alike by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate import unit
from headrace.curate.near.textunit import TextUnit, Units, transcript
from headrace.lake.message import Body, dump
from tests.unit.curate.conftest import WEATHER, result, said, system, user


def units(messages: list[Body], tools: list[Body] | None = None, task: str | None = None) -> Units:
    trainable = [message["role"] == "assistant" for message in messages]
    return Units.of(messages, trainable, tools, task)


def agent(steps: int) -> list[Body]:
    messages = [system(), user("Watch the job until it ends")]
    for step in range(steps):
        messages += [
            said(None, (f"c{step}", "poll", dump({"job": "nightly build"}))),
            result(f"c{step}", '{"state": "running"}'),
        ]
    return [*messages, said("It ended.")]


def test_each_unit_holds_its_part() -> None:
    messages = [
        system("You help customers."),
        user("Weather in Rome for ann@x.org?"),
        said("I look.", ("1", "weather", '{"city": "Rome"}')),
        result("1", "sunny, 21 degrees"),
    ]
    found = units(messages, [WEATHER])
    assert found.request and found.request.text == "weather in <value> for <email>?"
    assert found.skeleton and found.skeleton.text == "weather(city)->ok"
    assert found.transcript
    assert found.transcript.text == (
        'weather in <value> for <email>? i look. weather {"city":"<value>"} sunny, <num> degrees'
    )
    assert found.context and "help" not in found.context.text


@given(st.lists(st.text() | st.text(" \n\tΣσaİ\u0301é’\ud800"), max_size=4))
def test_a_transcript_is_normalised_part_by_part_as_it_would_be_as_one(parts: list[str]) -> None:
    assert transcript([user(part) for part in parts]) == unit.norm("\n".join(parts))


def test_what_is_not_there_is_none() -> None:
    found = units([user("hi")])
    assert (found.skeleton, found.context) == (None, None)
    assert units([said("")]).request is None


def test_a_product_names_the_task() -> None:
    found = units([user("hi")], task="Cancel order 17")
    assert found.request and found.request.text == "cancel order <num>"


def test_a_name_of_one_word_is_an_id_and_keeps_its_number() -> None:
    one, other = (units([user("hi")], task=f"airline/{number}") for number in (12, 13))
    assert one.request and one.request.text == "airline/12"
    assert one.request != other.request


def test_an_episode_is_one_document_however_many_calls_it_holds() -> None:
    """30 calls of a loop are 30 lines of its transcript; 30 polls and 2 are two behaviours."""
    long, short = units(agent(30)), units(agent(2))
    assert long.transcript and long.transcript.text.count("poll") == 30
    assert long.request == short.request
    assert long.skeleton != short.skeleton


def test_the_hash_knows_kind_and_version() -> None:
    one = TextUnit(kind="request", text="cancel")
    assert one.text_hash == TextUnit(kind="request", text="cancel").text_hash
    assert len(one.text_hash) == 32
    others = [
        TextUnit(kind="transcript", text="cancel"),
        TextUnit(kind="request", text="cancel", version="norm/2 mask/1"),
        TextUnit(kind="request", text="cancel it"),
    ]
    assert one.text_hash not in {other.text_hash for other in others}


def test_the_hash_stays_the_same_over_the_years() -> None:
    told = "bac6051b6cb36877acf5a441de815d4b"
    assert TextUnit(kind="request", text="cancel my order").text_hash == told


@pytest.mark.parametrize("odd", ["\ud800", 2**70])
def test_a_schema_that_no_utf8_can_hold_tells_its_context_too(odd: object) -> None:
    tools: list[list[Body]] = [[{**WEATHER, "odd": value}] for value in (odd, [odd])]
    one, other = (units([user("hi")], own).context for own in tools)
    assert one and other and one != other


def test_another_tool_schema_is_another_context() -> None:
    other: Body = {"type": "function", "function": {"name": "weather", "parameters": {"a": {}}}}
    talk = [system(), user("hi")]
    assert units(talk, [WEATHER]).context != units(talk, [other]).context
