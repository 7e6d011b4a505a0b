"""Every key, on a small and on a large terminal."""

from typing import Any

import duckdb
import pytest
from textual.widgets import TextArea

from headrace.curate.review import answer as answering
from headrace.lake.message import Body
from tests.integration.console.review.conftest import LARGE, SMALL, Sitting, play
from tests.reviewed import Desk

both = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])


@both
def test_it_shows_an_episode_what_came_of_it_and_why_it_was_picked(
    three: Desk, size: tuple[int, int]
) -> None:
    three.outcome("episode", "a", "product", success=False, name="refund", comment="never came")
    three.write()

    async def story(sits: Sitting) -> None:
        for shown in (
            "0 of 3", "ada", "USER", "Where is order a?", "AGENT", "Order a leaves today.",
            "why: votes are split: p = .50", "so far: conflicting, p = .50", "v2", "m-1",
            "product refund: failure “never came”", "Where is order c?", "s success", "q quit",
        ):  # fmt: skip
            assert shown in sits.text
        assert len(sits.rows) == size[1]

    play(three, story, size=size)


def test_every_key_does_the_same_on_a_large_terminal(desk: Desk) -> None:
    for i in range(6):
        desk.add(f"e{i}", long_talk(2))
        desk.ask(f"e{i}")
    desk.write()

    async def story(sits: Sitting) -> None:
        for keys in ("s", "f", "k", "x n o enter", "c N o space ctrl+s", "s", "u", "j", "up"):
            await sits.press(*keys.split())
        assert "5 of 6" in sits.text
        await sits.press("e")
        assert "\n77\n" in sits.talk
        for keys in ("pagedown", "home", "end", "tab", "r"):
            await sits.press(keys)
        await sits.press("question_mark")
        assert "what should have been said: opens an editor" in sits.text
        await sits.press("q", "q")

    play(desk, story, size=LARGE)
    said = [row["action"] for row in desk.rows("reviews")]
    assert sorted(said) == ["correction", "failure", "flag", "skip", "success"]


@pytest.mark.parametrize(("key", "action"), [("s", "success"), ("f", "failure"), ("k", "skip")])
def test_one_key_answers_and_goes_on(three: Desk, key: str, action: str) -> None:
    async def story(sits: Sitting) -> None:
        await sits.press(key)
        assert sits.at == "b"
        assert "1 of 3" in sits.text
        assert f"{action} on rv_" in sits.text
        assert "Order b leaves today." in sits.talk

    play(three, story)
    [review] = three.rows("reviews")
    assert (review["episode_id"], review["action"], review["reviewer"]) == ("a", action, "ada")
    expected = [] if key == "k" else [action == "success"]
    assert [row["success"] for row in three.rows("outcomes")] == expected


