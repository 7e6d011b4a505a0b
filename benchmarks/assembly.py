"""How long assembly takes: `python benchmarks/assembly.py [--traces 2000] [--calls 15]`.

Synthetic agent runs, each call with the whole history as input and a tool result between two; the
CPU seconds of assembling all of them, and of a second run in which nothing has changed.
"""

import argparse
import cProfile
import pstats
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from headrace.curate.assemble import assemble
from headrace.lake import Lake
from headrace.lake.message import Body, Message
from headrace.lake.record import Span

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def run(trace: int, calls: int) -> Iterator[tuple[Span, list[Message]]]:
    """The LLM spans of one run, each with the messages that it names."""
    history = [_message("system", "You help. " * 200), _message("user", f"Question {trace}?")]
    for step in range(calls):
        reply = _call(f"{trace}-{step}")
        yield _span(trace, step, history, reply), [*history, reply]
        history = [*history, reply, _message("tool", f"Result {step}", f"{trace}-{step}")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=2000)
    parser.add_argument("--calls", type=int, default=15)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, Lake.open(home) as lake:
        spans = fill(lake, given.traces, given.calls)
        profile = cProfile.Profile() if given.profile else None
        first = measured(lambda: assemble(lake, "p", now=T0), profile)
        print(f"{spans} spans of {given.traces} traces: {first:.1f} CPU s")
        print(f"{given.traces / first:.0f} traces, {spans / first:.0f} spans per CPU s")
        print(f"nothing new: {measured(lambda: assemble(lake, 'p', now=T0)):.2f} CPU s")
    if profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(35)


def fill(lake: Lake, traces: int, calls: int) -> int:
    rows = [row for trace in range(traces) for row in run(trace, calls)]
    messages = {m.hash: m for _, named in rows for m in named}
    lake.write(lambda tx: tx.append("messages", messages.values()))
    return lake.write(lambda tx: tx.append("spans", [span for span, _ in rows]))


def measured(work: Callable[[], object], profile: cProfile.Profile | None = None) -> float:
    begun = time.process_time()
    if profile is None:
        work()
    else:
        profile.runcall(work)
    return time.process_time() - begun


def _message(role: str, text: str, call_id: str | None = None) -> Message:
    body: Body = {"role": role, "content": text, "tool_call_id": call_id}
    return Message.of(body)


def _call(name: str) -> Message:
    call = {"id": name, "type": "function", "function": {"name": "look", "arguments": "{}"}}
    return Message.of({"role": "assistant", "content": None, "tool_calls": [call]})


def _span(trace: int, step: int, history: list[Message], reply: Message) -> Span:
    at = T0 + timedelta(seconds=60 * trace + step)
    return Span(
        project="p",
        trace_id=f"{trace:032x}",
        span_id=f"{step:016x}",
        kind="llm",
        name="chat",
        received_at=at,
        started_at=at,
        ended_at=at + timedelta(milliseconds=500),
        input=tuple(message.hash for message in history),
        output=(reply.hash,),
        model="m",
        input_tokens=100,
        output_tokens=10,
    )


if __name__ == "__main__":
    main()
