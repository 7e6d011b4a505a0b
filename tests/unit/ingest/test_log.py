"""Log lines: one shape, one line each, and never what a body holds."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from headrace.ingest.log import Seldom, configure


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to stderr, with logging configured for the time of a test."""
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger("headrace")
    before = (root.handlers[:], root.level, ours.level, logging.raiseExceptions)
    root.handlers = []  # or they would be closed
    monkeypatch.setattr(sys, "stderr", stream)
    configure()
    try:
        yield stream
    finally:
        root.handlers, logging.raiseExceptions = before[0], before[3]
        root.setLevel(before[1])
        ours.setLevel(before[2])
        structlog.reset_defaults()


def lines(told: io.StringIO) -> list[str]:
    """The lines without their time."""
    return [line.partition(" ")[2] for line in told.getvalue().splitlines()]


def test_a_line_has_time_level_event_and_values(told: io.StringIO) -> None:
    structlog.get_logger("headrace.x").warning("refused", reason="too large", bytes=7)
    assert told.getvalue().startswith("timestamp=2")
    assert lines(told) == ['level=warning event=refused reason="too large" bytes=7']


def test_libraries_speak_in_the_same_shape_from_warnings_on(told: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.error").warning("slow %s", "client")
    structlog.get_logger("headrace.x").info("serving")
    structlog.get_logger("headrace.x").debug("detail")
    assert lines(told) == ['level=warning event="slow client"', "level=info event=serving"]


def test_a_server_that_was_configured_by_another_speaks_in_our_shape_too(
    told: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = logging.getLogger("uvicorn.error")
    server.handlers, server.propagate = [logging.NullHandler()], False
    server.setLevel(logging.CRITICAL)
    monkeypatch.setattr(sys, "stderr", told)
    configure()
    server.warning("slow client")
    assert lines(told) == ['level=warning event="slow client"']


def fail() -> None:
    raise ValueError("my secret")


@pytest.mark.parametrize("how", ["library", "handed over", "exception", "flag"])
def test_an_exception_is_told_by_type_and_place_without_its_text(
    told: io.StringIO, how: str
) -> None:
    ours = structlog.get_logger("headrace.x")
    try:
        fail()
    except ValueError as error:
        match how:
            case "library":
                logging.getLogger("uvicorn.error").exception("broke")
            case "handed over":
                ours.error("broke", exc_info=error)
            case "exception":
                ours.exception("broke")
            case "flag":
                ours.error("broke", exc_info=True)
    [line] = lines(told)
    assert line.startswith("level=error event=broke error=ValueError place=")
    assert "test_log.py:" in line
    assert "secret" not in line


def test_an_exception_that_was_never_raised_has_no_place(told: io.StringIO) -> None:
    structlog.get_logger("headrace.x").error("broke", exc_info=KeyError("my secret"))
    assert lines(told) == ["level=error event=broke error=KeyError"]


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\x1b[2K", "\u2028", "\x85", "\0"])
def test_nobody_can_write_a_second_line_or_control_a_terminal(
    told: io.StringIO, break_: str
) -> None:
    forged = f"/x{break_}level=error event=forged"
    structlog.get_logger("headrace.x").warning("refused", path=forged)
    logging.getLogger("uvicorn.error").warning("path %s", forged)
    written = told.getvalue()
    assert len(written.splitlines()) == 2
    assert all(char.isprintable() for char in written.replace("\n", ""))
    assert written.count("/x\\") == 2


def test_words_of_other_scripts_stay_readable(told: io.StringIO) -> None:
    structlog.get_logger("headrace.x").warning("refused", path="/größe/数")
    assert lines(told) == ["level=warning event=refused path=/größe/数"]


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_does_not_stop_the_work(
    told: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    configure()
    structlog.get_logger("headrace.x").warning("refused")
    assert told.getvalue() == ""


def test_json_lines_hold_the_same_fields(
    told: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", told)
    configure("json")
    structlog.get_logger("headrace.x").warning("refused", reason="größe\n", bytes=7)
    logging.getLogger("uvicorn.error").warning("slow %s", "client")
    ours, theirs = [json.loads(line) for line in told.getvalue().splitlines()]
    assert ours.pop("timestamp").startswith("2")
    assert ours == {"level": "warning", "event": "refused", "reason": "größe\\n", "bytes": 7}
    assert (theirs["level"], theirs["event"]) == ("warning", "slow client")


def test_of_a_flood_one_line_passes_per_name_and_interval() -> None:
    now = 0.0
    seldom = Seldom(10.0, lambda: now)
    assert [seldom.passes("busy") for _ in range(10_000)] == [0] + [None] * 9_999
    assert seldom.passes("spool_full") == 0
    now = 9.9
    assert seldom.passes("busy") is None
    now = 10.0
    assert seldom.passes("busy") == 10_000
    now = 30.0
    assert (seldom.passes("busy"), seldom.passes("busy")) == (0, None)


def test_a_server_complains_once_about_what_strangers_send(told: io.StringIO) -> None:
    server, other = logging.getLogger("uvicorn.error"), logging.getLogger("another")
    for number in range(50):
        server.warning("Invalid HTTP request received.")
        server.warning("of %s", number)
        other.warning("ours")
    said = "\n".join(lines(told))
    assert (said.count("Invalid"), said.count("of 0"), said.count("of ")) == (1, 1, 1)
    assert said.count("ours") == 50
