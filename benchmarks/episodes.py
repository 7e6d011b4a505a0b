"""Made-up episodes out of real ones, as many as wanted: `python benchmarks/episodes.py [--count]`.

Calls, results and answers are those of the bundled sample with other people, orders and dates in
them; requests are chains of words that its users wrote. About half of the requests are new once
they are masked, a tenth are edits of older ones, whose likeness is known, and the rest are fillings
of older ones, some answered by the same steps. An episode follows from the seed and its number
alone, so that a night can begin where another ended.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import msgspec

from headrace.console.sample import Run, observed_tools, runs
from headrace.curate.near.mask import MOST_WORDS, leaves
from headrace.ingest.jsontext import written
from headrace.lake.message import Body, dump

SIZE = 8_000  # characters of the messages of an episode as JSON, its system prompt apart
EDITED, FILLED = 0.1, 0.5  # shares of the requests; the rest are new
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = timedelta(seconds=20)
WORDS = (12, 50)  # of a request behind its opening: those of the sample have 28 in all, 37 tokens
JUMP = 0.35  # how often a chain goes on anywhere, so that it repeats no long passage
RERUN = 0.2  # of the fillings: answered by the same steps
HOSTS = ("gmail.com", "web.de", "mail.kestrel.co.uk", "proton.me")
_GOLDEN = 0x9E3779B97F4A7C15
_GIVEN_HOLE, _FAMILY_HOLE = ("given", ""), ("family", "")

How = Literal["new", "edited", "filled"]


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """What assembly would have made of one conversation."""

    number: int
    project: str  # of the sample: it has the system prompt and the tools
    how: How
    of: int | None  # the episode whose request this one edits or fills
    request: str
    messages: list[Body]  # the system prompt first
    user: str
    release: str
    started_at: datetime
    success: bool

    @property
    def trainable(self) -> list[bool]:
        return [message["role"] == "assistant" for message in self.messages]


class Template(msgspec.Struct, frozen=True):
    """A text with holes, as `%` fills them, and the kind and number of each."""

    text: str
    holes: tuple[
        tuple[str, str], ...
    ] = ()  # kind, and what stood there: the same again is filled alike

    def filled(self, own: "Filling") -> str:
        return self.text % tuple([own[hole] for hole in self.holes])


class Exchange(msgspec.Struct, frozen=True):
    """A call of a tool, its result, and what the agent said then, if it did."""

    name: str
    arguments: Template
    result: Template
    answer: Template | None
    size: int


class World(msgspec.Struct, frozen=True):
    """What is drawn from, of one project."""

    system: Body
    tools: list[Body]
    exchanges: list[Exchange]
    chain: dict[str, list[str]]  # the words that follow a word, as often as they do
    words: list[str]  # as often as they come
    given: list[str]
    family: list[str]
    streets: list[str]


class Filling(dict[tuple[str, str], str]):
    """The values of one episode, made where they are first asked for."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self.first, self.last = world.given[_up(rng, 0, len(world.given))], rng.choice(world.family)
        self.email = f"{self.first}.{self.last}{rng.randrange(100)}@{rng.choice(HOSTS)}".lower()
        self.user = f"{self.first}_{self.last}_{rng.randrange(1000, 10000)}".lower()
        self._own = {"user": self.user, "email": self.email}
        self[_GIVEN_HOLE], self[_FAMILY_HOLE] = self.first, self.last
        self._first = {"given": self.first, "family": self.last}

    def __missing__(self, hole: tuple[str, str]) -> str:
        kind = hole[0]  # whoever is named first is the customer, the next are others
        own = self._own.get(kind) or self._first.pop(kind, None)
        made = self[hole] = _MAKE[kind](self._world, self._rng) if own is None else own
        return made


def episodes(count: int, seed: int = 7, start: int = 0) -> Iterator[Episode]:
    """So many episodes from a number on, about 0.3 ms each."""
    for number in range(start, start + count):
        yield episode(number, seed)


