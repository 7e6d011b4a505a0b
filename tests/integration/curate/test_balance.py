"""Every completion of the recordings and of the bundled sample is trained once or has a reason."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headrace.console.replay import request
from headrace.console.sample import runs
from headrace.curate.assemble import assemble
from headrace.curate.balance import Balance, balances
from headrace.ingest.batch import Batch, Body, write
from headrace.ingest.reader import read
from headrace.lake import Lake
from headrace.lake.message import Message
from headrace.lake.record import Span
from tests.recorded import NOW, entries

QUALITIES = ("full", "repaired", "partial", "no_content")


def take(lake: Lake, bodies: list[Body]) -> None:
    batch = Batch.union(map(read, bodies))
    lake.write(lambda tx: write(tx, batch))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """All recordings, a project for each quality."""
    with Lake.open(tmp_path_factory.mktemp("recorded")) as lake:
        take(lake, [body for entry in entries() for body in entry.bodies(entry.quality)])
        for quality in QUALITIES:
            assemble(lake, quality, now=NOW, link=True)
        yield lake


def test_all_recordings_balance(recorded: Lake) -> None:
    found = {one.project: one for one in balances(recorded)}
    assert set(found) == set(QUALITIES)
    assert [one for one in found.values() if not one.holds or one.waiting] == []
    assert found["full"].seen > 300
    assert (found["full"].untrained, found["partial"].untrained) == ({}, {"blank_turn": 1})
    silent = found["no_content"]
    assert (silent.seen, silent.trained, silent.without_content) == (0, 0, 27)


def test_the_bundled_sample_balances(lake: Lake) -> None:
    bodies = [
        Body(
            seq=number,
            signal="traces",
            content_type="application/x-protobuf",
            payload=request(run, []).SerializeToString(),
            received_at=NOW,
            project=None,
        )
        for number, run in enumerate(runs(NOW)[::3])
    ]
    take(lake, bodies)
    before = {one.project: one.waiting for one in balances(lake)}
    for project in before:
        assemble(lake, project, now=NOW)
    after = {one.project: one for one in balances(lake)}
    assert {name: one.seen for name, one in after.items()} == before
    assert len(after) == 2 and all(one.holds and one.trained for one in after.values())


T0 = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("balance")) as lake:
        yield lake


def call(trace: str, number: int, said: str, **fields: object) -> tuple[Span, list[Message]]:
    asked = Message.of({"role": "user", "content": f"{trace} asks {number}"})
    reply = Message.of({"role": "assistant", "content": said})
    at = T0 + timedelta(minutes=number)
    span = Span(
        project="shop", trace_id=trace, span_id=f"{number:016x}", kind="llm", name="chat",
        received_at=at, started_at=at, input=(asked.hash,), output=(reply.hash,),
        **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    return span, [asked, reply]


def put(lake: Lake, *calls: tuple[Span, list[Message]]) -> None:
    messages = [message for _, both in calls for message in both]
    lake.write(
        lambda tx: [
            tx.add_new("messages", messages, on=["hash"]),
            tx.upsert("spans", [span for span, _ in calls], on=["project", "trace_id", "span_id"]),
        ]
    )


def only(lake: Lake) -> Balance:
    [found] = balances(lake)
    return found


def test_what_came_since_the_night_waits_with_all_of_its_conversation(lake: Lake) -> None:
    told = {"conversation_id": "c"}
    put(lake, call("t1", 1, "one", **told), call("t2", 2, "two", **told), call("t3", 3, "three"))
    assert (only(lake).seen, only(lake).waiting) == (0, 3)
    assemble(lake, "shop", now=T0)
    assert (only(lake).seen, only(lake).trained, only(lake).waiting) == (3, 3, 0)
    put(lake, call("t2", 4, "four", **told))
    assert (only(lake).seen, only(lake).waiting, only(lake).holds) == (2, 2, True)
    assemble(lake, "shop", now=T0)
    assert (only(lake).seen, only(lake).trained, only(lake).waiting) == (4, 4, 0)


def test_an_episode_over_two_traces_waits_as_a_whole(lake: Lake) -> None:
    first, said = call("t1", 1, "one", response_id="r1")
    second, more = call("t2", 2, "two", previous_response_id="r1")
    put(lake, (first, said), (second, more))
    assemble(lake, "shop", now=T0)
    [episode] = lake.rows("select trace_ids, turns from current_episodes")
    assert episode == {"trace_ids": ["t1", "t2"], "turns": 2}
    put(lake, call("t2", 3, "three"))
    assert (only(lake).seen, only(lake).waiting, only(lake).holds) == (0, 3, True)


def test_each_call_that_is_not_trained_has_a_reason_and_silent_ones_are_beside(lake: Lake) -> None:
    silent, _ = call("t4", 4, "x")
    answered = {"response_id": "r1"}
    put(
        lake,
        call("t1", 1, "one", scope="client", **answered),
        call("t1", 5, "one", scope="framework", **answered),
        call("t2", 2, " "),
        call("t3", 3, "cut sh", finish_reason="length"),
        (msgspec.structs.replace(silent, input=(), output=()), []),
    )
    assemble(lake, "shop", now=T0)
    found = only(lake)
    assert found.untrained == {"blank_turn": 1, "duplicate_call": 1, "unfinished": 1}
    assert (found.seen, found.trained, found.without_content, found.holds) == (4, 1, 1, True)


def test_a_lost_revision_does_not_balance_until_its_trace_is_assembled_anew(lake: Lake) -> None:
    put(lake, call("t1", 1, "one"), call("t2", 2, "two"))
    assemble(lake, "shop", now=T0)
    lake.write(lambda tx: tx.run("delete from episodes where list_contains(trace_ids, 't2')"))
    found = only(lake)
    assert (found.holds, found.difference, found.unheld) == (False, 1, 1)
    lake.write(lambda tx: tx.run("delete from assembled_traces where project = 'shop'"))
    assemble(lake, "shop", now=T0)
    found = only(lake)
    assert (found.holds, found.trained, found.unheld) == (True, 2, 0)


def test_two_faults_that_cancel_out_do_not_balance(lake: Lake) -> None:
    put(lake, call("t1", 1, "one"), call("t2", 2, "two"))
    assemble(lake, "shop", now=T0)
    lake.write(lambda tx: tx.run("delete from episodes where list_contains(trace_ids, 't2')"))
    lake.write(lambda tx: tx.run("update episodes set turns = 2"))
    found = only(lake)
    assert (found.holds, found.difference, found.unheld) == (False, 0, 1)
