"""What a solver tells of an answer beside its text: failure, time and cost, for log and scorers."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec
from inspect_ai.solver import TaskState

FAILURE = "failure"  # keys of a sample's metadata
ANSWERED = "answered"
UNRECORDED = "unrecorded"  # calls in a replay that nobody recorded
_TEXT = 500  # characters; Inspect's summary of a sample drops what is longer than 1,000


class Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What answering took of the product alone: no judge, no waiting for a free connection.

    Input tokens count what was read from a cache and written to one. Cost in USD, where the
    product said it.
    """

    latency_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cost_usd: Decimal | None = None


def fail(state: TaskState, why: str) -> TaskState:
    """The product failed at this case: a zero, which no scorer need look at."""
    line = " ".join(why.split())
    state.metadata[FAILURE] = line if len(line) <= _TEXT else line[: _TEXT - 1] + "…"
    state.completed = True
    return state


def failure_in(state: TaskState) -> str | None:
    """Why the product failed at a case; None where it did not."""
    said = state.metadata.get(FAILURE)
    return None if said is None else str(said)


def tell(state: TaskState, **more: Any) -> None:
    """Add figures of Answered to what is known of an answer."""
    new = {name: value for name, value in more.items() if value is not None}
    both = Answered(**{**figures(state.metadata), **new})
    state.metadata[ANSWERED] = msgspec.to_builtins(both)


def answered_in(metadata: Mapping[str, Any]) -> Answered:
    """What is known of an answer; nothing where no solver of ours told."""
    told = metadata.get(ANSWERED)
    return msgspec.convert(told, Answered, strict=False) if isinstance(told, dict) else Answered()


def figures(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of an answer, by name; what nobody told is left out."""
    told = msgspec.structs.asdict(answered_in(metadata))
    return {name: value for name, value in told.items() if value is not None}


@contextmanager
def timed(state: TaskState) -> Iterator[None]:
    """Count the time within as latency, failed or not."""
    started = time.monotonic()
    try:
        yield
    finally:
        tell(state, latency_ms=round((time.monotonic() - started) * 1000, 3))
