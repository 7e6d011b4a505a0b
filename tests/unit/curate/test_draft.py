"""The case in an episode: what is asked, what is right, and who can tell."""

from typing import Any

import pytest

from headrace.curate.draft import OUTCOME, Draft, draft

SYSTEM = {"role": "system", "content": "Be brief."}
ASK = {"role": "user", "content": "What is the capital of France?"}
MORE = {"role": "user", "content": "And of Spain?"}
PARIS = {"role": "assistant", "content": "Paris"}
MADRID = {"role": "assistant", "content": "Madrid"}
LOOK = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c0", "type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}
    ],
}
FOUND = {"role": "tool", "tool_call_id": "c0", "content": "Paris"}
CALLS = [{"name": "look", "arguments": '{"q": 1}'}]
TEXT, TALK = [ASK, PARIS], [SYSTEM, ASK, PARIS, MORE, MADRID]
TOOLS, TWICE = [ASK, LOOK, FOUND, PARIS], [ASK, LOOK, FOUND, LOOK, FOUND, PARIS]


def drafted(messages: list[Any], **about: Any) -> Draft | None:
    """With every turn of the assistant trained on unless `trainable` says which."""
    trainable = about.pop("trainable", [body["role"] == "assistant" for body in messages])
    return draft(messages, trainable, **about)


@pytest.mark.parametrize(
    ("messages", "asked", "target", "scorer"),
    [
        (TEXT, 1, "Paris", "match"),
        (TALK, 4, "Madrid", "match"),  # the last turn
        (TOOLS, 1, CALLS, "tool_calls"),  # calls are checked before the words that follow
        (TWICE, 3, CALLS, "tool_calls"),  # the last calls
        ([ASK, {**LOOK, "content": "Wait."}], 1, CALLS, "tool_calls"),
        ([ASK, {**PARIS, "content": [{"type": "text", "text": "Paris"}]}], 1, "Paris", "match"),
        ([ASK, {**PARIS, "content": " \n"}], 1, None, OUTCOME),
        ([ASK, {**PARIS, "content": None}], 1, None, OUTCOME),
        ([ASK, {**PARIS, "tool_calls": []}], 1, "Paris", "match"),
    ],
)
def test_a_success_asks_for_what_was_said_or_called_last(
    messages: list[Any], asked: int, target: object, scorer: str
) -> None:
    found = drafted(messages, success=True)
    assert found == Draft(messages=tuple(messages[:asked]), target=target, scorer=scorer)


@pytest.mark.parametrize("messages", [TEXT, TALK, TOOLS, TWICE])
def test_a_failure_that_nobody_corrected_asks_the_whole_request(messages: list[Any]) -> None:
    first = next(i for i, body in enumerate(messages) if body["role"] == "assistant")
    assert drafted(messages, success=False) == Draft(
        messages=tuple(messages[:first]), target=None, scorer=OUTCOME
    )


@pytest.mark.parametrize(
    ("messages", "correction", "asked", "target", "scorer"),
    [
        (TEXT, "Lyon", 1, "Lyon", "match"),
        (TEXT, {"content": "Lyon"}, 1, "Lyon", "match"),
        (TALK, "Toledo", 4, "Toledo", "match"),
        (TOOLS, "Lyon", 3, "Lyon", "match"),  # of the words, not of the calls before them
        (TOOLS, LOOK, 1, CALLS, "tool_calls"),  # of the calls
        (TEXT, LOOK, 1, CALLS, "tool_calls"),  # a call should have stood where words did
        (TEXT, "  ", 1, None, OUTCOME),
        (TEXT, {"content": None}, 1, None, OUTCOME),
    ],
)
@pytest.mark.parametrize("success", [True, False])
def test_a_correction_stands_before_what_happened(
    messages: list[Any], correction: object, asked: int, target: object, scorer: str, success: bool
) -> None:
    found = drafted(messages, success=success, correction=correction)
    assert found == Draft(messages=tuple(messages[:asked]), target=target, scorer=scorer)


@pytest.mark.parametrize("about", [{"success": True}, {"success": False, "correction": "Lyon"}])
def test_an_episode_without_a_trained_turn_asks_nothing(about: dict[str, Any]) -> None:
    assert drafted(TALK, trainable=[False] * 5, **about) is None
    assert drafted([], **about) is None


def test_turns_that_were_not_trained_on_are_part_of_the_question() -> None:
    found = drafted(TALK, trainable=[False] * 4 + [True], success=True)
    assert found == Draft(messages=tuple(TALK[:4]), target="Madrid", scorer="match")
    earlier = drafted(TWICE, trainable=[False, True, False, False, False, True], success=True)
    assert earlier == Draft(messages=(ASK,), target=CALLS, scorer="tool_calls")


def test_what_is_right_never_stands_in_the_question() -> None:
    for messages in (TEXT, TALK, TOOLS, TWICE):
        for success in (True, False):
            found = drafted(messages, success=success)
            assert found is not None and len(found.messages) < len(messages)
            assert found.messages[-1]["role"] != "assistant"


@pytest.mark.parametrize(
    ("turn", "correction", "target", "scorer"),
    [
        (2, "Toledo", "Toledo", "match"),
        (2, LOOK, CALLS, "tool_calls"),
        (4, LOOK, CALLS, "tool_calls"),
    ],
)
def test_a_correction_whose_turn_is_known_stands_there(
    turn: int, correction: object, target: object, scorer: str
) -> None:
    found = drafted(TALK, success=False, correction=correction, turn=turn)
    assert found == Draft(messages=tuple(TALK[:turn]), target=target, scorer=scorer)


def test_a_call_without_arguments_asks_for_none() -> None:
    bare = {**LOOK, "tool_calls": [{"id": "c0", "function": {"name": "look"}}]}
    found = drafted([ASK, bare], success=True)
    assert found is not None and found.target == [{"name": "look", "arguments": ""}]
