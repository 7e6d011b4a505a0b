"""Reasons of failures: signatures, and kinds by what was said last."""

from typing import Any

import numpy as np
import pytest

from headrace.curate.failure import CLUSTER, NO_REASON, diagnose, reasons
from headrace.curate.failure import NAME as REASON
from headrace.curate.labels.kind import LIKE, NAME, gather, last_word
from headrace.lake.record import Resolved
from headrace.lake.store import Lake, Transaction
from tests.unit.curate.conftest import NOW, World, result, said, user
from tests.unit.curate.marked import BAD, GOOD, Units, labels
from tests.unit.curate.semantic.conftest import WordEncoder

REFUND = "I cannot refund this order because the policy forbids refunds after a month"
WEATHER = "It will be sunny in Lisbon tomorrow with light wind from north and west"


def resolve(lake: Lake, units: Units, name: str, *, success: bool) -> None:
    row = Resolved(
        project=units.world.project, episode_id=f"{units.world.project}/{name}", at=NOW,
        resolution="success" if success else "failure", success=success,
    )  # fmt: skip
    lake.write(lambda tx: tx.upsert("resolutions", [row], on=["project", "episode_id"]))


@pytest.fixture
def units(world: World) -> Units:
    return Units(world)


@pytest.fixture
def words() -> WordEncoder:
    return WordEncoder()


def run(lake: Lake, units: Units, words: WordEncoder) -> Any:
    return diagnose(lake, units.world.project, now=NOW, encoder=words)


def rows(lake: Lake, units: Units) -> list[tuple[Any, ...]]:
    sql = """
        select episode_id, value, source, confidence from labels
        where project = $project and name = $name order by all
    """
    return lake.sql(sql, {"project": units.world.project, "name": REASON}).fetchall()


def test_failures_are_gathered_by_the_first_tool_that_failed(
    lake: Lake, units: Units, words: WordEncoder
) -> None:
    other = "search(a)->err:timeout\nsearch(a)->ok"
    for i, (success, skeleton) in enumerate(
        [(False, BAD), (False, BAD), (False, other), (False, GOOD), (False, None), (True, BAD)]
    ):
        units.add(f"e{i}", success, skeleton, answer="")
    units.drain(lake)
    result = run(lake, units, words)
    assert (result.seen, result.kept, result.dropped) == (5, 3, {NO_REASON: 2})
    found = reasons(lake, units.world.project)
    assert [(one.reason.partition(" |")[0], one.episodes) for one in found] == [
        ("book err:denied", 2), ("search err:timeout", 1),
    ]  # fmt: skip
    assert [round(one.share, 2) for one in found] == [0.67, 0.33]
    snapshot = lake.snapshot_id
    run(lake, units, words)
    assert lake.snapshot_id == snapshot


def test_an_episode_that_is_no_failure_any_more_has_no_reason(
    lake: Lake, units: Units, words: WordEncoder
) -> None:
    units.add("e0", False, BAD)
    units.add("e1", False, BAD)
    units.drain(lake)
    run(lake, units, words)
    gone = "delete from resolutions where episode_id = $name"
    lake.write(lambda tx: tx.run(gone, {"name": f"{units.world.project}/e0"}))
    run(lake, units, words)
    assert list(labels(lake, units.world, REASON)) == ["e1"]


def test_failures_without_an_error_are_gathered_by_what_was_said_last(
    lake: Lake, units: Units, words: WordEncoder
) -> None:
    for i, answer in enumerate([REFUND, WEATHER, f"{REFUND} alas", REFUND]):
        units.add(f"e{i}", False, GOOD, answer=answer)
    units.add("e4", True, GOOD, answer=REFUND)
    units.add("e5", False, BAD, answer=REFUND)
    units.drain(lake)
    assert run(lake, units, words).kept == 5
    found = {name: value for name, (value, _) in labels(lake, units.world, REASON).items()}
    assert found["e0"] == found["e2"] == found["e3"] == REFUND
    assert found["e1"] == WEATHER and found["e5"].startswith("book err:denied")
    [most, *_] = reasons(lake, units.world.project)
    assert (most.reason, most.source, most.episodes) == (REFUND, CLUSTER, 3)


