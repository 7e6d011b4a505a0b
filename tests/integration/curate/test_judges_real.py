"""Real judges beside those who know: which of them may be believed, and what pooling does."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from headrace.curate.labels.calibration import ece
from headrace.curate.labels.resolver import resolve
from headrace.curate.labels.vote import NO_FAMILIES, Families, Vote
from headrace.evals.witness import Witness, heard
from headrace.lake.record import Outcome
from headrace.lake.store import Lake
from tests.integration.curate.conftest import DATA, T0
from tests.unit.curate.conftest import World, said, user

WEEK = timedelta(days=7)
PASSES = ("pass", "satisfied", "satisfactory", "compliant", "correct")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("lake")) as opened:
        yield opened


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    return World(request.node.nodeid)


def records(name: str) -> list[dict[str, Any]]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name} beside the checkout")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def facts(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "facts.json").read_text())[name]
    return found


def verdict(word: str) -> int | None:
    """A word of a judge's own choosing; one that nobody knows is no vote."""
    return 1 if word in PASSES else 0 if word == "fail" else None


def airline() -> tuple[list[Vote], dict[str, int]]:
    """What four prompts to one model said of 50 conversations, and what came of them."""
    rows = records("tau2_judge/airline_verdicts.jsonl.gz")
    votes = [
        Vote(
            episode_id=row["simulation_id"], name=row["judge_prompt_name"], source="judge",
            author=row["judge_model"], at=T0, value=verdict(row["judge_verdict"]),
        )
        for row in rows
    ]  # fmt: skip
    return votes, {row["simulation_id"]: int(row["tau2_success"]) for row in rows}


def first(label: object) -> int | None:
    """Whether the first response is the better one; a tie or "garbage" says neither."""
    return {"1": 1, "2": 0}.get(str(label))


def pandalm() -> tuple[list[Vote], list[Vote], list[dict[str, Any]]]:
    """What three annotators, and what two judges, said of 556 pairs of responses."""
    rows = records("pandalm/pairs.jsonl.gz")
    people, judges = [], []
    for row in rows:
        given: dict[str, Any] = {"episode_id": f"{row['idx']}/{row['cmp_key']}", "at": T0}
        for who in ("annotator1", "annotator2", "annotator3"):
            value = first(row[who])
            people.append(Vote(source="human", name="better", author=who, value=value, **given))
        for who in ("gpt", "pandalm"):
            value = first(row[f"{who}_result"])
            judges.append(Vote(source="judge", name=who, value=value, **given))
    return people, judges, rows


def majority(people: Iterable[Vote]) -> dict[str, int]:
    """What at least two of three said; a tie is no majority for either."""
    said: dict[str, Counter[int | None]] = {}
    for vote in people:
        said.setdefault(vote.episode_id, Counter())[vote.value] += 1
    most = {name: counts.most_common(1)[0] for name, counts in said.items()}
    return {name: value for name, (value, n) in most.items() if value is not None and n > 1}


def deliver(lake: Lake, world: World, votes: Iterable[Vote]) -> None:
    """Each vote as the mark that a product would send."""
    given = [vote for vote in votes if vote.value is not None]
    for name in sorted({vote.episode_id for vote in given}):
        world.post(name, [user(name), said("Done")], trace_ids=(name,))
    outcomes = [
        Outcome(
            project=world.project, outcome_id=f"{vote.source}/{vote.name}/{vote.author}/{number}",
            target_kind="trace", target_id=vote.episode_id, source=vote.source, name=vote.name,
            author=vote.author, success=bool(vote.value), at=vote.at, received_at=vote.at,
        )
        for number, vote in enumerate(given)
    ]  # fmt: skip
    world.drain(lake)
    lake.write(lambda tx: tx.append("outcomes", outcomes))


def weighed(
    votes: list[Vote], truth: dict[str, int], families: Families = NO_FAMILIES
) -> tuple[float, float]:
    """Accuracy and calibration error of the votes alone, on the episodes whose truth is known."""
    ended = dict.fromkeys(truth, T0)
    found = resolve(votes, ended, now=T0 + 2 * WEEK, waiting=WEEK, families=families)
    known = [one for one in found.labels if one.success is not None]
    success = [one.success for one in known if one.success is not None]
    right = [(one.success or 0) > 0.5 for one in known]
    seen = [truth[one.episode_id] for one in known]
    gap = ece(success, seen)
    assert gap is not None
    return sum(a == bool(b) for a, b in zip(right, seen, strict=True)) / len(known), gap


