"""How well calls without a conversation id are joined: `python benchmarks/linking.py [--data DIR]`.

Takes the recorded conversations of the bundled sample, and those in the folders `tau2`, `agentdojo`
and `carbench_unlabelled` of DIR. Each assistant turn becomes one LLM call in a trace of its own,
without a conversation id, all of one service. Conversations begin at random, so many that `--open`
of them are open at once on average; with `left` a third of them end after a random call. Printed is
what assembly with links makes of them in memory; with conversation ids; through a lake; and with a
clock in the system prompt.

rebuilt: conversations whose calls are exactly those of one episode. false merges: episodes that
hold calls of two conversations. split: conversations whose calls lie in several episodes. foreign:
episodes whose text is not that of the conversation to which their last call belongs.
"""

import argparse
import gzip
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from math import log
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import zstandard

from headrace.curate.assemble import assemble as assemble_lake
from headrace.curate.assembly import assemble
from headrace.curate.group import Library
from headrace.ingest.gist import gist
from headrace.lake import Lake
from headrace.lake.message import Body, Message
from headrace.lake.record import Span

FOLDERS = ("tau2", "agentdojo", "carbench_unlabelled")
AGAIN = "sft_before_after"  # a file that the sample holds already
OPEN = (1, 10, 100, 1_000)
LEFT = 1 / 3
T0 = datetime(2026, 11, 2, tzinfo=UTC)
NOW = T0 + timedelta(days=30)
PROJECT = "linking"
MEDIAN_S = {"user": 20.0, "tool": 1.0}  # until a person or a tool answers
ANSWER_S = 3.0  # the model
SPREAD = 0.8  # of the logarithms of these
WINDOW = 2**27  # of zstd

