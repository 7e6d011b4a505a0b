"""What the card tells of the curation before a data set, counted over a lake by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from headrace.exporters.audit import audit, suites
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.exporters.selection import select, standings
from headrace.lake import Lake
from headrace.lake.record import Decision, Verdict
from headrace.lake.store import Transaction

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Stock(Protocol):
    lake: Lake

    def episode(self, name: str, **fields: Any) -> None: ...

    def case(self, case_id: str, text: str, *, origin: str | None = None) -> None: ...


def decided(name: str, *, kept: bool, reason: str, later: int) -> Decision:
    return Decision(
        project="shop",
        step="dedupe",
        version="1",
        episode_id=name,
        kept=kept,
        reason=reason,
        because_of=None,
        at=NOW + timedelta(hours=later),
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_outcomes_are_counted_by_split_and_an_episode_counts_once(
    still_shop: Stock, objective: Objective
) -> None:
    selection = select(still_shop.lake, "shop", objective)
    made = audit(still_shop.lake, "shop", selection, 0)
    counted = sum(count for found in made.outcomes.values() for count in found.values())
    assert counted == len(selection.marks) == made.episodes - sum(made.drops.values())
    assert all(source.startswith("human: ") for found in made.outcomes.values() for source in found)
    assert list(made.outcomes) == ["test", "train"]


def test_another_project_has_nothing_to_count(still_shop: Stock) -> None:
    made = audit(still_shop.lake, "other", select(still_shop.lake, "other", "sft"), 0)
    assert (made.episodes, made.suites, made.dedupe, made.verdict) == (0, {}, {}, None)
    assert standings(still_shop.lake, "other") == {}


def test_a_revision_that_no_night_has_judged_is_not_curated(shop: Stock) -> None:
    def revise(tx: Transaction) -> None:
        tx.run("update decisions set revision = 1 where step = 'decontaminate'")
        for table in ("episodes", "scrubbed"):
            tx.run(
                f"insert into {table} by name "
                f"select * replace (2 as revision) from {table} where episode_id = 'A1'"
            )

    assert {"A1", "A2"}.isdisjoint(select(shop.lake, "shop", "sft").against)
    shop.lake.write(revise)
    against = select(shop.lake, "shop", "sft").against
    assert against["A1"].reason == "not_curated"
    assert "A2" not in against


def test_only_the_last_decision_and_the_last_verdict_and_cases_in_use_count(shop: Stock) -> None:
    shop.episode("A5", duplicate_of="A1")
    verdicts = [
        Verdict(
            project="shop",
            verdict_id=state,
            kind=kind,
            state=state,
            at=NOW + timedelta(days=day),
            expires_at=NOW,
            inputs_hash="",
            payload="{}",
        )
        for kind, state, day in (
            ("readiness", "cannot_tell", 2),
            ("readiness", "not_yet", 1),
            ("compare", "better", 3),
        )
    ]
    rows = [
        decided("A1", kept=False, reason="near", later=1),
        decided("A2", kept=False, reason="near", later=1),
        decided("A2", kept=True, reason="kept", later=2),
        decided("gone", kept=False, reason="near", later=1),
    ]
    shop.lake.write(lambda tx: [tx.append("verdicts", verdicts), tx.append("decisions", rows)])
    made = audit(shop.lake, "shop", select(shop.lake, "shop", "sft"), 2)
    assert made.dedupe == {"exact": 1, "near": 1}
    assert made.verdict == "cannot_tell, 2026-03-03"
    assert (made.suites, made.leaks) == ({"support": 1}, 2)
    shop.lake.write(lambda tx: tx.run("update cases set retired_at = added_at"))
    assert suites(shop.lake, "shop") == {}


def test_an_episode_in_two_groups_stands_on_the_stricter_side(shop: Stock) -> None:
    where = {"now": NOW}
    shop.lake.write(
        lambda tx: [
            tx.run(
                "insert into clusters (project, method, cluster_id, episode_id, representative) "
                "values ('shop', 'group', 'g-more', 'A1', true)"
            ),
            tx.run(
                'insert into splits (project, group_id, split, "at") '
                "values ('shop', 'g-more', 'eval', $now)",
                where,
            ),
        ]
    )
    known = standings(shop.lake, "shop")
    assert (known["A1"].split, known["A2"].split) == ("eval", "train")
    assert select(shop.lake, "shop", "sft").against["A1"].reason == "eval_split"
