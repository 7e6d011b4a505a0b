"""Logs: lines of key=value or JSON on stderr, never with what a body holds."""

import logging
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Shape = Literal["logfmt", "json"]

SERVER = ("uvicorn", "uvicorn.error", "uvicorn.access")


def configure(shape: Shape = "logfmt") -> None:
    """Send structlog and the loggers of libraries to stderr, one line each of one shape."""
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _place,
        _printable,
    ]
    formatter = structlog.stdlib.ProcessorFormatter
    structlog.configure(
        processors=[*shared, formatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        formatter(
            foreign_pre_chain=shared,
            processors=[
                formatter.remove_processors_meta,
                _renderer(shape),
            ],
        )
    )
    logging.raiseExceptions = False  # a full disk below the log must not stop the work
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("headrace").setLevel(logging.INFO)
    seldom = Seldom()
    handler.addFilter(lambda record: record.name not in SERVER or _rare(record, seldom))
    for name in SERVER:  # whoever configured them before: their lines pass through ours alone
        server = logging.getLogger(name)
        server.handlers, server.propagate = [], True
        server.setLevel(logging.NOTSET)


class Seldom:
    """Lets one line through per name and interval, so that a flood of refusals stays readable."""

    def __init__(self, every_s: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._next: dict[str, float] = {}
        self._held: Counter[str] = Counter()

    def passes(self, name: str) -> int | None:
        """How many lines were held back since the last one; None: hold this one back too."""
        now = self._clock()
        if now < self._next.get(name, now):
            self._held[name] += 1
            return None
        self._next[name] = now + self._every_s
        return self._held.pop(name, 0)


def _rare(record: logging.LogRecord, seldom: Seldom) -> bool:
    """Whether to tell it: strangers can make a server complain as often as they like."""
    if record.exc_info or record.levelno < logging.WARNING:
        return True
    return seldom.passes(str(record.msg)) is not None


def _renderer(shape: Shape) -> Processor:
    order = ["timestamp", "level", "event"]
    if shape == "logfmt":
        return structlog.processors.LogfmtRenderer(key_order=order)
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _place(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """An exception as its type and place: its text may quote what a user wrote."""
    error = event.pop("exc_info", None)
    if error is True:  # the one being handled
        error = sys.exception()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        if frames := traceback.extract_tb(error.__traceback__):
            event["place"] = f"{frames[-1].filename}:{frames[-1].lineno}"
    return event


def _printable(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Texts with escapes for what breaks a line or steers a terminal: a path may hold anything."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in value)
    return event