Owner = Mapping[str, int]  # trace id -> conversation


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Recorded messages, some of them said by the model."""

    model: str | None
    bodies: tuple[Body, ...]

    @property
    def calls(self) -> list[int]:
        """The places of what the model said; a greeting before the first question is not."""
        roles = [body["role"] for body in self.bodies]
        first = roles.index("user") if "user" in roles else len(roles)
        return [i for i, role in enumerate(roles) if role == "assistant" and i > first]


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Calls as they lie in a lake, and which conversation made each."""

    spans: tuple[Span, ...]
    messages: Mapping[str, Message]
    owner: Owner
    texts: frozenset[tuple[str, ...]]  # what each call heard and said, by hash

    @property
    def library(self) -> Library:
        return Library(
            messages={name: msgspec.json.decode(m.body) for name, m in self.messages.items()},
            tools={},
        )


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An episode as far as it is judged."""

    traces: frozenset[str]
    text: tuple[str, ...]  # hashes of its messages


def world(
    talks: Sequence[Conversation],
    open_at_once: int,
    rng: Random,
    *,
    ids: bool = False,
    clock: bool = False,
) -> World:
    """Every assistant turn of the conversations as a call in a trace of its own."""
    timed = [_times(talk, rng) for talk in talks]
    mean = sum(times[-1] for times in timed) / len(timed)
    order = rng.sample(range(len(talks)), len(talks))
    messages: dict[str, Message] = {}
    owner: dict[str, int] = {}
    spans: list[Span] = []
    texts: set[tuple[str, ...]] = set()
    begun = 0.0
    for number in order:
        begun += rng.expovariate(open_at_once / mean)
        talk = talks[number]
        for place, at in zip(talk.calls, timed[number], strict=True):
            when = T0 + timedelta(seconds=begun + at)
            said = [Message.of(body) for body in _told(talk, place, when if clock else None)]
            messages |= {message.hash: message for message in said}
            span = _span(talk, place, when, said, rng)
            conversation = f"conversation-{number}" if ids else None
            spans.append(msgspec.structs.replace(span, conversation_id=conversation))
            owner[span.trace_id] = number
            texts.add(span.input + span.output)
    return World(spans=tuple(spans), messages=messages, owner=owner, texts=frozenset(texts))


def _times(talk: Conversation, rng: Random) -> list[float]:
    """When each call begins, in seconds after the first."""
    at, times = 0.0, []
    first, *_ = calls = talk.calls
    for place in range(first, calls[-1] + 1):
        role = talk.bodies[place]["role"]
        if place in calls:
            times.append(at)
        median = ANSWER_S if role == "assistant" else MEDIAN_S.get(role, 0.0)
        at += rng.lognormvariate(log(median), SPREAD) if median else 0.0
    return times


def _told(talk: Conversation, place: int, when: datetime | None) -> Iterator[Body]:
    """What a call heard and said, with the time in its system prompt where one is given."""
    for body in talk.bodies[: place + 1]:
        if when is not None and body["role"] == "system":
            yield {**body, "content": f"It is {when:%Y-%m-%d %H:%M:%S}.\n{body['content']}"}
        else:
            yield body


def _span(
    talk: Conversation, place: int, when: datetime, said: Sequence[Message], rng: Random
) -> Span:
    heard = next((b for b in reversed(talk.bodies[:place]) if b["role"] == "assistant"), None)
    return Span(
        project=PROJECT,
        trace_id=rng.randbytes(16).hex(),
        span_id=rng.randbytes(8).hex(),
        kind="llm",
        name="chat",
        received_at=when,
        started_at=when,
        ended_at=when + timedelta(seconds=1),
        model=talk.model,
        service="support",
        input=tuple(message.hash for message in said[:-1]),
        output=(said[-1].hash,),
        said=gist(talk.bodies[place]),
        heard=gist(heard) if heard else None,
    )


def in_memory(made: World, *, link: bool) -> list[Found]:
    found = assemble(made.spans, made.library, now=NOW, link=link).episodes
    return [Found(traces=frozenset(e.trace_ids), text=e.messages) for e in found]


def through_lake(made: World) -> list[Found]:
    with tempfile.TemporaryDirectory() as home, Lake.open(home) as lake:
        lake.write(
            lambda tx: (
                tx.append("messages", list(made.messages.values())),
                tx.append("spans", list(made.spans)),
            )
        )
        assemble_lake(lake, PROJECT, now=NOW, link=True)
        rows = lake.rows("select trace_ids, messages from current_episodes")
    return [Found(traces=frozenset(row["trace_ids"]), text=tuple(row["messages"])) for row in rows]


def line(name: str, open_at_once: int, made: World, found: Sequence[Found]) -> str:
    """One line of the table."""
    whole: dict[int, set[str]] = defaultdict(set)
    for trace, number in made.owner.items():
        whole[number].add(trace)
    ours = [{made.owner[trace] for trace in episode.traces} for episode in found]
    exact = sum(
        episode.traces == whole[min(numbers)] for episode, numbers in zip(found, ours, strict=True)
    )
    merged = sum(len(numbers) > 1 for numbers in ours)
    pieces = Counter(number for numbers in ours for number in numbers)
    split = sum(count > 1 for count in pieces.values())
    foreign = sum(episode.text not in made.texts for episode in found)
    return (
        f"{name:<30}{open_at_once:>6,}{len(whole):>9,}{len(made.spans):>9,}{len(found):>10,}"
        f"{exact / len(whole):>9.1%}{merged / len(found):>9.1%}{split / len(whole):>8.1%}"
        f"{foreign:>9,}"
    )


def sample() -> dict[str, list[Conversation]]:
    """The bundled conversations, by data set."""
    folder = files("headrace.console") / "sample"
    names = ("taubench_airline", "tau2_before_after")
    return {
        name: talks_of(gzip.decompress((folder / f"{name}.jsonl.gz").read_bytes()))
        for name in names
    }


def folders(data: Path) -> dict[str, list[Conversation]]:
    """The conversations in the folders there are, by folder."""
    found: dict[str, list[Conversation]] = {}
    for name in FOLDERS:
        for path in sorted((data / name).glob("*.jsonl.*")):
            if AGAIN not in path.name:
                found.setdefault(name, []).extend(talks_of(unpacked(path)))
    return found


def unpacked(path: Path) -> bytes:
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(path.open("rb"))
    return reader.read()


def talks_of(data: bytes) -> list[Conversation]:
    """The conversations of a file in which the model said anything."""
    rows = [msgspec.json.decode(row) for row in data.splitlines()]
    talks = [_talk(row) for row in rows if "messages" in row or "traj" in row]
    return [talk for talk in talks if talk.calls]


def _talk(row: Mapping[str, Any]) -> Conversation:
    given = row.get("messages") or row.get("traj") or []
    bodies = [_body(message) for message in given]
    if bodies and bodies[0]["role"] != "system":  # told apart from its conversations
        bodies.insert(0, {"role": "system", "content": "You help the customers of this company."})
    model = row.get("model") or row.get("_meta", {}).get("model")
    return Conversation(model=model, bodies=tuple(bodies))


def _body(message: Mapping[str, Any]) -> Body:
    body: Body = {"role": message["role"], "content": message.get("content")}
    if message["role"] == "tool":
        body["tool_call_id"] = message.get("tool_call_id") or message.get("id")
    if message.get("tool_calls"):
        body["tool_calls"] = [_call(call) for call in message["tool_calls"]]
    return body


def _call(call: Mapping[str, Any]) -> Body:
    """A tool call of any of the sources in OpenAI's shape."""
    function = call.get("function")
    named: Mapping[str, Any] = function if isinstance(function, dict) else {"name": function}
    given = named.get("arguments", call.get("arguments", call.get("args")))
    return {
        "id": call.get("id"),
        "type": "function",
        "function": {
            "name": named["name"] or call.get("name"),
            "arguments": given if isinstance(given, str) else json.dumps(given or {}),
        },
    }


