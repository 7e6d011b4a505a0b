"""Marks that look wrong, found in the tables of a night."""

import numpy as np
import pytest

from headrace.curate.suspect import NAME, suspect
from headrace.lake.record import Resolved
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World
from tests.unit.curate.marked import BAD, GOOD, Units, labels


@pytest.fixture
def units(world: World) -> Units:
    return Units(world)


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
