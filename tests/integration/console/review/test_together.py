"""Two reviewers at once, and one who is killed."""

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

from headrace.lake import Lake
from tests.integration.console.review.conftest import Sitting, play, sitting
from tests.reviewed import Desk


def test_what_one_has_answered_goes_from_the_list_of_the_other(three: Desk) -> None:
    async def run(second: Lake) -> None:
        async with sitting(three, "ada") as ada, sitting(three, "ben", lake=second) as ben:
            await ada.press("s")
            assert (ben.at, "0 of 3" in ben.text) == ("a", True)
            await ben.press("r")
            assert (ben.at, "0 of 2" in ben.text) == ("b", True)
            assert "Order b leaves today." in ben.talk
            await ben.press("s")

    with Lake.open(three.lake.settings.home) as second:
        asyncio.run(run(second))
    said = {row["episode_id"]: row["reviewer"] for row in three.rows("reviews")}
    assert said == {"a": "ada", "b": "ben"}


def test_who_comes_second_is_told_and_goes_on(three: Desk) -> None:
    async def run(second: Lake) -> None:
        async with sitting(three, "ada") as ada, sitting(three, "ben", lake=second) as ben:
            await ada.press("s")
            await ben.press("f")
            assert "it has been answered meanwhile" in ben.text
            assert (ben.at, "0 of 2" in ben.text) == ("b", True)
            await ben.press("f")

    with Lake.open(three.lake.settings.home) as second:
        asyncio.run(run(second))
    said = {
        row["episode_id"]: row["success"]
        for row in three.rows("outcomes")
        for row in [{"episode_id": row["target_id"], "success": row["success"]}]
    }
    assert said == {"a": True, "b": False}


def test_a_double_is_asked_of_both_and_each_looks_with_their_own_eyes(desk: Desk) -> None:
    desk.add("a", p=0.5)
    desk.ask("a", asked=2)
    desk.write()

    async def first(sits: Sitting) -> None:
        assert "Two reviewers" in sits.text
        await sits.press("s")

    async def second(sits: Sitting) -> None:
        assert "ada" not in sits.text
        await sits.press("f")

    play(desk, first, reviewer="ada")
    play(desk, second, reviewer="ben")
    assert [row["author"] for row in desk.rows("outcomes")] == ["ada", "ben"]
    assert desk.items()["a"].state == "answered"


def read_until(terminal: int, *words: bytes) -> bytes:
    """What the terminal shows until it says one of these; an error where it goes silent."""
    seen = b""
    while not any(word in seen for word in words):
        ready, _, _ = select.select([terminal], [], [], 120)
        assert ready, seen[-3_000:]
        seen += os.read(terminal, 65_536)
    return seen


def test_who_is_killed_in_the_middle_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """On a terminal of its own, as a process, killed without warning."""
    with Lake.open(tmp_path) as lake:
        desk = Desk(lake, "support")
        for name in "ab":
            evil = [{"role": "user", "content": f"\x1b]0;owned\x07 order {name}"}]
            desk.add(name, evil, p=0.5)
            desk.ask(name)
        desk.write()
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    given = {"TERM": "xterm-256color", "HEADRACE_REVIEWER": "ada", "HEADRACE_HOME": str(tmp_path)}
    words = [sys.executable, "-m", "headrace.console", "review", "--project", "support"]
    child = subprocess.Popen(
        words, stdin=inside, stdout=inside, stderr=inside, env=os.environ | given,
        start_new_session=True,
    )  # fmt: skip
    os.close(inside)
    try:
        seen = read_until(terminal, b"owned")
        while b"1 of 2" not in seen:  # none is answered before it can be seen
            os.write(terminal, b"s")
            seen += read_until(terminal, b"1 of 2", b"still being read")
    finally:
        child.kill()
        child.wait()
        os.close(terminal)
    assert b"\x1b]0;owned" not in seen
    assert "␛]0;owned".encode() in seen
    with Lake.open(tmp_path) as lake:
        desk = Desk(lake, "support")
        [outcome] = desk.rows("outcomes")
        [review] = desk.rows("reviews")
        assert (outcome["success"], outcome["author"]) == (True, "ada")
        assert review["outcome_id"] == outcome["outcome_id"]
        assert len(desk.waiting("ada")) == 1