@pytest.fixture
def four(lake: Lake, world: World) -> dict[str, Witness]:
    votes, truth = airline()
    people = [
        Vote(episode_id=name, name="reward", source="human", at=T0, value=value)
        for name, value in truth.items()
    ]
    deliver(lake, world, [*votes, *people])
    found = heard(lake, world.project)
    return {one.name: one for one in found.witnesses}


def test_no_judge_of_the_airline_may_be_believed_and_one_is_no_better_than_chance(
    four: dict[str, Witness],
) -> None:
    prompts = facts("dev/tau2_judge/airline_verdicts")["prompts"]
    for prompt, told in prompts.items():
        found = four[f"judge/{prompt}"]
        counts = told["verdict_by_truth"]
        good = {kind for kind in counts if not kind.endswith("fail")}
        equal = sum(n for kind, n in counts.items() if (kind in good) == kind.startswith("ok"))
        assert found.agreement is not None
        assert (found.agreement.n, found.ayes) == (50, sum(counts[kind] for kind in good))
        assert found.agreement.agreement == pytest.approx(equal / 50)
        assert not found.trusted
    triage = four["judge/quick_triage_v1"]
    assert triage.refuted and triage.agreement is not None
    assert triage.agreement.kappa == pytest.approx(0.063, abs=5e-4)
    assert triage.words.startswith(
        "judge/quick_triage_v1 is untrustworthy: kappa 0.06 [-0.09, 0.21] on 50 episodes."
    )
    assert "no better than chance" in triage.words


def test_four_prompts_to_one_model_are_wrong_with_certainty_unless_they_are_pooled() -> None:
    votes, truth = airline()
    pool = {f"judge/{vote.name}": "gpt-4o" for vote in votes}
    apart, pooled = weighed(votes, truth), weighed(votes, truth, pool)
    assert [*apart, *pooled] == pytest.approx([0.42, 0.585, 0.52, 0.427], abs=1e-3)


def test_labels_of_pandalm_are_read_as_its_authors_counted_them() -> None:
    people, judges, rows = pandalm()
    told = facts("dev/pandalm/pairs")
    assert Counter(str(row[f"annotator{n}"]) for row in rows for n in (1, 2, 3)) == told["labels"]
    assert sum(vote.value is None for vote in people) == told["labels"]["0"]
    silent = [vote for vote in judges if vote.name == "gpt" and vote.value is None]
    assert len(silent) == told["gpt_labels"]["Tie"] + told["gpt_labels"]["garbage"]
    assert len(majority(people)) == 502  # the other 54 are ties


def test_judges_of_pandalm_agree_with_people_about_as_well_as_is_asked(
    lake: Lake, world: World
) -> None:
    people, judges, _ = pandalm()
    deliver(lake, world, [*people, *judges])
    found = {one.name: one for one in heard(lake, world.project).witnesses}
    gpt, panda = found["judge/gpt"], found["judge/pandalm"]
    assert gpt.agreement is not None and panda.agreement is not None
    kappas = [gpt.agreement.kappa, panda.agreement.kappa]
    assert kappas == pytest.approx([0.63, 0.60], abs=0.01)
    assert gpt.trusted and gpt.agreement.low is not None and gpt.agreement.low > 0.5
    assert found["human/better"].votes == 3 * 556 - facts("dev/pandalm/pairs")["labels"]["0"]
    # Three annotators agree in 94 of 100 pairs: each errs in some three of a hundred.
    assert heard(lake, world.project).auditor_error == pytest.approx(0.03, abs=0.02)


def test_two_judges_that_were_trained_on_one_another_are_surer_than_they_are_right() -> None:
    people, judges, _ = pandalm()
    truth = majority(people)
    pool = {"judge/gpt": "gpt", "judge/pandalm": "gpt"}
    apart, pooled = weighed(judges, truth), weighed(judges, truth, pool)
    assert [*apart, *pooled] == pytest.approx([0.797, 0.146, 0.872, 0.072], abs=1e-3)
