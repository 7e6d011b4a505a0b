"""Marks that look wrong and reasons of failures, found in the tables of a night."""

from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from headrace.curate.failure import NAME as REASON
from headrace.curate.failure import NO_ERROR, diagnose, reasons
from headrace.curate.suspect import NAME, suspect
from headrace.lake.message import digest
from headrace.lake.record import EpisodeUnits, Resolved, TextUnitRow
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, said, user

GOOD, BAD = "search(a)->ok\nbook(b)->ok", "search(a)->ok\nbook(b)->err:denied"


class Units:
    """Episodes with the units, vectors and resolutions that a night would have given them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.texts: list[TextUnitRow] = []
        self.episodes: list[EpisodeUnits] = []
        self.vectors: dict[str, list[float]] = {}

    def unit(self, kind: str, text: str) -> int:
        digested = digest(f"{self.world.project} {text}")
        known = {row.text_hash: row.unit_id for row in self.texts}
        if digested not in known:
            row = TextUnitRow(
                project=self.world.project, unit_id=len(self.texts), kind=kind, version="v",
                text_hash=digested, episode_id="first", at=NOW, text=text,
            )  # fmt: skip
            self.texts.append(row)
        return known.get(digested, len(self.texts) - 1)

    def add(self, name: str, success: bool, skeleton: str | None, vector: list[float]) -> None:
        episode = self.world.post(name, [user(name), said("Done")], trace_ids=(name,))
        asked = self.unit("request", f"request {name}")
        self.vectors[self.texts[asked].text_hash] = vector
        self.episodes.append(
            EpisodeUnits(
                project=self.world.project,
                episode_id=episode.episode_id,
                revision=1,
                request=asked,
                asked=asked,
                skeleton=None if skeleton is None else self.unit("skeleton", skeleton),
            )  # fmt: skip
        )
        self.world.resolve(episode, "success" if success else "failure")
        last = self.world.resolved[-1]
        self.world.resolved[-1] = msgspec.structs.replace(last, success=success)

    def drain(self, lake: Lake) -> None:
        self.world.drain(lake)
        shape = pa.list_(pa.float32())
        vectors = pa.table(
            {
                "text_hash": list(self.vectors),
                "model": ["m"] * len(self.vectors),
                "vector": pa.array(list(self.vectors.values()), shape),
            }
        )

        def write(tx: Any) -> None:
            tx.append("text_units", self.texts)
            tx.append("episode_units", self.episodes)
            tx.append_columns("embeddings", vectors)

        lake.write(write)


@pytest.fixture
def units(world: World) -> Units:
    return Units(world)


def labels(lake: Lake, world: World, name: str) -> dict[str, tuple[str, float | None]]:
    sql = "select episode_id, value, confidence from labels where project = $project and name = $n"
    rows = lake.sql(sql, {"project": world.project, "n": name}).fetchall()
    return {row[0].rpartition("/")[2]: row[1:] for row in rows}


def planted(units: Units, count: int = 240) -> set[str]:
    """Two kinds of requests, one of which fails; every sixteenth mark is wrong."""
    rng = np.random.default_rng(5)
    wrong = set()
    for i in range(count):
        good, flipped = i % 3 > 0, i % 16 == 0
        vector = rng.normal(size=8) + (1.5 if good else 0)
        name = f"e{i:03d}"
        units.add(name, good != flipped, GOOD if good else BAD, vector.tolist())
        wrong |= {name} if flipped else set()
    return wrong


def test_planted_wrong_marks_are_named_with_the_label_that_they_bear(
    lake: Lake, units: Units
) -> None:
    wrong = planted(units)
    units.drain(lake)
    result = suspect(lake, units.world.project, now=NOW)
    found = labels(lake, units.world, NAME)
    assert result.dropped == {NAME: len(found)}
    assert len(found.keys() & wrong) >= 0.8 * len(wrong)
    assert len(found.keys() & wrong) >= 0.8 * len(found)
    for name in found.keys() & wrong:
        value, confidence = found[name]
        assert value == ("failure" if int(name[1:]) % 3 else "success")
        assert confidence is not None and confidence > 0.5
    snapshot = lake.snapshot_id
    suspect(lake, units.world.project, now=NOW)
    assert lake.snapshot_id == snapshot


def test_a_mark_that_was_put_right_is_suspected_no_more(lake: Lake, units: Units) -> None:
    wrong = planted(units)
    units.drain(lake)
    suspect(lake, units.world.project, now=NOW)
    name = min(labels(lake, units.world, NAME).keys() & wrong)
    good = int(name[1:]) % 3 > 0
    right = Resolved(
        project=units.world.project, episode_id=f"{units.world.project}/{name}", at=NOW,
        resolution="success" if good else "failure", success=good,
    )  # fmt: skip
    lake.write(lambda tx: tx.upsert("resolutions", [right], on=["project", "episode_id"]))
    suspect(lake, units.world.project, now=NOW)
    assert name not in labels(lake, units.world, NAME)


def test_few_episodes_and_those_without_a_vector_are_not_suspected(
    lake: Lake, units: Units
) -> None:
    assert suspect(lake, units.world.project, now=NOW).seen == 0
    planted(units, 30)
    units.vectors = dict(list(units.vectors.items())[:20])
    units.drain(lake)
    assert suspect(lake, units.world.project, now=NOW).seen == 20
    assert labels(lake, units.world, NAME) == {}


def test_failures_are_gathered_by_the_first_tool_that_failed(lake: Lake, units: Units) -> None:
    other = "search(a)->err:timeout\nsearch(a)->ok"
    for i, (success, skeleton) in enumerate(
        [(False, BAD), (False, BAD), (False, other), (False, GOOD), (False, None), (True, BAD)]
    ):
        units.add(f"e{i}", success, skeleton, [0.0])
    units.drain(lake)
    result = diagnose(lake, units.world.project, now=NOW)
    assert (result.seen, result.kept, result.dropped) == (5, 3, {NO_ERROR: 2})
    found = reasons(lake, units.world.project)
    assert [(one.reason.partition(" |")[0], one.episodes) for one in found] == [
        ("book err:denied", 2), ("search err:timeout", 1),
    ]  # fmt: skip
    assert [round(one.share, 2) for one in found] == [0.67, 0.33]
    snapshot = lake.snapshot_id
    diagnose(lake, units.world.project, now=NOW)
    assert lake.snapshot_id == snapshot


def test_an_episode_that_is_no_failure_any_more_has_no_reason(lake: Lake, units: Units) -> None:
    units.add("e0", False, BAD, [0.0])
    units.add("e1", False, BAD, [0.0])
    units.drain(lake)
    diagnose(lake, units.world.project, now=NOW)
    gone = "delete from resolutions where episode_id = $name"
    lake.write(lambda tx: tx.run(gone, {"name": f"{units.world.project}/e0"}))
    diagnose(lake, units.world.project, now=NOW)
    assert Counter(labels(lake, units.world, REASON).keys()) == Counter(["e1"])
