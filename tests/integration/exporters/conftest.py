"""A lake as it stands after a night, its records put in by hand."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.lake import Lake
from headrace.lake.message import Body, Message
from headrace.lake.record import Case, Cluster, Decision, Episode, PairRow, Resolved
from headrace.lake.store import Transaction
from tests.scrubbed import put

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PROJECT = "shop"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "refund",
            "description": "Give money back",
            "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}},
        },
    }
]


def talk(order: str, answer: str) -> list[Body]:
    function = {"name": "refund", "arguments": json.dumps({"order_id": order})}
    call = {"id": f"call-{order}", "type": "function", "function": function}
    return [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": f"I want my money back for order {order}"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "ok", "tool_call_id": f"call-{order}"},
        {"role": "assistant", "content": answer},
    ]


class Stock:
    """Puts episodes into a lake, curated unless told otherwise."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._waiting: list[Callable[[Transaction], object]] | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for everything inside: commits are what takes time."""
        works = self._waiting = []
        yield
        self._waiting = None
        self.lake.write(lambda tx: [work(tx) for work in works])

    def _write(self, work: Callable[[Transaction], object]) -> None:
        if self._waiting is None:
            self.lake.write(work)
        else:
            self._waiting.append(work)

    def episode(
        self,
        name: str,
        *,
        messages: list[Body] | None = None,
        resolution: str = "success",
        split: str | None = "train",
        request: str | None = None,
        trainable: tuple[bool, ...] | None = None,
        contaminated_by: str | None = None,
        duplicate_of: str | None = None,
        scrubbed: bool = True,
        **fields: Any,
    ) -> None:
        said = [Message.of(body) for body in messages or talk(name, f"Done with {name}")]
        marks = trainable or tuple(message.role == "assistant" for message in said)
        given: dict[str, Any] = {"tools": json.dumps(TOOLS), "started_at": NOW, **fields}
        episode = Episode(
            project=PROJECT,
            episode_id=name,
            revision=1,
            at=NOW,
            messages=tuple(message.hash for message in said),
            trainable=marks,
            **given,
        )
        resolved = Resolved(
            project=PROJECT,
            episode_id=name,
            resolution=resolution,  # type: ignore[arg-type]
            at=NOW,
            resolved_by="human",
        )

        def work(tx: Transaction) -> None:
            tx.add_new("messages", said, on=["hash"])
            tx.append("episodes", [episode])
            if scrubbed:
                put(tx, [episode], said)
            tx.append("resolutions", [resolved])
            tx.append("clusters", [_cluster("request", request or f"r-{name}", name)])
            if split is not None:
                tx.append("clusters", [_cluster("group", f"g-{name}", name)])
                tx.run(
                    'insert into splits (project, group_id, split, "at") '
                    "values ($project, $group, $split, $now)",
                    {"project": PROJECT, "group": f"g-{name}", "split": split, "now": NOW},
                )
                tx.append("decisions", [_decision("decontaminate", name, contaminated_by)])
            tx.append("decisions", [_decision("dedupe", name, duplicate_of)])

        self._write(work)

    def pair(self, chosen: str, rejected: str, *, turn: int = 4) -> None:
        """What the night's step `pair` would have made of the two."""
        row = PairRow(
            project=PROJECT,
            pair_id=f"pr-{chosen}-{rejected}",
            chosen=chosen,
            rejected=rejected,
            kind="across",
            request="1",
            turn=turn,
            version="1",
            at=NOW,
        )
        self._write(lambda tx: tx.append("pairs", [row]))

    def screen(self, name: str, reason: str) -> None:
        """Hold an episode back to review."""
        row = msgspec.structs.replace(_decision("screen", name, name), reason=reason)
        self._write(lambda tx: tx.append("decisions", [row]))

    def case(self, case_id: str, text: str, *, origin: str | None = None) -> None:
        asked = {"messages": [{"role": "user", "content": text}], "tools": None}
        case = Case(
            project=PROJECT,
            suite="support",
            case_id=case_id,
            input=json.dumps(asked),
            scorer="exact",
            content_hash=case_id,
            added_at=NOW,
            origin_episode_id=origin,
        )
        self._write(lambda tx: tx.append("cases", [case]))


def _cluster(method: str, cluster: str, episode: str) -> Cluster:
    return Cluster(
        project=PROJECT,
        method=method,
        cluster_id=cluster,
        episode_id=episode,
        representative=True,
    )


def _decision(step: str, episode: str, because_of: str | None) -> Decision:
    return Decision(
        project=PROJECT,
        step=step,
        version="1",
        episode_id=episode,
        kept=because_of is None,
        reason="kept" if because_of is None else "exact",
        because_of=because_of,
        at=NOW,
    )


@pytest.fixture
def stock(tmp_path: Path) -> Iterator[Stock]:
    """An empty lake and the hand that fills it."""
    with Lake.open(tmp_path / "home") as lake:
        yield Stock(lake)


@pytest.fixture
def shop(stock: Stock) -> Stock:
    """A lake with a little of everything, to be changed."""
    _fill(stock)
    return stock


@pytest.fixture(scope="module")
def still_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """The same lake for tests that build from it and change nothing else: opening costs most."""
    with Lake.open(tmp_path_factory.mktemp("still")) as lake:
        stock = Stock(lake)
        _fill(stock)
        yield stock


def _fill(stock: Stock) -> None:
    """Three successes and two failures to train on, one of each to test, and a suite."""
    with stock.together():
        for name, split in (("A1", "train"), ("A2", "train"), ("A3", "train"), ("A4", "test")):
            stock.episode(name, split=split)
        for name, split in (("A1", "train"), ("A2", "train"), ("A4", "test")):
            stock.episode(
                f"{name}-failed",
                messages=talk(name, "I cannot help"),
                resolution="failure",
                split=split,
                request=f"r-{name}",
            )
            stock.pair(name, f"{name}-failed")
        stock.case("c1", "What is the weather like in Paris in spring, and what shall I pack?")


@pytest.fixture(scope="module")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """The shop, and an episode for most of what can be wrong."""
    with Lake.open(tmp_path_factory.mktemp("flawed")) as lake:
        stock = Stock(lake)
        _fill(stock)
        with stock.together():
            stock.episode("toolless-1", tools=None)
            stock.episode("toolless-2", tools=None)
            stock.episode("toolless-late", tools=None, resolution="pending")
            stock.episode("waiting", resolution="pending")
            stock.episode("hidden", scrubbed=False)
            stock.episode("apart", split="eval")
            stock.episode("cut", finish_reason="length", defects=("content_hidden",))
            stock.episode("again", messages=talk("A1", "Done with A1"))
        yield stock


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """Twelve successes of three users, four that ask the same each time, metadata on all."""
    with Lake.open(tmp_path_factory.mktemp("market")) as lake:
        stock = Stock(lake)
        with stock.together():
            for n in range(12):
                consent = [True, "TRUE", False, None][n % 4]
                topic = "refund" if n < 9 else "cancel"
                about = {"consent": consent, "topic": topic, "customer": "Ada Smith"}
                stock.episode(
                    f"M{n}",
                    user_id=f"u{n % 3}",
                    request=f"r{n // 4}",
                    cost_usd=Decimal(n) / 100,
                    model="gpt-5" if n % 2 else "gpt-5-mini",
                    metadata=json.dumps(about),
                )
        yield stock


@pytest.fixture
def speak() -> Callable[[str, str], list[Body]]:
    """The messages of a refund: order, last answer."""
    return talk