def test_c_asks_what_should_have_been_said(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        await sits.press("c")
        assert "What should have been said?" in sits.text
        area = sits.app.screen.query_one(TextArea)
        assert area.text == "Order a leaves today."
        await sits.press("ctrl+s")
        assert "Nothing is changed" in sits.text
        area.text = "  "
        await sits.press("ctrl+s")
        assert "Nothing is written" in sits.text
        area.text = "Order a is "
        area.move_cursor(area.document.end)
        await sits.press("s", "o", "l", "d", "space", "o", "u", "t", "ctrl+s")
        assert sits.at == "b"

    play(three, story)
    [outcome] = three.rows("outcomes")
    assert outcome["correction"] == '{"content":"Order a is sold out","role":"assistant"}'
    assert outcome["success"] is False
    assert [row["action"] for row in three.rows("reviews")] == ["correction"]


def test_escape_leaves_the_correction_and_answers_nothing(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        await sits.press("c", "x", "escape")
        assert sits.at == "a"
        assert "What should" not in sits.text

    play(three, story)
    assert three.rows("reviews") == []


def test_x_asks_why_and_flags(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        await sits.press("x")
        assert "Why must it not be trained on?" in sits.text
        await sits.press("enter")
        assert "Say why, or escape." in sits.text
        await sits.press("r", "u", "d", "e", "enter")
        assert sits.at == "b"

    play(three, story)
    [review] = three.rows("reviews")
    assert (review["action"], review["comment"]) == ("flag", "rude")
    assert three.rows("outcomes") == []


def test_escape_leaves_the_flag(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        await sits.press("x", "s", "escape")
        assert sits.at == "a"

    play(three, story)
    assert three.rows("reviews") == []


def test_u_takes_back_one_after_the_other(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        await sits.press("s")
        await sits.press("f")
        await sits.press("u")
        assert "Taken back: failure" in sits.text
        assert (sits.at, "1 of 3" in sits.text) == ("b", True)
        await sits.press("u")
        assert (sits.at, "0 of 3" in sits.text) == ("a", True)
        await sits.press("u")
        assert "There is nothing to take back." in sits.text
        await sits.press("f")

    play(three, story)
    [review] = three.rows("reviews")
    assert (review["episode_id"], review["action"]) == ("a", "failure")
    assert [row["success"] for row in three.rows("outcomes")] == [False]


def test_j_and_arrows_move(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        seen = []
        for key in ("j", "down", "up", "j", "j"):
            await sits.press(key)
            seen.append(sits.at)
        assert seen == ["b", "c", "b", "c", "a"]  # j goes round
        await sits.press("s")
        await sits.press("up")
        assert sits.at == "a"  # an answered one may be looked at again
        assert "Order a leaves today." in sits.talk
        await sits.press("f")
        assert "You have said success here" in sits.text
        await sits.press("j")
        assert sits.at == "b"

    play(three, story)
    assert len(three.rows("reviews")) == 1


def test_the_question_mark_tells_the_keys_and_any_key_goes_back(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        await sits.press("question_mark")
        assert "take the last answer back" in sits.text
        assert "every answer is in the lake already" in sits.text
        await sits.press("s")
        assert "take the last answer back" not in sits.text

    play(three, story)
    assert three.rows("reviews") == []


def test_q_leaves(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        await sits.pilot.press("s", "q")
        await sits.pilot.pause()

    play(three, story)
    assert len(three.rows("reviews")) == 1


def long_talk(turns: int) -> list[Body]:
    said: list[Body] = []
    for i in range(turns):
        said += [
            {"role": "user", "content": f"question {i}"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": f"c{i}", "type": "function",
                 "function": {"name": "look", "arguments": '{"id": 7, "deep": {"a": [1]}}'}}
            ]},
            {"role": "tool", "tool_call_id": f"c{i}", "content": "\n".join(map(str, range(90)))},
            {"role": "assistant", "content": f"answer {i}"},
        ]  # fmt: skip
    return said


def test_long_results_are_folded_and_e_unfolds_them(desk: Desk) -> None:
    desk.add("a", long_talk(2))
    desk.ask("a")
    desk.write()

    async def story(sits: Sitting) -> None:
        assert '→ look {\n  "id": 7,' in sits.talk
        assert sits.talk.count("TOOL look") == 2
        assert sits.talk.count("▸ 84 lines more, 259 characters in all") == 2
        assert "\n77\n" not in sits.talk
        await sits.press("e")
        assert sits.talk.count("\n77\n") == 2
        await sits.press("e")
        assert "\n77\n" not in sits.talk
        await sits.press("tab", "tab", "tab", "tab", "enter")
        assert sits.talk.count("\n77\n") == 1

    play(desk, story)


def test_a_conversation_of_many_turns_is_all_there_and_scrolls(desk: Desk) -> None:
    desk.add("a", long_talk(60))
    desk.ask("a")
    desk.write()

    async def story(sits: Sitting) -> None:
        assert len(sits.screen.query("TurnView")) == 240
        assert "question 0" in sits.text
        await sits.press("end")
        assert "answer 59" in sits.text
        await sits.press("pageup")
        assert "answer 59" not in sits.text
        await sits.press("home", "space")
        assert "question 0" not in sits.text

    play(desk, story)


def test_an_answer_counts_once_however_often_its_key_is_pressed(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        for _ in range(3):
            sits.screen.action_say("success")  # before anything is written
        await sits.settle()
        assert "success on rv_" in sits.text  # and not that it was said before

    play(three, story)
    assert [row["episode_id"] for row in three.rows("reviews")] == ["a"]


def test_nothing_is_answered_before_it_can_be_seen(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        sits.screen.action_next()
        sits.screen.action_say("success")  # the first one is still on the screen
        await sits.pilot.pause(0)
        assert "It is still being read." in sits.text
        await sits.settle()
        assert sits.at == "b"

    play(three, story)
    assert three.rows("reviews") == []


def test_what_cannot_be_read_is_told(three: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> Any:
        raise duckdb.IOException("no such file")

    async def story(sits: Sitting) -> None:
        with monkeypatch.context() as broken:
            broken.setattr("headrace.console.review.session.look", gone)
            await sits.press("j", "j")
            assert "It cannot be read: no such file" in sits.text
            await sits.press("s")
        assert three.rows("reviews") == []
        await sits.press("j", "s")

    play(three, story)
    assert [row["episode_id"] for row in three.rows("reviews")] == ["a"]


def test_when_all_is_answered_it_says_what_fills_the_queue(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        for _ in range(3):
            await sits.press("s")
        assert "Nothing is left here: `headrace nightly` fills the queue." in sits.text
        assert "3 of 3" in sits.text

    play(three, story)
    assert {item.state for item in three.items().values()} == {"answered"}


def test_what_cannot_be_written_is_told_and_may_be_tried_again(
    three: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise duckdb.IOException("no space left on device")

    async def story(sits: Sitting) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(answering, "_review", full)
            await sits.press("s")
        assert "no space left on device" in sits.text
        assert (sits.at, "0 of 3" in sits.text) == ("a", True)
        await sits.press("s")
        assert sits.at == "b"

    play(three, story)
    assert [row["episode_id"] for row in three.rows("reviews")] == ["a"]


def test_an_episode_that_grew_is_shown_anew_before_it_is_answered(three: Desk) -> None:
    async def story(sits: Sitting) -> None:
        three.add("a", [{"role": "user", "content": "And now?"}], revision=2)
        three.write()
        await sits.press("s")
        assert "has grown since" in sits.text
        assert "And now?" in sits.talk
        await sits.press("f")

    play(three, story)
    [review] = three.rows("reviews")
    assert (review["action"], review["revision"]) == ("failure", 2)


def test_without_colour_the_roles_and_the_cursor_are_still_told(
    three: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def story(sits: Sitting) -> None:
        assert sits.app.no_color
        assert "USER" in sits.text
        assert [row[:2] for row in sits.rows if "▸" in row] == ["▸u"]
        await sits.press("j")
        marked = [i for i, row in enumerate(sits.rows) if "▸" in row]
        assert [sits.rows[i + 1].strip()[:17] for i in marked] == ["Where is order b?"]

    play(three, story)
