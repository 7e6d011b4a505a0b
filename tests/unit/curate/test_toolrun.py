"""Reading tool spans, and whose call they answer."""

import pytest

from headrace.curate.toolrun import ToolRun
from headrace.lake.message import Body
from tests.unit.curate.conftest import World, result, said, user


def run(asked: Body | None, answer: Body | None, name: str = "span name") -> ToolRun:
    world = World()
    given, told = ([body] if body else [] for body in (asked, answer))
    span = world.span("s", "tool", input=world.names(given), output=world.names(told), name=name)
    return ToolRun.of(span, world.library.messages)


CALL = said(None, ("1", "look", '{"b": 2, "a": 1}'))


@pytest.mark.parametrize(
    ("asked", "answer", "read"),
    [
        (CALL, result("1", "ok"), ("look", "1", '{"a":1,"b":2}', "ok")),
        (CALL, None, ("look", "1", '{"a":1,"b":2}', None)),
        (None, result("9", "ok"), ("span name", "9", None, "ok")),
        (None, None, ("span name", None, None, None)),
        (said(None, ("", "look", "{}")), result("9", "ok"), ("look", "9", "{}", "ok")),
        (said(None, ("", "look", "{}")), result("", ""), ("look", None, "{}", "")),
        (said(None, ("1", "look", "broken {")), None, ("look", "1", "broken {", None)),
        (user("no call"), said("no result"), ("span name", None, None, None)),
    ],
)
def test_a_tool_span_tells_call_and_answer_as_far_as_it_has_them(
    asked: Body | None, answer: Body | None, read: tuple[str | None, ...]
) -> None:
    found = run(asked, answer)
    assert (found.name, found.call_id, found.arguments, found.result) == read


@pytest.mark.parametrize(
    ("answer", "call_id", "told"),
    [
        (result("1", "ok"), None, result("1", "ok")),
        (result("1", "ok"), "call-7", result("call-7", "ok")),
        (result("1", ""), "1", result("1", "")),  # an empty result is one
        (None, "1", None),
    ],
)
def test_an_answer_takes_the_id_of_the_call_and_is_absent_if_it_was_not_captured(
    answer: Body | None, call_id: str | None, told: Body | None
) -> None:
    assert run(CALL, answer).answer(call_id) == told
