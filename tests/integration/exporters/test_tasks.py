"""Prompts to answer anew, from a lake as a night leaves it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from headrace.evals.rewards import score
from headrace.exporters import dataset, table
from headrace.exporters.row import ENOUGH, Row
from headrace.exporters.selection import select
from headrace.lake import Lake
from headrace.lake.message import Body, Message
from headrace.lake.record import PairRow
from headrace.lake.store import Transaction

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PROJECT = "shop"


class Stock(Protocol):
    lake: Lake

    def episode(self, name: str, **fields: Any) -> None: ...

    def together(self) -> Any: ...


def rows(stock: Stock) -> dict[str, Row]:
    """Episode -> its row."""
    found = select(stock.lake, PROJECT, "rl")
    return {name: row for row in found.rows for name in row.episode_ids}


def call(name: str, order: str) -> Body:
    function = {"name": name, "arguments": json.dumps({"order_id": order})}
    told = [{"id": "x", "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": told}


def correct(stock: Stock, episode: str, turn: int, body: Body) -> None:
    """What the night's step `pair` makes of a person's correction of a failure."""
    said = Message.of(body)
    row = PairRow(
        project=PROJECT,
        pair_id=f"pr-{episode}-{turn}",
        chosen=episode,
        rejected=episode,
        kind="correction",
        request="1",
        turn=turn,
        correction=said.hash,
        version="1",
        at=NOW,
    )

    def work(tx: Transaction) -> None:
        tx.add_new("scrubbed_messages", [said], on=["hash"])
        tx.append("pairs", [row])

    stock.lake.write(work)


def test_a_set_of_tasks_holds_what_a_reward_needs(still_shop: Stock, tmp_path: Path) -> None:
    built = dataset.build(still_shop.lake, PROJECT, "tasks", "rl", out=tmp_path / "out", now=NOW)
    assert built.splits == {"train": 3, "test": 1}
    assert built.drops == {"no_reference": 3}
    [file] = (tmp_path / "out" / "data").glob("train-*.parquet")
    for row in table.read(file, "rl", "train"):
        order = row.episode_ids[0]
        right, wrong = ([call("refund", name)] for name in (order, "B9"))
        assert score(row.scorer or "", row.reference or "", right) == 1
        assert score(row.scorer or "", row.reference or "", wrong) == 0
        assert [message["role"] for message in row.prompt] == ["system", "user"]


def test_the_rate_is_of_all_resolved_episodes_that_ask_the_same(stock: Stock) -> None:
    ends = ["success", "success", "failure", "failure", "failure", "pending", "unmarked"]
    with stock.together():
        for i, end in enumerate(ends):
            stock.episode(f"e{i}", resolution=end, request="r", model=f"m{i % 2}")
        stock.episode("alone", resolution="success")
    found = rows(stock)
    assert set(found) == {"e0", "e1", "alone"}
    assert {(found[n].pass_rate, found[n].samples, found[n].policy) for n in ("e0", "e1")} == {
        (0.4, 5, "m0, m1")
    }
    assert (found["alone"].pass_rate, found["alone"].samples) == (1.0, 1)
    assert found["alone"].policy is None


@pytest.mark.parametrize(("failures", "left"), [(0, set()), (1, {"e0"})])
def test_a_request_that_always_went_well_teaches_nothing(
    stock: Stock, failures: int, left: set[str]
) -> None:
    with stock.together():
        for i in range(ENOUGH):
            end = "failure" if i >= ENOUGH - failures else "success"
            duplicate = {"duplicate_of": "e0"} if i else {}
            stock.episode(f"e{i}", resolution=end, request="r", **duplicate)
    found = select(stock.lake, PROJECT, "rl")
    assert set(found.marks) == left
    assert found.drops.get("pass_rate_edge", 0) == (0 if failures else ENOUGH)


def test_a_corrected_failure_asks_for_what_a_person_said(stock: Stock) -> None:
    with stock.together():
        for name in ("called", "spoken", "unknown", "gone", "mended"):
            stock.episode(name, resolution="success" if name == "mended" else "failure")
    correct(stock, "called", 2, call("refund", "B2"))
    correct(stock, "spoken", 2, call("refund", "B2"))
    correct(stock, "spoken", 4, {"role": "assistant", "content": "No, it is paid."})
    correct(stock, "unknown", 2, call("search", "B2"))
    correct(stock, "gone", 3, call("refund", "B2"))
    correct(stock, "mended", 2, call("refund", "B2"))
    chosen = select(stock.lake, PROJECT, "rl")
    found = {name: row for row in chosen.rows for name in row.episode_ids}
    assert {n: f.reason for n, f in chosen.against.items()} == {
        "unknown": "call_to_unknown_tool",
        "gone": "no_reference",
    }
    assert json.loads(found["called"].reference or "")[0]["arguments"] == '{"order_id": "B2"}'
    assert len(found["called"].prompt) == 2
    assert (found["spoken"].scorer, found["spoken"].reference) == ("match", "No, it is paid.")
    assert len(found["spoken"].prompt) == 4
    assert '"mended\\"' in (found["mended"].reference or "")