def episode(number: int, seed: int = 7) -> Episode:
    rng = _drawn(seed, number)
    how, base = _origin(number, seed)
    project = sorted(_worlds())[_drawn(seed, base).random() < 0.5]
    world = _worlds()[project]
    filling = Filling(world, rng)
    wording = _wording(base, seed, world)
    if how == "edited":
        wording = _edit(wording, world, rng)
    request = wording.filled(filling)
    steps = _drawn(seed, base) if how == "filled" and rng.random() < RERUN else rng
    messages = [world.system, {"role": "user", "content": request}]
    messages += _conversation(wording, world, filling, steps)
    return Episode(
        number=number,
        project=project,
        how=how,
        of=None if base == number else base,
        request=request,
        messages=messages,
        user=filling.user,
        release=f"1.{number // 50_000}",
        started_at=FIRST + EVERY * number,
        success=rng.random() < 0.7,
    )


def tools(project: str) -> list[Body]:
    """The definitions that all episodes of a project share."""
    return _worlds()[project].tools


def _drawn(seed: int, number: int) -> random.Random:
    return random.Random((seed << 40) ^ (number * _GOLDEN & (1 << 64) - 1))


def _origin(number: int, seed: int) -> tuple[How, int]:
    """How a request came about, and the number of the new one that it goes back to."""
    rng = _drawn(seed + 1, number)
    drawn = rng.random()
    if number == 0 or drawn >= EDITED + FILLED:
        return "new", number
    how: How = "edited" if drawn < EDITED else "filled"
    # fillings are of few requests, the older the more: what is asked often was asked early
    of = int(rng.random() ** (3 if how == "filled" else 1) * number)
    while _origin(of, seed)[0] != "new":
        of -= 1
    return how, of


def _wording(number: int, seed: int, world: World) -> Template:
    """The request with holes for what differs between two who ask the same."""
    rng = _drawn(seed + 2, number)
    text = " ".join(_sentence(world, rng, rng.randrange(*WORDS)))
    opening = rng.choice((_BY_NAME, _BY_NAME, _BY_EMAIL, _BY_USER, _BY_PHONE))
    return Template(f"{opening.text} {text}", opening.holes)


_KEYS = {"given": "first_name", "family": "last_name", "user": "user_id", "order": "order_id"}
_BY_NAME = Template(
    "Hi, my name is %s %s and my zip code is %s. It is about order %s.",
    (_GIVEN_HOLE, _FAMILY_HOLE, ("zip", ""), ("order", "")),
)
_BY_EMAIL = Template("Hello! My email is %s, order %s.", (("email", ""), ("order", "")))
_BY_USER = Template("My user id is %s, reservation %s.", (("user", ""), ("booking", "")))
_BY_PHONE = Template(
    "Please call me at %s. I am %s, booking %s of %s.",
    (("phone", ""), ("user", ""), ("booking", ""), ("day", "")),
)


def _sentence(world: World, rng: random.Random, count: int) -> list[str]:
    drawn, chain, words = rng.random, world.chain, world.words
    word = words[int(drawn() * len(words))]
    out = [word]
    for _ in range(count - 1):
        after = chain.get(word)
        if after is None or drawn() < JUMP:
            after = words
        word = after[int(drawn() * len(after))]
        out.append(word)
    return out