HEADING = (
    f"{'':<30}{'open':>6}{'talks':>9}{'calls':>9}{'episodes':>10}{'rebuilt':>9}{'false':>9}"
    f"{'split':>8}{'foreign':>9}"
)


def left(talks: Sequence[Conversation], rng: Random) -> list[Conversation]:
    """The same, but that some of those who ask go away after an answer."""
    return [_cut(talk, rng.choice(talk.calls)) if rng.random() < LEFT else talk for talk in talks]


def _cut(talk: Conversation, place: int) -> Conversation:
    return msgspec.structs.replace(talk, bodies=talk.bodies[: place + 1])


def tell(source: str, talks: Sequence[Conversation], given: argparse.Namespace) -> None:
    """Print what becomes of a data set without ids, then with them."""
    for open_at_once in given.open:
        made = world(talks, open_at_once, Random(given.seed))
        print(line(source, open_at_once, made, in_memory(made, link=True)), flush=True)
    most = max(given.open)
    made = world(left(talks, Random(given.seed)), most, Random(given.seed))
    print(line(f"{source}, left", most, made, in_memory(made, link=True)), flush=True)
    made = world(talks, most, Random(given.seed), ids=True)
    print(line(f"{source}, ids", most, made, in_memory(made, link=False)), flush=True)


def tell_more(source: str, talks: Sequence[Conversation], given: argparse.Namespace) -> None:
    """Print the same through a lake, and with a clock in the system prompt."""
    most = max(given.open)
    made = world(talks, most, Random(given.seed))
    print(line(f"{source}, lake", most, made, through_lake(made)), flush=True)
    for ids in (False, True):
        made = world(talks, most, Random(given.seed), ids=ids, clock=True)
        name = f"{source}, clock{', ids' if ids else ''}"
        print(line(name, most, made, in_memory(made, link=not ids)), flush=True)


def main() -> None:
    given = arguments()
    bundled = sample()
    print(HEADING, flush=True)
    for source, talks in {**bundled, **(folders(given.data) if given.data else {})}.items():
        tell(source, talks, given)
    for source, talks in bundled.items():
        tell_more(source, talks, given)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with further data sets")
    parser.add_argument("--open", type=int, nargs="+", default=OPEN, help="conversations at once")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