def test_nights_in_sequence_give_what_one_night_gives_and_read_nothing_twice(
    lake: Lake, units: Units, words: WordEncoder
) -> None:
    answers = [REFUND, WEATHER, f"{REFUND} alas", f"oh well {WEATHER}", "Good bye", REFUND]
    whole = Units(World(f"{units.world.project} at once"))
    for i, answer in enumerate(answers):
        whole.add(f"e{i}", False, GOOD, answer=answer)
    whole.drain(lake)
    run(lake, whole, words)
    for i, answer in enumerate(answers):
        units.add(f"e{i}", False, GOOD, answer=answer)
        if i % 2:
            units.drain(lake)
            units.texts, units.episodes, units.vectors = [], [], {}
            words.read = []
            run(lake, units, words)
            assert len(words.read) == 2
    assert run(lake, units, words).seen == len(answers)
    assert labels(lake, units.world, REASON) == labels(lake, whole.world, REASON)
    snapshot = lake.snapshot_id
    run(lake, units, words)
    assert lake.snapshot_id == snapshot


def test_an_episode_that_fails_again_is_read_again(
    lake: Lake, units: Units, words: WordEncoder
) -> None:
    units.add("e0", False, GOOD, answer=REFUND)
    units.drain(lake)
    run(lake, units, words)
    assert len(rows(lake, units)) == 1
    resolve(lake, units, "e0", success=True)
    run(lake, units, words)
    assert rows(lake, units) == []
    resolve(lake, units, "e0", success=False)
    run(lake, units, words)
    assert len(rows(lake, units)) == 1


def test_another_model_reads_all_failures_anew(lake: Lake, units: Units) -> None:
    units.add("e0", False, GOOD, answer=REFUND)
    units.drain(lake)
    run(lake, units, WordEncoder("one"))
    second = WordEncoder("two")
    run(lake, units, second)
    assert second.read == [REFUND] and len(rows(lake, units)) == 1


def test_a_night_that_was_killed_leaves_no_half(
    lake: Lake, units: Units, words: WordEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    units.add("e0", False, GOOD, answer=REFUND)
    units.add("e1", False, BAD)
    units.drain(lake)
    with monkeypatch.context() as broken:
        broken.setattr(Transaction, "append", _die)
        with pytest.raises(KeyboardInterrupt):
            run(lake, units, words)
    assert rows(lake, units) == []
    run(lake, units, words)
    assert len(rows(lake, units)) == 2


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_last_word_is_the_last_answer_and_how_it_was_cut_off() -> None:
    call = ("1", "find", "{}")
    turns = [said("First  answer"), said(None, call), result("1", "x"), user("so?")]
    assert last_word(turns, "stop") == "First answer"
    assert last_word(turns, "length") == "length First answer"
    assert last_word([user("Hi")], None) == ""
    assert len(last_word([said("word " * 900)], None)) <= 1_000


def test_who_is_like_no_kind_begins_one_and_names_differ() -> None:
    east, north = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    between = np.array([LIKE + 0.01, (1 - (LIKE + 0.01) ** 2) ** 0.5], np.float32)
    long = "a very long answer " * 10
    found = gather([long, long, "other"], np.stack([east, north, between]), {})
    first, second, third = found.names
    assert first is not None and first.endswith(" ...") and len(first) <= NAME + 4
    assert second == f"{first} (2)" and third == second
    assert found.cosines[:2] == (1.0, 1.0) and list(found.new) == [first, second]
    again = gather(["third"], east[None], {"known": east})
    assert (again.names, dict(again.new)) == (("known",), {})
