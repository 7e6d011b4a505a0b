"""Releases on a real lake: what they cost and took, what is absent, and which are shown."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from headrace.console.release import (
    Cost,
    Release,
    Releases,
    Spread,
    price_and_pace,
    quality,
    releases,
)
from headrace.curate.assemble import assemble
from headrace.curate.outcomes import resolve
from headrace.evals.rate import wilson
from headrace.lake import Lake
from headrace.lake.message import Message
from headrace.lake.record import Episode, Outcome, Span
from headrace.lake.record import Release as Row
from headrace.lake.store import Transaction

T0 = datetime(2026, 6, 1, 8, tzinfo=UTC)
NOW = T0 + timedelta(days=1)
ABSENT = Spread(n=0, p50=None, p95=None)


class Traffic:
    """Calls of one project as the drain stores them."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.spans: list[Span] = []
        self.messages: dict[str, Message] = {}
        self.outcomes: list[Outcome] = []

    def call(
        self, name: str, release: str, heard: list[str], said: str, at: float, **fields: Any
    ) -> None:
        """A call that starts `at` seconds after T0 and takes 100 ms."""
        made = [
            Message.of({"role": "assistant" if i % 2 else "user", "content": text})
            for i, text in enumerate([*heard, said])
        ]
        self.messages |= {message.hash: message for message in made}
        began = T0 + timedelta(seconds=at)
        usual: dict[str, Any] = {
            "trace_id": name, "started_at": began, "ended_at": began + timedelta(milliseconds=100)
        }  # fmt: skip
        *history, reply = (message.hash for message in made)
        self.spans.append(
            Span(
                project=self.project, span_id=f"{name}-{len(self.spans)}", kind="llm", name="chat",
                received_at=NOW, release=release, input=tuple(history), output=(reply,),
                **usual | fields,
            )
        )  # fmt: skip

    def mark(self, trace_id: str, success: bool) -> None:
        self.outcomes.append(
            Outcome(
                project=self.project, outcome_id=trace_id, target_kind="trace", at=T0,
                target_id=trace_id, source="product", success=success, received_at=NOW,
            )
        )  # fmt: skip

    def store(self, lake: Lake) -> None:
        def write(tx: Transaction) -> None:
            tx.add_new("messages", list(self.messages.values()), on=["hash"])
            tx.append("spans", self.spans)
            tx.append("outcomes", self.outcomes)

        lake.write(write)
        assemble(lake, self.project, now=NOW)
        resolve(lake, self.project, now=NOW, waiting=timedelta(days=7))


def shop() -> Traffic:
    """1.0 measures itself in part, 1.1 not at all, 1.2 in a conversation that forks."""
    made = Traffic("shop")
    tokens = {"model": "gpt-4.1", "input_tokens": 1_000, "output_tokens": 100}  # 0.0028 USD
    figures: list[dict[str, Any]] = [
        {**tokens, "ttft_ms": 10.0},
        {**tokens, "ttft_ms": 30.0},
        {**tokens, "cost_usd": Decimal("0.01")},
        {**tokens, "model": "our-own"},
    ]
    for n, told in enumerate(figures):
        ended = T0 + timedelta(seconds=n, milliseconds=100 * (n + 1))
        made.call(f"a{n}", "1.0", [f"Question {n}"], "Answer", n, ended_at=ended, **told)
    for name, success in (("a0", True), ("a1", True), ("a2", False)):
        made.mark(name, success)
    made.call("b", "1.1", ["Hello"], "Hi", 60, ended_at=None)
    talk = ["One", "two"]
    made.call("c", "1.2", ["One"], "two", 120)
    made.call("c", "1.2", [*talk, "Three?"], "four", 121)
    made.call("c", "1.2", [*talk, "Thrice?"], "five", 122)
    return made


def posted(project: str, name: str, hours: int, **fields: Any) -> Episode:
    return Episode(
        project=project, episode_id=name, revision=1, at=NOW, messages=(), trainable=(),
        started_at=T0 + timedelta(hours=hours), **fields,
    )  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    home = tmp_path_factory.mktemp("releases")
    with Lake.open(home, rng=random.Random(1)) as opened:
        shop().store(opened)
        many = [posted("many", f"m{n}", n, release=f"h:{n:02d}") for n in range(23)]
        mixed = [
            posted("mixed", "root", 1, release="7", cost_usd=Decimal("0.5")),
            posted("mixed", "below", 2, release="7", parent_episode_id="root",
                   cost_usd=Decimal("1.5")),
            posted("mixed", "nameless", 0),
        ]  # fmt: skip
        given = Row(project="mixed", release="6", at=T0, kind="given")
        opened.write(
            lambda tx: [tx.append("episodes", many + mixed), tx.append("releases", [given])]
        )
        yield opened


