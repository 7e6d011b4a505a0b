"""The verdict on simulated histories with known truth, and the simulator itself.

A handful of histories a cell, so that it takes seconds: `benchmarks/accept.py` draws hundreds.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.simulated import verdict

ROOT = Path(__file__).parents[3]
SIMULATOR = ROOT.parent / "shared" / "tools"
Module = Callable[[str], Any]


@pytest.fixture(scope="module")
def benchmark() -> Iterator[Module]:
    """Benchmarks are scripts: they find each other in their own folder."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "benchmarks"))


def rates(
    benchmark: Module, scenario: str, rule: Callable[[Any], str], count: int = 6, **cell: Any
) -> Any:
    run = benchmark("histories.scoring").run_cell
    return run(scenario, {"rule": rule}, range(5000, 5000 + count), **cell)["rule"]


def test_a_flat_product_is_told_and_never_called_improving(benchmark: Module) -> None:
    found = rates(benchmark, "flat", verdict, n=500, E=4)
    assert found.hits("plateaued") >= 5 / 6
    assert found.ever_false("improving") == 0


def test_a_product_that_gains_twice_delta_is_told_and_never_called_flat(benchmark: Module) -> None:
    found = rates(benchmark, "steady_2x", verdict, n=200, E=4)
    assert found.hits("improving") >= 5 / 6
    assert found.ever_false("plateaued") == 0


def test_a_bad_release_is_told(benchmark: Module) -> None:
    found = rates(benchmark, "regression", verdict, count=3, n=1000, E=4)
    assert found.hits("regressed") == 1


@pytest.mark.parametrize("scenario", ["steady_1x", "step_up_1x", "ceiling"])
def test_the_least_favourable_truths_are_hardly_ever_called_flat(
    benchmark: Module, scenario: str
) -> None:
    assert rates(benchmark, scenario, verdict, n=100, E=2).ever_false("plateaued") <= 1 / 6


def test_looking_every_night_changes_little(benchmark: Module) -> None:
    found = rates(benchmark, "flat", verdict, count=3, n=100, E=4, nightly=True)
    assert found.ever_false("improving") == 0


def test_clusters_that_move_together_are_no_evidence(benchmark: Module) -> None:
    found = rates(benchmark, "flat", verdict, n=200, E=2, clusters=10)
    assert found.ever_false("improving") == found.ever_false("regressed") == 0


def test_rules_that_always_say_the_same_are_not_accepted(benchmark: Module) -> None:
    """Saying nothing keeps every bound on false claims and misses the hits."""
    words = ("inconclusive", "plateaued", "improving")
    rules = {word: lambda _, word=word: word for word in words}
    run = benchmark("histories.scoring").run_cell
    broken: dict[str, set[str]] = {word: set() for word in words}
    for bound in benchmark("histories.acceptance").BOUNDS:
        size = bound.size | {"n": 3, "E": 1, "clusters": 0}
        found = run(bound.scenario, rules, range(5000, 5008), **size)
        for word in words:
            broken[word] |= {what for what, _, _, holds in bound.judge(found[word]) if not holds}
    hits = {"hit plateaued", "hit improving", "hit regressed"}
    assert broken == {
        "inconclusive": hits,
        "plateaued": hits - {"hit plateaued"} | {"falsely plateaued"},
        "improving": hits - {"hit improving"} | {"falsely improving"},
    }


def test_a_word_that_no_rule_may_say_is_an_error(benchmark: Module) -> None:
    with pytest.raises(ValueError, match="said 'flat'; it may say improving, plateaued"):
        rates(benchmark, "flat", lambda _: "flat", count=1, n=4, E=1)


def test_every_rule_of_the_table_says_something_at_every_look(benchmark: Module) -> None:
    rules = benchmark("rules").RULES
    looks = list(benchmark("histories.case").make_case("missing_mnar", 5000, n=30).looks())
    for name, rule in rules.items():
        said = {rule(look.history) for look in looks}
        assert said <= set(benchmark("histories.scoring").STATES), name
    assert "Headrace" in rules


def test_the_table_of_rules_has_a_row_for_each(benchmark: Module) -> None:
    plateau = benchmark("plateau")
    shown = plateau.table("small", plateau.AT_NIGHT[:1], range(5000, 5001), n=20, E=1)
    assert shown.row_count == len(benchmark("rules").RULES)


@pytest.mark.skipif(not SIMULATOR.is_dir(), reason="the accepting simulator is not here")
def test_histories_are_those_of_the_accepting_simulator(
    benchmark: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SIMULATOR))
    theirs, ours = importlib.import_module("eval_history_sim"), benchmark("histories.case")
    assert list(benchmark("histories.truth").PATHS) == theirs.SCENARIOS
    for scenario in theirs.SCENARIOS:
        for size in ({"n": 12, "E": 2}, {"n": 12, "E": 1, "clusters": 3, "kind": "continuous"}):
            a, b = (module.make_case(scenario, 5001, **size) for module in (theirs, ours))
            assert np.array_equal(a.Y, b.scores, equal_nan=True)
            assert np.array_equal(a.cluster, b.cluster)
            assert [a.truth(r) for r in range(12)] == [b.truth(r) for r in range(12)]
            rows = a.history(7).rows, b.history(7).rows
            assert all(np.array_equal(rows[0][k], rows[1][k], equal_nan=True) for k in rows[0])


@pytest.mark.skipif(not SIMULATOR.is_dir(), reason="the accepting simulator is not here")
def test_bounds_are_those_of_the_accepting_simulator(
    benchmark: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SIMULATOR))
    theirs = importlib.import_module("eval_history_sim").ACCEPT
    ours = [
        (b.scenario, b.size, b.false_plateau, b.false_improvement, dict(b.hits), b.nightly)
        for b in benchmark("histories.acceptance").BOUNDS
    ]
    assert ours == theirs


def test_intervals_of_every_cell_have_a_width_and_hold_about_95_percent(benchmark: Module) -> None:
    coverage = benchmark("coverage")
    rng = np.random.default_rng(5)
    for cell in (coverage.CELLS[1], coverage.CELLS[-1]):
        found = coverage.measure(cell, 60, rng)
        assert found.least > 0
        assert found.covered["Headrace"] >= 0.85  # of 60
        assert found.width["paired t"] == 1
    assert found.covered["paired t"] < found.covered["Headrace"]  # that knows no clusters


def test_the_cost_of_a_verdict_is_measured_beside_an_average(benchmark: Module) -> None:
    found = benchmark("trend_scale").measure(2000)
    assert all(figure > 0 for figure in found.values())
    assert found["peak"] >= found["frame"]