def _edit(wording: Template, world: World, rng: random.Random) -> Template:
    """Words behind the opening replaced, left out or put in, up to a seventh of them."""
    head, _, rest = wording.text.rpartition("%s")
    text = rest.split(" ")
    for _ in range(rng.randrange(1, 2 + len(text) // 7)):
        at, kind = rng.randrange(1, len(text) + 1), rng.randrange(3)
        text[at : at + (kind != 2)] = [] if kind == 1 else _sentence(world, rng, 1)
    return Template(f"{head}%s{' '.join(text)}", wording.holes)


def _conversation(
    wording: Template, world: World, filling: Filling, rng: random.Random
) -> Iterator[Body]:
    """Who asks is looked up, then calls and answers until the episode is long enough."""
    size = len(wording.text)
    wanted = SIZE * (0.4 + 0.8 * rng.random())
    arguments = {_KEYS.get(hole[0], hole[0]): filling[hole] for hole in wording.holes}
    yield from _called(rng, "find_user", json.dumps(arguments), f'"{filling.user}"')
    while size < wanted:
        exchange = world.exchanges[int(rng.random() * len(world.exchanges))]
        size += exchange.size
        yield from _called(
            rng, exchange.name, exchange.arguments.filled(filling), exchange.result.filled(filling)
        )
        if exchange.answer is not None:
            asked = " ".join(_sentence(world, rng, rng.randrange(3, 25)))
            size += len(asked)
            yield {"role": "assistant", "content": exchange.answer.filled(filling)}
            yield {"role": "user", "content": asked}
    yield {
        "role": "assistant",
        "content": f"{' '.join(_sentence(world, rng, 20))}, {filling.first}.",
    }


def _called(rng: random.Random, name: str, arguments: str, result: str) -> Iterator[Body]:
    own = f"call_{rng.getrandbits(96):024x}"
    call = {"id": own, "type": "function", "function": {"name": name, "arguments": arguments}}
    yield {"role": "assistant", "content": None, "tool_calls": [call]}
    yield {"role": "tool", "tool_call_id": own, "content": result}


@cache
def _worlds() -> Mapping[str, World]:
    sample = runs(FIRST)
    names = sorted({run.project for run in sample})
    return {name: _world([run for run in sample if run.project == name]) for name in names}


def _world(sample: Sequence[Run]) -> World:
    passed = _passed(sample)
    said = [
        [word for word in str(message["content"]).split() if not _own(word, passed)]
        for run in sample
        for message in run.messages
        if message["role"] == "user"
    ]
    chain: dict[str, list[str]] = {}
    for text in said:
        for word, after in pairwise(text):
            chain.setdefault(word, []).append(after)
    told = " ".join(
        str(m["content"]) for run in sample for m in run.messages if m["role"] == "tool"
    )
    longest: list[Body] = [
        max((run.messages[0] for run in sample), key=lambda m: len(m["content"]))
    ]
    return World(
        system={"role": "system", "content": longest[0]["content"]},
        tools=observed_tools(sample),
        exchanges=[own for run in sample for own in _exchanges(run)],
        chain=chain,
        words=[word for text in said for word in text],
        given=sorted(set(_GIVEN.findall(told))),
        family=sorted(set(_FAMILY.findall(told))),
        streets=sorted({re.sub(r"^\d+ ", "", street) for street in _STREET.findall(told)}),
    )


def _passed(sample: Sequence[Run]) -> set[str]:
    """The words that tools were called with or told of people: masks would depend on the run."""
    calls = [
        str(leaf)
        for run in sample
        for message in run.messages
        for call in _calls(message)
        for leaf in leaves(json.loads(call["function"]["arguments"]))
        if str(leaf).count(" ") < MOST_WORDS
    ]
    told = [str(m["content"]) for r in sample for m in r.messages if m["role"] == "tool"]
    people = [name for text in told for name in (*_GIVEN.findall(text), *_FAMILY.findall(text))]
    return {word.lower() for text in (*calls, *people) for word in _LETTERS.findall(text)} - _COMMON


def _calls(message: Body) -> Sequence[Body]:
    return message.get("tool_calls") or ()


def _own(word: str, passed: set[str]) -> bool:
    """Whether another customer would have written another word."""
    bare = word.strip(".,;:!?()*\"'").lower()
    return _FILLED.search(word) is not None or not passed.isdisjoint(_LETTERS.findall(bare))


def _exchanges(run: Run) -> Iterator[Exchange]:
    results = {m["tool_call_id"]: m["content"] for m in run.messages if m["role"] == "tool"}
    for message, after in pairwise([*run.messages[1:], {"role": ""}]):
        for call in _calls(message):
            result, own = str(results.get(call["id"]) or ""), call["function"]
            if len(result) > SIZE // 2:
                continue
            place = run.messages.index(after) if after in run.messages else -1
            spoken: Body = (
                dict(run.messages[place + 1]) if 0 < place < len(run.messages) - 1 else {}
            )
            answer = spoken.get("content") if spoken.get("role") == "assistant" else None
            known = {"given": set(_GIVEN.findall(result)), "family": set(_FAMILY.findall(result))}
            known["street"] = set(_STREET.findall(result))
            texts = (written(json.loads(own["arguments"])), result, answer or "")
            made, size = [_holed(text, known) for text in texts], sum(map(len, texts)) + 300
            yield Exchange(own["name"], made[0], made[1], made[2] if answer else None, size)


_FILLED = re.compile(r"[0-9@#%_]")
_LETTERS = re.compile(r"[A-Za-z]{3,}")
_COMMON = frozenset(
    "and are but can for from has have not our that the them then this was will with you".split()
)
_GIVEN = re.compile(r'"first_name": "(\w{3,})"')
_FAMILY = re.compile(r'"last_name": "(\w{3,})"')
_STREET = re.compile(r'"address1": "([^"]+)"')
_SHAPES = {
    "email": r"[\w.]+@example\.com",
    "user": r"\b[a-z]+_[a-z]+_\d{4}\b",
    "order": r"#W\d{7}\b",
    "payment": r"(?<=_card_)\d{7}\b|(?<=paypal_)\d{7}\b|(?<=certificate_)\d{7}\b",
    "item": r"\b\d{10}\b",
    "tracking": r"\b\d{12}\b",
    "birth": r"\b19\d\d-\d\d-\d\d\b",
    "day": r"\b20\d\d-\d\d-\d\d\b",
    "booking": r"\b(?=[A-Z]*\d)(?=\d*[A-Z])(?!HAT)[A-Z0-9]{6}\b",
    "flight": r"(?<=\bHAT)\d{3}\b",
    "price": r"(?<=[ $])\d{2,4}\.\d\d\b",
    "zip": r'(?<="zip": ")\d{5}\b',
}


def _holed(text: str, known: Mapping[str, set[str]]) -> Template:
    """A text of the sample with a hole for each thing that another customer would not have."""
    shapes = {k: rf"\b(?:{'|'.join(map(re.escape, sorted(v)))})\b" for k, v in known.items() if v}
    either = re.compile("|".join(f"(?P<{k}>{v})" for k, v in {**shapes, **_SHAPES}.items()))
    holes = tuple((str(found.lastgroup), found[0]) for found in either.finditer(text))
    parts = either.sub("\0", text).replace("%", "%%")
    return Template(parts.replace("\0", "%s"), holes)


def _up(rng: random.Random, low: int, high: int) -> int:
    return low + int(rng.random() * (high - low))  # four times as fast as randrange


def _digits(count: int) -> Callable[[World, random.Random], str]:
    return lambda world, rng: str(int(rng.random() * 10**count)).zfill(count)


def _day(first: int, years: int) -> Callable[[World, random.Random], str]:
    def made(world: World, rng: random.Random) -> str:
        drawn = int(rng.random() * years * 336)
        return f"{first + drawn // 336}-{drawn // 28 % 12 + 1:02d}-{drawn % 28 + 1:02d}"

    return made


def _booking(world: World, rng: random.Random) -> str:
    drawn = rng.getrandbits(30)
    letters = "".join(["ABCDEFGHJKLMNPQRSTUVWXYZ23456789"[drawn >> 5 * i & 31] for i in range(5)])
    return letters + "7"


_MAKE: dict[str, Callable[[World, random.Random], str]] = {
    "given": lambda world, rng: world.given[_up(rng, 0, len(world.given))],
    "family": lambda world, rng: world.family[_up(rng, 0, len(world.family))],
    "street": lambda world, rng: (
        f"{_up(rng, 1, 999)} {world.streets[_up(rng, 0, len(world.streets))]}"
    ),
    "phone": lambda world, rng: (
        f"({_up(rng, 201, 990)}) {_up(rng, 201, 555)}-{_up(rng, 1000, 9999)}"
    ),
    "order": lambda world, rng: f"#W{_up(rng, 10**6, 10**7)}",
    "payment": _digits(7),
    "item": _digits(10),
    "tracking": _digits(12),
    "birth": _day(1945, 55),
    "day": _day(2024, 3),
    "booking": _booking,
    "flight": _digits(3),
    "price": lambda world, rng: f"{rng.random() * 900 + 10:.2f}",
    "zip": _digits(5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    next(episodes(1))
    began = time.process_time()
    made = list(episodes(given.count, given.seed))
    spent = time.process_time() - began
    size = sum(len(dump(body)) for one in made for body in one.messages[1:])
    hows = {how: sum(one.how == how for one in made) for how in ("new", "edited", "filled")}
    turns = sum(m["role"] == "assistant" for one in made for m in one.messages)
    told: dict[str, Any] = {
        "ms_each": round(1e3 * spent / given.count, 3),
        "chars_each": size // given.count,
        "turns_each": round(turns / given.count, 1),
        **hows,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
