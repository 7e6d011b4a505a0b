"""Who votes, how good each is, and who looks like a family."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.evals.witness import Witness, heard
from headrace.lake.record import Outcome, ReviewItem, Source, VoteRow
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, T0, World, said, user


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("lake"), rng=random.Random(1)) as opened:
        yield opened


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    return World(request.node.nodeid)


def outcome(world: World, name: str, source: Source, success: bool, **fields: Any) -> Outcome:
    given = {"name": "outcome", "outcome_id": f"{name}/{source}/{fields}", **fields}
    return Outcome(
        project=world.project, target_kind="trace", target_id=name, source=source, at=T0,
        success=success, received_at=NOW, **given,
    )  # fmt: skip


def deliver(lake: Lake, world: World, truth: dict[str, bool], votes: dict[str, Any]) -> None:
    """People mark all; rules of these names vote as they do on each."""
    for name in truth:
        release = f"r{int(name[1:]) % 2}"
        world.post(name, [user(name), said("Done")], trace_ids=(name,), release=release)
    world.drain(lake)
    marks = [outcome(world, name, "human", good) for name, good in truth.items()]
    rows = [
        VoteRow(
            project=world.project, episode_id=f"{world.project}/{name}", name=rule, source="rule",
            origin="rule", value=int(value), at=T0,
        )
        for rule, said_of in votes.items() for name, value in said_of.items()
    ]  # fmt: skip

    def write(tx: Any) -> None:
        tx.append("outcomes", marks)
        tx.append("votes", rows)

    lake.write(write)


def of(lake: Lake, world: World) -> dict[str, Witness]:
    return {one.name: one for one in heard(lake, world.project).witnesses}


TRUTH = {f"e{i}": i % 10 < 6 for i in range(300)}


def test_a_good_rule_is_trusted_and_a_coin_is_not(lake: Lake, world: World) -> None:
    rng = random.Random(5)
    good = {name: value != (rng.random() < 0.05) for name, value in TRUTH.items()}
    coin = {name: rng.random() < 0.5 for name in TRUTH}
    deliver(lake, world, TRUTH, {"good": good, "coin": coin})
    found = of(lake, world)
    assert found["rule/good"].trusted and not found["rule/good"].refuted
    assert found["rule/coin"].refuted and "is untrustworthy" in found["rule/coin"].words
    rates = [found["rule/good"].hit, found["rule/good"].false]
    # People are taken to err in 5 % as well, which some of what it says is put down to.
    assert rates == pytest.approx([0.95, 0.05], abs=0.12)
    assert [part.name for part in found["rule/good"].slices] == ["r0", "r1"]
    assert [part.agreement.n for part in found["rule/good"].slices] == [150, 150]


def test_probabilities_made_without_people_are_held_against_people(
    lake: Lake, world: World
) -> None:
    rng = random.Random(5)
    rules = {
        rule: {name: value != (rng.random() < 0.1) for name, value in TRUTH.items()}
        for rule in ("a", "b", "c")
    }
    deliver(lake, world, TRUTH, rules)
    found = heard(lake, world.project).fidelity
    assert found is not None and (found.episodes, found.even) == (300, False)
    assert found.accuracy > 0.93 and found.error < 0.05
    assert found.right is not None and found.right > 0.95 and 150 < found.gated <= 300
    drawn = [
        ReviewItem(
            project=world.project, item_id=name, episode_id=f"{world.project}/{name}",
            stratum="random", why="", picked_at=NOW, selection_probability=0.1, state="answered",
            state_at=NOW,
        )
        for name in list(TRUTH)[:40]
    ]  # fmt: skip
    lake.write(lambda tx: tx.append("review_items", drawn))
    even = heard(lake, world.project).fidelity
    assert even is not None and (even.episodes, even.even) == (40, True)


def test_those_who_know_are_taken_to_know(lake: Lake, world: World) -> None:
    deliver(lake, world, {"e0": True}, {})
    lake.write(lambda tx: tx.append("outcomes", [outcome(world, "e0", "product", True)]))
    found = of(lake, world)
    assert found["product/outcome"].assumed and found["human/outcome"].assumed
    assert (found["product/outcome"].hit, found["product/outcome"].false) == (0.98, 0.02)


def test_nobody_is_compared_where_nobody_knows(lake: Lake, world: World) -> None:
    world.post("e0", [user("e0"), said("Done")])
    deliver(lake, world, {}, {"alone": {"e0": True}})
    [found] = heard(lake, world.project).witnesses
    assert found.agreement is None and not found.trusted and not found.refuted
    assert "nobody who knows" in found.words


def test_two_who_err_together_are_proposed_as_a_family(lake: Lake, world: World) -> None:
    rng = random.Random(2)
    wrong = {name: rng.random() < 0.25 for name in TRUTH}
    first = {name: value != wrong[name] for name, value in TRUTH.items()}
    second = {
        name: value != (wrong[name] if rng.random() < 0.9 else rng.random() < 0.25)
        for name, value in TRUTH.items()
    }
    other = {name: value != (rng.random() < 0.25) for name, value in TRUTH.items()}
    deliver(lake, world, TRUTH, {"first": first, "second": second, "other": other})
    [pair] = heard(lake, world.project).proposals
    assert (pair.first, pair.second, pair.audited) == ("rule/first", "rule/second", 300)
    assert pair.correlation > 0.6


def test_of_a_lake_without_votes_nothing_is_said(lake: Lake, world: World) -> None:
    found = heard(lake, world.project)
    assert (found.witnesses, found.proposals, found.base) == ((), (), None)