@pytest.fixture(scope="module")
def told(lake: Lake) -> Releases:
    return releases(lake, None)


def of(told: Releases, project: str, name: str | None) -> Release:
    [one] = [r for r in told.shown if (r.project, r.release) == (project, name)]
    return one


def test_a_release_tells_what_it_cost_and_took_and_on_how_many_that_was_measured(
    told: Releases,
) -> None:
    one = of(told, "shop", "1.0")
    assert (one.first_seen, one.episodes) == (T0, 4)
    cost = one.cost_usd
    assert (cost.n, cost.estimated) == (3, 2)
    assert (cost.p50, cost.total) == (Decimal("0.0028"), Decimal("0.0156"))
    assert cost.p95 == pytest.approx(Decimal("0.00928"), abs=Decimal("1e-8"))
    assert one.latency_ms == one.call_ms == Spread(n=4, p50=250.0, p95=385.0)
    assert one.ttft_ms == Spread(n=2, p50=20.0, p95=29.0)


def test_success_is_a_rate_among_the_marked_with_its_interval(told: Releases) -> None:
    found = of(told, "shop", "1.0").success
    assert (found.episodes, found.marked, found.successes, found.pending) == (4, 3, 2, 1)
    level = wilson(2, 3)
    assert (found.rate, found.low, found.high) == (level.mean, level.low, level.high)


def test_what_was_not_measured_is_absent_and_not_zero(told: Releases) -> None:
    one = of(told, "shop", "1.1")
    assert one.cost_usd == Cost(n=0, estimated=0, p50=None, p95=None, total=None)
    assert one.latency_ms == one.call_ms == one.ttft_ms == ABSENT
    assert (one.success.marked, one.success.rate, one.success.low) == (0, None, None)


def test_a_call_that_two_branches_share_counts_once_among_calls(told: Releases) -> None:
    one = of(told, "shop", "1.2")
    assert one.episodes == 2
    assert one.call_ms == Spread(n=3, p50=100.0, p95=100.0)
    assert one.latency_ms == Spread(n=2, p50=200.0, p95=200.0)


def test_a_sub_agent_costs_like_any_episode_and_is_no_case_of_success(told: Releases) -> None:
    one = of(told, "mixed", "7")
    assert (one.episodes, one.success.episodes) == (2, 1)
    assert one.cost_usd.total == 2


def test_a_release_without_episodes_and_episodes_without_a_release_are_listed(
    told: Releases,
) -> None:
    given, nameless = of(told, "mixed", "6"), of(told, "mixed", None)
    assert (given.first_seen, given.episodes, given.success.pending) == (T0, 0, 0)
    assert (nameless.first_seen, nameless.episodes, nameless.success.pending) == (T0, 1, 1)


def test_of_very_many_the_latest_are_shown_and_the_others_counted(
    lake: Lake, told: Releases
) -> None:
    names = [one.release for one in told.shown if one.project == "many"]
    assert names == [f"h:{n:02d}" for n in range(22, 2, -1)]
    assert told.more == {"many": 3}
    few = releases(lake, "shop", most=1)
    assert [one.release for one in few.shown] == ["1.2"]
    assert few.more == {"shop": 2}
    assert few.shown[0] == of(told, "shop", "1.2")


def test_a_project_that_is_not_there_has_none(lake: Lake) -> None:
    assert releases(lake, "nobody") == Releases(shown=(), more={})


def test_rows_for_people_mark_estimates_and_totals_that_are_a_part(told: Releases) -> None:
    found = [of(told, "shop", name) for name in ("1.0", "1.1")] + [of(told, "mixed", "7")]
    assert price_and_pace(found) == [
        ["shop", "1.0", "~$0.0028", ">= ~$0.0156", "0.25 s", "0.385 s", "0.02 s"],
        ["shop", "1.1", "-", "-", "-", "-", "-"],
        ["mixed", "7", "$1.00", "$2.00", "-", "-", "-"],
    ]
    assert [row[3:] for row in quality(found)] == [
        [4, 1, 3, "66.7 %", "20.8 % to 93.9 %"],
        [1, 1, 0, "-", "-"],
        [2, 1, 0, "-", "-"],
    ]
