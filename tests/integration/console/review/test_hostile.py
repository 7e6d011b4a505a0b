"""What strangers wrote is shown and does nothing."""

import pytest
from textual.widgets import TextArea

from headrace.lake.message import Body
from tests.integration.console.review.conftest import LARGE, SMALL, Sitting, play
from tests.reviewed import Desk

EVIL = "\x1b[2J\x1b]0;owned\x07[red]bold[/red] [@click=app.quit]go[/] \u202etxt\u200b \x9b31m"
SHOWN = "␛[2J␛]0;owned␇[red]bold[/red] [@click=app.quit]go[/] \\u{202e}txt\\u{200b} \\u{9b}31m"
CALL = {"id": "c1", "type": "function", "function": {"name": EVIL, "arguments": EVIL}}
TALK: list[Body] = [
    {"role": "system", "content": EVIL},
    {"role": "user", "content": f"{EVIL} 字 🎉"},
    {"role": "assistant", "content": EVIL, "tool_calls": [CALL], "reasoning_content": EVIL},
    {"role": "tool", "tool_call_id": "c1", "content": "x" * 10_000_000 + EVIL},
    {"role": "assistant", "content": EVIL},
]


def together(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
def test_it_is_shown_as_it_stands(desk: Desk, size: tuple[int, int]) -> None:
    desk.add("a", TALK, request=EVIL, release=EVIL, model=EVIL, resolution="failure")
    desk.outcome("episode", "a", "user", comment=EVIL, name=EVIL, author=EVIL, label=EVIL)
    desk.ask("a", why=f"typical of 3 failures: {EVIL}")
    desk.write()

    async def story(sits: Sitting) -> None:
        pages = [sits.text]
        for key in ("tab", "e", "end", "question_mark", "escape", "c"):
            await sits.press(key)
            pages.append(sits.text)
            assert all(len(row) <= size[0] for row in sits.rows)
        seen = "\n".join(pages)
        assert not [c for c in seen if ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0]
        assert "\u202e" not in seen
        assert together("[red]bold[/red]") in together(seen)
        assert sits.talk.count(SHOWN) >= 5
        assert "characters are not shown" in sits.talk
        assert sits.app.screen.query_one(TextArea).text == SHOWN
        await sits.press("escape")
        assert sits.app.is_running

    play(desk, story, size=size)
    assert desk.rows("reviews") == []


def test_an_answer_too_long_to_edit_is_said_to_be_so(desk: Desk) -> None:
    desk.add("a", [{"role": "assistant", "content": "x" * 1_000_000}])
    desk.ask("a")
    desk.write()

    async def story(sits: Sitting) -> None:
        await sits.press("c")
        assert "1,000,000 characters" in sits.text

    play(desk, story)


def test_an_episode_without_words_is_shown_as_such(desk: Desk) -> None:
    desk.add("a", [{"role": "user", "content": ""}], request="")
    desk.ask("a")
    desk.write()

    async def story(sits: Sitting) -> None:
        assert "(no request)" in sits.text
        assert "(nothing)" in sits.talk
        await sits.press("c")
        assert sits.app.screen.query_one(TextArea).text == ""

    play(desk, story)
