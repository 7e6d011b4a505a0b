"""Measured runs reach the lake once, all or nothing, and never lose a value."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from headrace.evals.scores.attempt import Attempt, Measured
from headrace.evals.scores.recording import Recorded, record, scores_of
from headrace.lake.record import Case, Release
from headrace.lake.store import Lake, Transaction

T0 = datetime(2026, 11, 1, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def attempt(case: str = "a", value: float | None = 1.0, **more: Any) -> Attempt:
    return Attempt(**{"case_id": case, "scorer": "exact", "value": value, **more})


def measured(*attempts: Attempt, key: str = "k1", **more: Any) -> Measured:
    about = {"release": "v1", "released_at": T0, "started_at": T0, **more}
    return Measured(key=key, attempts=attempts, **about)


@pytest.fixture
def recorded(lake: Lake, project: str) -> Callable[..., Recorded]:
    def run(*runs: Measured, suite: str = "s", now: datetime = NOW) -> Recorded:
        return record(lake, project, suite, runs, now=now)

    return run


@pytest.fixture
def table(lake: Lake, project: str) -> Callable[[str], list[dict[str, Any]]]:
    def rows(name: str) -> list[dict[str, Any]]:
        sql = f"select * from {name} where project = $project order by all"
        return lake.rows(sql, {"project": project})

    return rows


@pytest.fixture
def values(lake: Lake, table: Any) -> Callable[[], list[float | None]]:
    return lambda: [s.value for s in scores_of(lake, [row["run_id"] for row in table("runs")])]


def test_a_run_is_its_release_its_cases_and_its_scores(
    lake: Lake, recorded: Any, table: Any
) -> None:
    full = attempt(
        value=0.5,
        epoch=2,
        error="why",
        input_tokens=7,
        output_tokens=3,
        latency_ms=1.5,
        cost_usd=Decimal("0.0025"),
        slice="easy",
        cluster="acme",
    )
    done = recorded(measured(full, model="m", config_hash="c", judge_hash="j", log_uri="file"))
    assert (done.new_releases, done.new_cases, done.written) == (("v1",), 1, 1)
    [run], [release], [case] = table("runs"), table("releases"), table("cases")
    assert (run["model"], run["config_hash"], run["judge_hash"]) == ("m", "c", "j")
    assert (release["release"], release["at"], release["kind"]) == ("v1", T0, "given")
    assert (case["slice"], case["cluster"], case["added_at"]) == ("easy", "acme", NOW)
    assert scores_of(lake, [run["run_id"]]) == [full.score(run["run_id"])]


def test_recording_again_writes_nothing(lake: Lake, recorded: Any) -> None:
    run = measured(attempt("a", cost_usd=Decimal("0.1") / 3), attempt("b", None, error="503"))
    recorded(run)
    snapshot = lake.snapshot_id
    again = recorded(run, now=NOW + timedelta(days=1))
    assert (again.new_releases, again.new_cases, again.written) == ((), 0, 0)
    assert lake.snapshot_id == snapshot


def test_nothing_measured_writes_nothing(lake: Lake, recorded: Any) -> None:
    snapshot = lake.snapshot_id
    assert recorded() == Recorded(runs=(), new_releases=(), new_cases=0, written=0)
    assert lake.snapshot_id == snapshot


def test_a_value_is_replaced_by_a_value_but_never_by_an_absence(recorded: Any, values: Any) -> None:
    table: list[tuple[float | None, float | None, float | None]] = [
        *[(1.0, 0.0, 0.0), (None, 1.0, 1.0), (None, 0.0, 0.0)],
        *[(0.0, None, 0.0), (1.0, None, 1.0), (0.5, 0.5, 0.5), (None, None, None)],
    ]
    first, second = (
        measured(*(attempt(str(case), row[column]) for case, row in enumerate(table)))
        for column in (0, 1)
    )
    recorded(first)
    assert recorded(second).written == 3
    assert values() == [stands for _, _, stands in table]


def test_another_reason_for_an_absence_is_news(recorded: Any) -> None:
    recorded(measured(attempt("a", None, error="503")))
    assert recorded(measured(attempt("a", None, error="429"))).written == 1


def test_epochs_and_scorers_are_attempts_of_their_own(recorded: Any, values: Any) -> None:
    recorded(measured(attempt("a", 1.0), attempt("a", 0.0, epoch=2)))
    recorded(measured(attempt("a", 0.5, scorer="loose")))
    assert values() == [1.0, 0.0, 0.5]  # by scorer, then epoch


def test_a_run_is_named_by_project_suite_and_key(
    lake: Lake, project: str, recorded: Any, table: Any
) -> None:
    run = measured(attempt())
    [here] = recorded(run).runs
    [there] = recorded(run, suite="other").runs
    [elsewhere] = record(lake, f"{project}-b", "s", [run], now=NOW).runs
    assert len({here.run_id, there.run_id, elsewhere.run_id}) == 3
    assert [row["suite"] for row in table("cases")] == ["other", "s"]
    assert recorded(run).runs == (here,)


def test_a_release_that_is_known_keeps_its_time_and_kind(
    lake: Lake, project: str, recorded: Any, table: Any
) -> None:
    known = Release(project=project, release="v1", at=T0 - timedelta(days=9), kind="observed")
    lake.write(lambda tx: tx.append("releases", [known]))
    assert recorded(measured(attempt())).new_releases == ()
    [row] = table("releases")
    assert (row["at"], row["kind"]) == (known.at, "observed")


def test_a_release_of_several_runs_was_when_the_first_of_them_says(
    recorded: Any, table: Any
) -> None:
    late, early = (
        measured(attempt(), key=f"k{days}", released_at=T0 + timedelta(days=days))
        for days in (3, 1)
    )
    other = measured(attempt(), key="k2", release="v0", released_at=T0 + timedelta(days=2))
    assert recorded(late, early, other).new_releases == ("v1", "v0")
    assert {row["release"]: row["at"] for row in table("releases")} == {
        "v1": T0 + timedelta(days=1),
        "v0": T0 + timedelta(days=2),
    }


def test_a_case_that_stands_is_not_touched(
    lake: Lake, project: str, recorded: Any, table: Any
) -> None:
    grown = Case(
        project=project,
        suite="s",
        case_id="a",
        input='{"messages":[]}',
        scorer="match",
        content_hash="h",
        added_at=T0,
    )
    lake.write(lambda tx: tx.append("cases", [grown]))
    before = table("cases")
    assert recorded(measured(attempt("a", cluster="x"), attempt("b"))).new_cases == 1
    assert [row for row in table("cases") if row["case_id"] == "a"] == before


def test_a_case_is_added_once_however_often_it_was_tried(recorded: Any, table: Any) -> None:
    runs = [measured(attempt("a", epoch=n), key=f"k{n}", release=f"v{n}") for n in (1, 2, 3)]
    assert recorded(*runs).new_cases == 1
    assert [row["case_id"] for row in table("cases")] == ["a"]


def test_where_and_when_a_run_was_stays_when_its_log_is_moved(recorded: Any, table: Any) -> None:
    recorded(measured(attempt(), log_uri="here.eval"))
    moved = measured(attempt(), log_uri="copy.eval", started_at=NOW)
    [run] = recorded(moved).runs
    assert (run.log_uri, run.started_at) == ("here.eval", T0)
    assert [row["log_uri"] for row in table("runs")] == ["here.eval"]


def test_a_copy_made_while_a_run_went_on_does_not_undo_its_end(recorded: Any) -> None:
    table = [
        *[("started", "success", "success"), ("started", "error", "error")],
        *[("success", "started", "success"), ("cancelled", "started", "cancelled")],
        *[("error", "success", "success"), ("started", "started", "started")],
    ]
    first, second = (
        [measured(attempt(), key=f"k{n}", status=row[column]) for n, row in enumerate(table)]
        for column in (0, 1)
    )
    recorded(*first)
    assert [run.status for run in recorded(*second).runs] == [stands for _, _, stands in table]
    assert [run.status for run in recorded(*first).runs][2:4] == ["success", "cancelled"]


def test_a_run_scored_again_by_another_judge_says_so(recorded: Any, table: Any) -> None:
    recorded(measured(attempt(), judge_hash="old"))
    recorded(measured(attempt(), judge_hash="new"))
    assert [row["judge_hash"] for row in table("runs")] == ["new"]


@pytest.mark.parametrize("point", ["releases", "cases", "runs", "scores"])
def test_a_write_that_breaks_off_anywhere_leaves_nothing(
    recorded: Any, table: Any, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    verb = "upsert" if point in ("runs", "scores") else "add_new"
    whole = getattr(Transaction, verb)

    def broken(tx: Transaction, name: str, rows: Any, *, on: Any) -> int:
        done: int = whole(tx, name, rows, on=on)
        if name == point:
            raise OSError("disk full")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, verb, broken)
        with pytest.raises(OSError, match="disk full"):
            recorded(measured(attempt()))
    assert [table(name) for name in ("releases", "cases", "runs")] == [[], [], []]
    assert recorded(measured(attempt())).written == 1


def test_scores_of_no_runs_are_none(lake: Lake) -> None:
    assert scores_of(lake, []) == []
    assert scores_of(lake, ["nobody"]) == []
