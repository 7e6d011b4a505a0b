"""Two releases compared: readings, tests that agree with others, what is left out, slices."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.stats import binomtest
from statsmodels.api import OLS

from headrace.evals.compare import UnequalScorers, compare
from headrace.evals.statistics.comparison import Comparison, SliceComparison
from headrace.evals.statistics.history import UnfitScores
from headrace.evals.statistics.parameters import UnfitParameters

Frames = tuple[pl.DataFrame, pl.DataFrame]


def frame(values: Sequence[float | None], **more: Sequence[Any]) -> pl.DataFrame:
    """One attempt per value at cases c000, c001, .."""
    names = [f"c{i:03}" for i in range(len(values))]
    return pl.DataFrame({"case_id": names, "value": values, **more}, strict=False)


def flipped(n: int, *, fixed: int, broken: int, right: int = 0) -> Frames:
    """Binary scores of n cases: so many fixed, broken, right in both, the rest wrong in both."""
    wrong = n - fixed - broken - right
    before = [0.0] * fixed + [1.0] * broken + [1.0] * right + [0.0] * wrong
    after = [1.0] * fixed + [0.0] * broken + [1.0] * right + [0.0] * wrong
    return frame(before), frame(after)


def judged(n: int, fixed: int, broken: int, **more: Any) -> Comparison:
    return compare(*flipped(n, fixed=fixed, broken=broken), delta=0.05, **more)


@pytest.mark.parametrize(
    ("n", "fixed", "broken", "state"),
    [
        *[(50, 12, 3, "better"), (50, 3, 12, "worse"), (50, 4, 2, "undecided")],
        *[(134, 3, 0, "equivalent"), (134, 0, 3, "equivalent"), (134, 13, 0, "better")],
        *[(164, 5, 4, "equivalent"), (164, 10, 3, "undecided"), (20, 6, 3, "undecided")],
        *[(12, 11, 0, "better"), (12, 0, 0, "undecided"), (60, 0, 0, "equivalent")],
    ],
)
def test_right_and_wrong_are_read_by_the_exact_test_and_equivalence(
    n: int, fixed: int, broken: int, state: str
) -> None:
    found = judged(n, fixed, broken)
    assert (found.state, found.fixed, found.broken, found.n) == (state, fixed, broken, n)
    assert found.test == "exact McNemar"
    assert (found.reason is None) == (state != "undecided")


def test_releases_are_as_good_only_where_the_plain_interval_of_a_pair_says_so() -> None:
    for broken in range(12):
        for fixed in range(broken, 12):
            gain, flips = (fixed - broken) / 164, (fixed + broken) / 164
            reach = abs(gain) + 1.96 * math.sqrt((flips - gain**2) / 163)
            if binomtest(fixed, max(1, fixed + broken)).pvalue >= 0.05:
                state = "equivalent" if reach < 0.05 else "undecided"
                assert judged(164, fixed, broken).state == state, (fixed, broken)


@pytest.mark.parametrize(("fixed", "broken"), [(6, 3), (0, 0), (4, 4), (1, 0), (872, 2764)])
def test_the_exact_p_is_that_of_the_binomial(fixed: int, broken: int) -> None:
    n = max(1, fixed + broken)
    theirs = binomtest(fixed, n, 0.5).pvalue if fixed + broken else 1.0
    assert judged(4000, fixed, broken).mcnemar_p == pytest.approx(theirs, abs=1e-12)


def test_no_interval_has_zero_width() -> None:
    for binary in (True, False):
        same = frame([0.0, 1.0] * 40)
        found = compare(same, same, delta=0.05, binary=binary)
        assert found.low is not None and found.high is not None
        assert found.difference == 0 and found.low < 0 < found.high


def test_swapping_the_sides_swaps_the_answer() -> None:
    a, b = flipped(80, fixed=14, broken=3)
    one, other = compare(a, b, delta=0.05), compare(b, a, delta=0.05)
    assert (one.state, other.state) == ("better", "worse")
    assert one.difference == -(other.difference or 0)
    assert (one.low, one.high) == (-(other.high or 0), -(other.low or 0))
    assert one.p == other.p


def test_the_interval_agrees_with_a_clustered_regression() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random((2, 5000))
    groups = np.arange(5000) // 5
    names = [f"customer-{g}" for g in groups]
    found = compare(frame(a.tolist(), cluster=names), frame(b.tolist(), cluster=names), delta=0.05)
    robust = OLS(b - a, np.ones(5000)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}, use_t=True
    )
    half = stats.t.ppf(0.975, 999) * robust.bse[0] * np.sqrt(1000 / 999)
    assert found.difference == pytest.approx(robust.params[0], abs=1e-12)
    assert found.clusters == 1000
    assert found.low == pytest.approx(robust.params[0] - half, abs=1e-9)
    assert found.high == pytest.approx(robust.params[0] + half, abs=1e-9)


def test_the_interval_and_p_of_graded_scores_agree_with_the_paired_t_test() -> None:
    a, b = np.random.default_rng(4).random((2, 60))
    found = compare(frame(a.tolist()), frame(b.tolist()), delta=0.05)
    theirs = stats.ttest_rel(b, a)
    assert found.p == pytest.approx(theirs.pvalue, abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval()), abs=1e-9)


def test_graded_scores_that_all_move_alike_have_an_interval_of_some_width() -> None:
    found = compare(frame([0.5] * 30), frame([0.5] * 30), delta=0.05)
    assert (found.high or 0) - (found.low or 0) > 0.05


def test_cases_of_one_customer_do_not_count_as_many() -> None:
    a, b = flipped(400, fixed=40, broken=12)
    customers = [f"k{i // 52}" for i in range(400)]  # one customer has all the flips
    alone = compare(a, b, delta=0.05)
    together = compare(
        a.with_columns(cluster=pl.Series(customers)),
        b.with_columns(cluster=pl.Series(customers)),
        delta=0.05,
    )
    assert (alone.state, together.state) == ("better", "undecided")
    assert (together.test, together.mcnemar_p) == ("cluster-robust t", alone.mcnemar_p)


def test_epochs_are_averaged_and_no_exact_test_is_claimed() -> None:
    rng = np.random.default_rng(5)
    chance = rng.choice([0.1, 0.9], 300)
    rows = [
        pl.concat(
            frame((rng.random(300) < chance + shift).astype(float).tolist()).with_columns(
                epoch=pl.lit(e)
            )
            for e in range(4)
        )
        for shift in (0.0, 0.08)
    ]
    found = compare(*rows, delta=0.05)
    assert (found.state, found.test, found.epochs, found.n) == (
        "better",
        "cluster-robust t",
        4,
        300,
    )
    assert found.mcnemar_p is None


def test_unshared_cases_are_left_out_and_named() -> None:
    a, b = flipped(60, fixed=12, broken=1)
    more = pl.DataFrame({"case_id": ["new-1", "new-2"], "value": [0.0, 0.0]})
    gone = pl.DataFrame({"case_id": ["old"], "value": [1.0]})
    found = compare(pl.concat([a, gone]), pl.concat([b, more]), delta=0.05)
    assert (found.only_a, found.only_b, found.n) == (("old",), ("new-1", "new-2"), 60)
    assert found.difference == compare(a, b, delta=0.05).difference


def test_an_absent_score_is_no_failure() -> None:
    a, b = flipped(60, fixed=12, broken=1)
    values = [None, *b["value"].to_list()[1:-1], float("nan")]
    found = compare(a, frame(values), delta=0.05)
    assert (found.n, found.absent_a, found.absent_b) == (58, 0, 2)
    assert found.unmeasured == ("c000", "c059")
    assert found.state == "better"


def test_many_absent_scores_that_could_turn_it_leave_it_undecided() -> None:
    a, b = flipped(60, fixed=12, broken=1, right=40)
    values = [None if i >= 45 else v for i, v in enumerate(b["value"])]
    found = compare(a, frame(values), delta=0.05)
    assert (found.state, found.reason) == ("undecided", "missing data")
    sure = compare(*flipped(200, fixed=120, broken=1, right=40), delta=0.05)
    assert sure.state == "better"


@pytest.mark.parametrize("side", [0, 1])
def test_a_side_without_any_score_leaves_nothing_to_compare(side: int) -> None:
    frames = [frame([1.0] * 30), frame([None] * 30)]
    found = compare(frames[side], frames[1 - side], delta=0.05)
    assert (found.state, found.reason) == ("undecided", "too few shared cases")
    assert (found.difference, found.low, found.p, found.n) == (None, None, None, 0)
    assert found.absent_a + found.absent_b == 30


def test_sides_that_share_no_case_leave_nothing_to_compare() -> None:
    other = pl.DataFrame({"case_id": ["x", "y"], "value": [1.0, 1.0]})
    found = compare(frame([1.0, 0.0]), other, delta=0.05)
    assert (found.n, found.reason, found.difference) == (0, "too few shared cases", None)


def test_few_scores_on_a_scale_decide_nothing() -> None:
    found = compare(frame([0.2, 0.3, 0.4]), frame([0.7, 0.8, 0.9]), delta=0.05)
    assert (found.state, found.reason) == ("undecided", "too few shared cases")
    assert found.difference == pytest.approx(0.5)


def test_doubt_has_its_price() -> None:
    found = judged(50, 4, 2)
    assert found.needs is not None and found.needs.cases is not None
    assert 300 < found.needs.cases < 800
    assert judged(50, 12, 3).needs is None


def test_the_price_is_about_right() -> None:
    rng = np.random.default_rng(11)
    cases = judged(100, 6, 6).needs
    assert cases is not None and cases.cases is not None
    flips = rng.multinomial(cases.cases, [0.06, 0.06, 0.88], size=120)
    states = [judged(cases.cases, int(f), int(b)).state for f, b, _ in flips]
    assert 0.7 < states.count("equivalent") / 120 < 0.9


def clustered(rng: np.random.Generator, shift: float) -> Frames:
    """Binary scores of 200 cases of 25 customers, each with whims of its own in B."""
    groups = np.arange(200) % 25
    chance = rng.uniform(0.3, 0.7, 200)
    whims = rng.normal(0, 0.1, 25)[groups]
    names = [f"customer-{g}" for g in groups]
    values = (rng.random((2, 200)) < np.clip([chance, chance + whims + shift], 0, 1)).astype(float)
    before, after = (frame(side.tolist(), cluster=names) for side in values)
    return before, after


def test_false_claims_are_as_rare_as_they_should_be() -> None:
    rng = np.random.default_rng(8)
    still = [compare(*clustered(rng, 0.0), delta=0.05).state for _ in range(100)]
    moved = [compare(*clustered(rng, 0.15), delta=0.15).state for _ in range(100)]
    assert (still.count("better") + still.count("worse")) / 100 < 0.10
    assert moved.count("equivalent") / 100 < 0.10
    assert moved.count("better") / 100 > 0.5


def test_a_wobble_that_was_measured_must_be_exceeded() -> None:
    assert judged(200, 14, 3).state == "better"
    calm, shaken = judged(200, 14, 3, tau=0.005), judged(200, 14, 3, tau=0.03)
    assert (calm.state, shaken.state) == ("better", "undecided")
    assert (shaken.high or 0) - (shaken.low or 0) > (calm.high or 0) - (calm.low or 0)
    assert shaken.needs is not None and shaken.needs.jitter


@pytest.mark.parametrize(("fixed", "state"), [(20, "undecided"), (0, "equivalent")])
def test_one_configuration_is_never_better_than_itself(fixed: int, state: str) -> None:
    found = judged(200, fixed, 0, same=True)
    assert found.state == state
    assert found.reason == (None if fixed == 0 else "one configuration")


def sliced(**slices: Frames) -> Frames:
    """Frames of several slices under each other."""
    sides: tuple[list[pl.DataFrame], list[pl.DataFrame]] = ([], [])
    for name, frames in slices.items():
        for side, part in zip(sides, frames, strict=True):
            side.append(
                part.with_columns(
                    pl.format("{}-{}", pl.lit(name), "case_id").alias("case_id"),
                    pl.lit(name).alias("slice"),
                )
            )
    return pl.concat(sides[0]), pl.concat(sides[1])


def by_name(found: Comparison) -> dict[str, SliceComparison]:
    return {part.name: part for part in found.slices}


def test_a_slice_that_falls_against_the_total_comes_first() -> None:
    found = compare(
        *sliced(
            booking=flipped(200, fixed=60, broken=10),
            chat=flipped(200, fixed=50, broken=10),
            refunds=flipped(100, fixed=2, broken=18),
            tiny=flipped(5, fixed=5, broken=0),
        ),
        delta=0.05,
    )
    assert found.state == "better"
    assert [part.name for part in found.slices] == ["refunds", "booking", "chat", "tiny"]
    parts = by_name(found)
    assert parts["refunds"].state == "worse"
    assert (parts["tiny"].state, parts["tiny"].q) == ("undecided", None)
    assert parts["refunds"].share == pytest.approx(100 / 505)
    assert not found.non_inferior


def test_among_many_slices_one_chance_hit_is_no_discovery() -> None:
    quiet = {f"s{i:02}": flipped(60, fixed=5, broken=5) for i in range(19)}
    found = compare(*sliced(lucky=flipped(60, fixed=11, broken=2), **quiet), delta=0.05)
    lucky = by_name(found)["lucky"]
    assert lucky.p is not None and lucky.p < 0.05
    assert lucky.q is not None and lucky.q > 0.05
    assert lucky.state == "undecided"


def test_a_cheaper_release_may_replace_where_no_larger_slice_suffers() -> None:
    calm = {"a": flipped(400, fixed=4, broken=4), "b": flipped(400, fixed=4, broken=4)}
    assert compare(*sliced(**calm), delta=0.05).non_inferior
    hurt = calm | {"c": flipped(100, fixed=0, broken=9)}
    whole = compare(*sliced(**hurt), delta=0.05)
    assert whole.low is not None and whole.low > -0.05 and not whole.non_inferior
    rare = compare(*sliced(**hurt), delta=0.05, traffic={"a": 0.5, "b": 0.49, "c": 0.01})
    assert rare.non_inferior


def test_the_cases_that_flipped_are_named_broken_ones_first() -> None:
    found = judged(30, 2, 1)
    assert [(f.case_id, f.before, f.after) for f in found.flips] == [
        ("c002", 1.0, 0.0),
        ("c000", 0.0, 1.0),
        ("c001", 0.0, 1.0),
    ]


def test_the_order_of_rows_does_not_matter_but_every_score_does() -> None:
    a, b = flipped(60, fixed=12, broken=3)
    found = compare(a, b, delta=0.05)
    assert compare(a.reverse(), b.sample(fraction=1, shuffle=True, seed=1), delta=0.05) == found
    assert compare(a, pl.concat([b, b]), delta=0.05) == found
    assert judged(60, 12, 4).signature != found.signature
    assert judged(60, 12, 3, tau=0.01).signature != found.signature


def test_scores_of_two_scorers_are_refused() -> None:
    a, b = flipped(30, fixed=2, broken=1)
    with pytest.raises(UnequalScorers, match="A by exact j1; B by exact j2. Score both"):
        compare(
            a.with_columns(scorer=pl.lit("exact"), judge_hash=pl.lit("j1")),
            b.with_columns(scorer=pl.lit("exact"), judge_hash=pl.lit("j2")),
            delta=0.05,
        )
    with pytest.raises(UnequalScorers, match="A by no name; B by exact"):
        compare(a, b.with_columns(scorer=pl.lit("exact")), delta=0.05)


def test_a_cluster_that_one_side_tells_holds_for_both() -> None:
    a, b = flipped(60, fixed=12, broken=3)
    one = [f"k{i % 30}" for i in range(60)]
    found = compare(a.with_columns(cluster=pl.Series(one)), b, delta=0.05)
    assert found.clusters == 30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.drop("value"), "scores of B lack the column 'value'"),
        (lambda a: a.with_columns(value=pl.lit("good")), "column 'value' holds String"),
        (lambda a: a.with_columns(value=pl.lit(2.0)), r"holds 2, outside \[0, 1\]"),
        (lambda a: a.with_columns(slice=pl.lit("other")), "puts case 'c000' in two slices"),
        (lambda a: a.with_columns(cluster=pl.lit("other")), "puts case 'c000' in two clusters"),
    ],
)
def test_unfit_scores_are_refused_with_the_column(
    change: Callable[[pl.DataFrame], pl.DataFrame], said: str
) -> None:
    a, b = flipped(30, fixed=2, broken=1)
    told = a.with_columns(slice=pl.lit("one"), cluster=pl.lit("one"))
    with pytest.raises(UnfitScores, match=said):
        compare(told, change(b), delta=0.05)


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.1, float("nan")])
def test_a_delta_that_is_no_gain_is_refused(delta: float) -> None:
    with pytest.raises(UnfitParameters):
        compare(frame([1.0]), frame([1.0]), delta=delta)


def test_both_sides_without_rows_are_refused() -> None:
    with pytest.raises(UnfitScores, match="no rows"):
        compare(frame([]), frame([]), delta=0.05)
