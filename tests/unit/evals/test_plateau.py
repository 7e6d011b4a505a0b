"""The trend verdict: what it must never say, what it must say, and what its numbers mean."""

from collections.abc import Callable

import msgspec
import numpy as np
import polars as pl
import pytest
from scipy import stats

from headrace.evals.display.wording import verdict_words
from headrace.evals.plateau import TrendVerdict, judge_trend
from headrace.evals.statistics.history import UnfitScores
from headrace.evals.statistics.needs import Needs
from headrace.evals.statistics.parameters import Parameters, UnfitParameters

Frame = Callable[..., pl.DataFrame]
Simulate = Callable[..., np.ndarray[tuple[int, ...], np.dtype[np.float64]]]

FLAT = [0.6] * 8
DELTA = 0.03


def states(simulate: Simulate, attempts: Frame, means: list[float], **size: int) -> list[str]:
    """Verdicts over six products that differ by chance alone."""
    return [
        judge_trend(attempts(simulate(means, seed=seed, **size)), delta=DELTA).state
        for seed in range(100, 106)
    ]


def test_a_flat_product_with_many_scores_has_plateaued(simulate: Simulate, attempts: Frame) -> None:
    found = states(simulate, attempts, FLAT, cases=500, epochs=4)
    assert found.count("plateaued") >= 5
    assert set(found) <= {"plateaued", "inconclusive"}


def test_twenty_single_attempts_never_show_a_plateau(simulate: Simulate, attempts: Frame) -> None:
    assert set(states(simulate, attempts, FLAT, cases=20, epochs=1)) == {"inconclusive"}


def test_a_product_that_gains_is_improving(simulate: Simulate, attempts: Frame) -> None:
    gaining = [0.4 + 0.03 * r for r in range(8)]
    assert set(states(simulate, attempts, gaining, cases=300, epochs=4)) == {"improving"}


def test_a_bad_release_has_regressed(simulate: Simulate, attempts: Frame) -> None:
    broken = [0.6] * 7 + [0.48]
    assert set(states(simulate, attempts, broken, cases=400, epochs=4)) == {"regressed"}


def test_a_fresh_breakthrough_is_no_plateau(simulate: Simulate, attempts: Frame) -> None:
    fresh = [0.55] * 7 + [0.61]
    assert "plateaued" not in states(simulate, attempts, fresh, cases=500, epochs=4)


def test_clusters_make_claims_rarer(simulate: Simulate, attempts: Frame) -> None:
    cubes = [
        simulate(FLAT, cases=500, epochs=4, seed=seed, clusters=10, wobble=0.1)
        for seed in range(100, 110)
    ]
    blind = [judge_trend(attempts(cube), delta=DELTA) for cube in cubes]
    aware = [judge_trend(attempts(cube, np.arange(500) % 10), delta=DELTA) for cube in cubes]
    claims = [sum(v.state != "inconclusive" for v in found) for found in (aware, blind)]
    assert 4 * claims[0] <= claims[1]


def test_a_suite_at_its_top_is_saturated(attempts: Frame) -> None:
    found = judge_trend(attempts(np.ones((300, 8, 4))), delta=DELTA)
    assert (found.state, found.reason) == ("inconclusive", "saturated")
    assert found.low is not None and found.high is not None
    assert found.high > found.low


def test_constant_scores_have_an_interval(attempts: Frame) -> None:
    found = judge_trend(attempts(np.full((30, 6, 1), 0.5)), delta=DELTA)
    assert found.low is not None and found.high is not None
    assert found.high - found.low > 0.01


@pytest.mark.parametrize(
    ("cases", "releases", "reason"),
    [(100, 1, "one release"), (19, 6, "too few shared cases"), (100, 3, "too few releases")],
)
def test_too_little_is_inconclusive_for_its_own_reason(
    simulate: Simulate, attempts: Frame, cases: int, releases: int, reason: str
) -> None:
    values = simulate([0.6] * releases, cases=cases, epochs=2, seed=1)
    found = judge_trend(attempts(values), delta=DELTA)
    assert (found.state, found.reason) == ("inconclusive", reason)
    assert (found.n, found.releases) == (cases, releases)


def test_one_cluster_carries_no_error_and_no_claim(simulate: Simulate, attempts: Frame) -> None:
    values = simulate(FLAT, cases=200, epochs=4, seed=1)
    found = judge_trend(attempts(values, [0] * 200), delta=DELTA)
    assert (found.state, found.gain, found.clusters) == ("inconclusive", None, 1)


def test_ten_runs_of_one_release_are_no_plateau(simulate: Simulate, attempts: Frame) -> None:
    frame = attempts(simulate([0.6] * 10, cases=300, epochs=1, seed=2))
    found = judge_trend(frame.with_columns(release=pl.lit(0)), delta=DELTA)
    assert (found.state, found.reason, found.releases) == ("inconclusive", "one release", 1)


def test_infrastructure_failures_are_no_regression(simulate: Simulate, attempts: Frame) -> None:
    values = simulate(FLAT, cases=500, epochs=4, seed=100)
    values[:100, -1] = np.nan
    assert judge_trend(attempts(values), delta=DELTA).state in ("plateaued", "inconclusive")


def test_failures_that_could_turn_the_state_are_missing_data(
    simulate: Simulate, attempts: Frame
) -> None:
    values = simulate(FLAT, cases=300, epochs=4, seed=100)
    values[:150, -1] = np.nan
    found = judge_trend(attempts(values), delta=DELTA)
    assert (found.state, found.reason) == ("inconclusive", "missing data")
    assert "6 % of attempts have no score" in verdict_words(found)


def test_product_failures_are_a_regression(simulate: Simulate, attempts: Frame) -> None:
    values = simulate(FLAT, cases=300, epochs=4, seed=100)
    values[:60, -1] = 0
    assert judge_trend(attempts(values), delta=DELTA).state == "regressed"


def test_a_few_absent_scores_change_nothing(simulate: Simulate, attempts: Frame) -> None:
    values = simulate(FLAT, cases=500, epochs=4, seed=100)
    values[:40, -1, 0] = np.nan
    found = judge_trend(attempts(values), delta=DELTA)
    assert found.state == "plateaued"
    assert found.absent == pytest.approx(40 / (500 * 8 * 4))


def test_a_newest_release_without_scores_is_missing_data(
    simulate: Simulate, attempts: Frame
) -> None:
    values = simulate(FLAT, cases=300, epochs=4, seed=100)
    values[:, -1] = np.nan
    assert judge_trend(attempts(values), delta=DELTA).reason == "missing data"


def test_order_of_rows_and_names_of_slices_do_not_matter(
    simulate: Simulate, attempts: Frame
) -> None:
    frame = attempts(simulate(FLAT, cases=60, epochs=2, seed=4))
    changed = frame.sample(fraction=1.0, shuffle=True, seed=1).with_columns(slice=pl.lit("other"))
    assert judge_trend(changed, delta=DELTA) == judge_trend(frame, delta=DELTA)


def test_new_names_of_cases_give_the_same_claim(simulate: Simulate, attempts: Frame) -> None:
    frame = attempts(simulate(FLAT, cases=60, epochs=2, seed=4))
    renamed = frame.with_columns(case_id=pl.col("case_id").str.reverse())
    ours, theirs = judge_trend(frame, delta=DELTA), judge_trend(renamed, delta=DELTA)
    assert (ours.state, ours.n) == (theirs.state, theirs.n)
    assert ours.gain == pytest.approx(theirs.gain, abs=1e-12)


def test_copied_rows_do_not_add_cases(simulate: Simulate, attempts: Frame) -> None:
    frame = attempts(simulate(FLAT, cases=60, epochs=2, seed=4))
    assert judge_trend(pl.concat([frame, frame]), delta=DELTA) == judge_trend(frame, delta=DELTA)


def test_cases_copied_inside_their_cluster_do_not_narrow_the_interval(
    simulate: Simulate, attempts: Frame
) -> None:
    values = simulate(FLAT, cases=100, epochs=2, seed=4)
    once = judge_trend(attempts(values), delta=DELTA, binary=False)
    double = np.concatenate([values, values])
    copied = attempts(double, [*range(100), *range(100)])
    twice = judge_trend(copied, delta=DELTA, binary=False)
    assert twice.n == 2 * once.n
    assert width(twice) == pytest.approx(width(once), rel=1e-9)
    pseudo = judge_trend(copied, delta=DELTA)
    assert width(pseudo) > 0.85 * width(judge_trend(attempts(values), delta=DELTA))


def width(verdict: TrendVerdict) -> float:
    assert verdict.low is not None and verdict.high is not None
    return verdict.high - verdict.low


def test_nothing_changes_between_two_scheduled_looks(simulate: Simulate, attempts: Frame) -> None:
    frame = attempts(simulate(FLAT, cases=100, epochs=8, seed=4))

    def after(nights: int) -> TrendVerdict:
        return judge_trend(
            frame.filter((pl.col("release") < 7) | (pl.col("epoch") < nights)), delta=DELTA
        )

    assert after(3) == after(2)
    assert after(5) == after(6) == after(7) == after(4)
    assert after(8) != after(4)


def test_a_judge_near_chance_shows_nothing(simulate: Simulate, attempts: Frame) -> None:
    labels = {"human": [0, 1] * 50, "judge": [0, 1, 1, 0] * 25}
    frame = attempts(simulate(FLAT, cases=500, epochs=4, seed=100))
    found = judge_trend(frame, delta=DELTA, calibration=labels)
    assert found.state == "inconclusive"
    assert found.judge is not None and found.judge.youden == 0.05


def test_a_good_judge_shrinks_delta_by_its_lower_bound(simulate: Simulate, attempts: Frame) -> None:
    """Se = Sp = .9 of 100 each: J = .8 - 1.2816 sqrt(2 (.09 + .0025) / 100)."""
    truth = [1] * 100 + [0] * 100
    labels = {"human": truth, "judge": [1] * 90 + [0] * 10 + [0] * 90 + [1] * 10}
    frame = attempts(simulate(FLAT, cases=100, epochs=2, seed=4))
    found = judge_trend(frame, delta=DELTA, calibration=labels)
    assert found.judge is not None
    assert found.judge.youden == pytest.approx(0.8 - 1.28155 * np.sqrt(2 * 0.0925 / 100), abs=1e-5)
    assert found.tau == pytest.approx(0.2 * DELTA * found.judge.youden)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({"human": [1, 1], "judge": [1, 0]}, "one class"),
        ({"human": [1, 0], "judge": [1]}, "pairs 2 human with 1"),
        ({"human": [1, 0]}, "no 'judge' labels"),
        ({"human": [1, 0.5], "judge": [1, 0]}, "'human' must be 0 or 1"),
    ],
)
def test_an_unfit_calibration_is_refused(
    attempts: Frame, labels: dict[str, list[float]], says: str
) -> None:
    with pytest.raises(UnfitParameters, match=says):
        judge_trend(attempts(np.ones((30, 4, 1))), delta=DELTA, calibration=labels)


@pytest.mark.parametrize(
    ("delta", "window"), [(0.0, 3), (-0.03, 3), (1.0, 3), (float("nan"), 3), (0.03, 0)]
)
def test_an_unfit_delta_or_window_is_refused(attempts: Frame, delta: float, window: int) -> None:
    with pytest.raises(UnfitParameters):
        judge_trend(attempts(np.ones((30, 4, 1))), delta=delta, window=window)


def test_the_certifiable_delta_is_one_that_certifies(simulate: Simulate, attempts: Frame) -> None:
    frame = attempts(simulate(FLAT, cases=150, epochs=2, seed=9))
    known = Parameters(tau=0.004)  # the estimate would move with delta
    first = judge_trend(frame, delta=DELTA, parameters=known)
    assert first.state == "inconclusive"
    assert first.certifiable_delta is not None
    above, below = (
        judge_trend(frame, delta=first.certifiable_delta * by, parameters=known).state
        for by in (1.001, 0.999)
    )
    assert (above, below) == ("plateaued", "inconclusive")


def test_the_cases_that_are_needed_are_about_enough(simulate: Simulate, attempts: Frame) -> None:
    small = judge_trend(attempts(simulate(FLAT, cases=100, epochs=4, seed=1)), delta=DELTA)
    assert small.needs is not None and small.needs.cases is not None
    assert 200 < small.needs.cases < 1200
    enough = states(simulate, attempts, FLAT, cases=small.needs.cases, epochs=4)
    assert enough.count("plateaued") >= 4


def test_more_cases_cannot_help_where_releases_wobble_by_more_than_delta(
    simulate: Simulate, attempts: Frame
) -> None:
    frame = attempts(simulate(FLAT, cases=100, epochs=4, seed=1))
    needs = judge_trend(frame, delta=DELTA, parameters=Parameters(tau=0.03)).needs
    assert needs is not None
    assert (needs.cases, needs.epochs, needs.releases) == (None, None, None)
    assert needs.jitter


def test_epochs_are_no_lever_that_can_be_priced_after_single_attempts(
    simulate: Simulate, attempts: Frame
) -> None:
    needs = judge_trend(attempts(simulate(FLAT, cases=100, epochs=1, seed=1)), delta=DELTA).needs
    assert needs is not None and needs.epochs is None and needs.cases is not None


def test_three_releases_need_one_more(simulate: Simulate, attempts: Frame) -> None:
    values = simulate([0.6] * 3, cases=2000, epochs=4, seed=1)
    found = judge_trend(attempts(values), delta=0.05)
    assert (found.state, found.reason) == ("inconclusive", "too few releases")
    assert found.needs is not None and found.needs.releases == 1


def test_a_decided_trend_needs_nothing(simulate: Simulate, attempts: Frame) -> None:
    found = judge_trend(attempts(simulate(FLAT, cases=500, epochs=4, seed=100)), delta=DELTA)
    assert (found.state, found.needs, found.reason) == ("plateaued", None, None)


def test_jittering_releases_are_noticed(simulate: Simulate, attempts: Frame) -> None:
    wobbling = [0.6, 0.64, 0.57, 0.6, 0.63, 0.55, 0.62, 0.56]
    found = judge_trend(attempts(simulate(wobbling, cases=500, epochs=4, seed=1)), delta=DELTA)
    assert found.tau is not None and found.tau > 0.02
    assert found.needs is not None and found.needs.jitter


def test_another_question_has_another_signature(simulate: Simulate, attempts: Frame) -> None:
    frame = attempts(simulate(FLAT, cases=50, epochs=2, seed=1))
    signatures = {
        judge_trend(frame, delta=0.03).signature,
        judge_trend(frame, delta=0.04).signature,
        judge_trend(frame, delta=0.03, window=2).signature,
        judge_trend(frame, delta=0.03, parameters=Parameters(tau=0.01)).signature,
    }
    assert len(signatures) == 4


def test_a_verdict_survives_json(simulate: Simulate, attempts: Frame) -> None:
    found = judge_trend(attempts(simulate(FLAT, cases=50, epochs=2, seed=1)), delta=DELTA)
    assert msgspec.json.decode(msgspec.json.encode(found), type=TrendVerdict) == found


def test_every_state_can_be_said_in_words(simulate: Simulate, attempts: Frame) -> None:
    plateau = judge_trend(attempts(simulate(FLAT, cases=500, epochs=4, seed=100)), delta=DELTA)
    doubt = judge_trend(attempts(simulate(FLAT, cases=100, epochs=4, seed=1)), delta=DELTA)
    single = judge_trend(attempts(np.ones((30, 1, 1))), delta=DELTA)
    assert verdict_words(plateau).startswith("Plateaued: ")
    assert "points or more is ruled out" in verdict_words(plateau)
    assert verdict_words(doubt).startswith("Cannot tell (underpowered): ")
    assert "more cases" in verdict_words(doubt)
    assert verdict_words(single).startswith(
        "Cannot tell (one release): 30 shared cases, 1 release."
    )


def numbers(verdict: TrendVerdict) -> list[float | None]:
    return [verdict.gain, verdict.low, verdict.high, verdict.mde, verdict.certifiable_delta]


def same_claim(one: TrendVerdict, other: TrendVerdict) -> bool:
    """Equal but for the signature and the last digits of sums."""
    plain = [msgspec.structs.replace(v, signature="", **NUMBERLESS) for v in (one, other)]
    close = [
        a == b if a is None or b is None else abs(a - b) < 1e-9
        for a, b in zip(numbers(one), numbers(other), strict=True)
    ]
    return plain[0] == plain[1] and all(close)


NUMBERLESS: dict[str, None] = dict.fromkeys(
    ["gain", "low", "high", "mde", "certifiable_delta", "tau", "needs"]
)


@pytest.mark.parametrize(
    ("what", "signed"),
    [
        (pl.col("release") * 10 + 7, True),  # numbered with gaps
        (pl.col("release").cast(pl.UInt8), True),
        (pl.col("run").cast(pl.String).alias("run"), True),
        (pl.col("epoch") + 1, True),
        (pl.col("value").cast(pl.Float32), True),
        (pl.col("case_id").str.replace("case", "question"), False),
        (pl.col("cluster").str.reverse(), False),
    ],
)
def test_names_and_numbers_of_things_do_not_matter(
    simulate: Simulate, attempts: Frame, what: pl.Expr, signed: bool
) -> None:
    cube = simulate(FLAT, cases=60, epochs=2, seed=4)
    frame = attempts(cube, [i % 25 for i in range(60)])
    ours = judge_trend(frame, delta=DELTA)
    theirs = judge_trend(frame.with_columns(what), delta=DELTA)
    assert same_claim(ours, theirs)
    assert (ours.signature == theirs.signature) is signed


def test_another_partition_into_clusters_is_another_question(
    simulate: Simulate, attempts: Frame
) -> None:
    cube = simulate(FLAT, cases=60, epochs=2, seed=4)
    alone, grouped = (
        judge_trend(attempts(cube, clusters), delta=DELTA)
        for clusters in (None, [i % 25 for i in range(60)])
    )
    assert alone.signature != grouped.signature
    assert (alone.clusters, grouped.clusters) == (60, 25)
    assert alone.gain == pytest.approx(grouped.gain, abs=1e-12)


@pytest.mark.parametrize("shift", [-0.2, 0.1])
def test_a_product_that_is_better_all_along_gains_no_more(attempts: Frame, shift: float) -> None:
    cube = np.random.default_rng(3).uniform(0.2, 0.8, (80, 8, 2))
    ours, theirs = (judge_trend(attempts(c), delta=DELTA) for c in (cube, cube + shift))
    assert same_claim(ours, theirs)
    assert ours.signature != theirs.signature


def test_the_same_epochs_again_tell_nothing_new(simulate: Simulate, attempts: Frame) -> None:
    """Copied as epochs of their own they narrow nothing but the small pseudo-case term."""
    cube = simulate(FLAT, cases=100, epochs=2, seed=4)
    doubled = np.concatenate([cube, cube], axis=2)
    once, twice = (judge_trend(attempts(c), delta=DELTA, binary=False) for c in (cube, doubled))
    assert same_claim(once, twice)
    pseudo = [width(judge_trend(attempts(c), delta=DELTA)) for c in (cube, doubled)]
    assert 0.9 * pseudo[0] < pseudo[1] < pseudo[0]


def test_ten_measurements_of_one_release_are_no_plateau(
    simulate: Simulate, attempts: Frame
) -> None:
    nights = attempts(simulate([0.6] * 10, cases=500, epochs=2, seed=100))
    alone = judge_trend(nights.with_columns(release=pl.lit(0)), delta=DELTA)
    assert (alone.state, alone.reason, alone.releases) == ("inconclusive", "one release", 1)
    after_one = nights.with_columns(release=(pl.col("release") > 0).cast(pl.Int64))
    found = judge_trend(after_one, delta=DELTA)
    assert (found.state, found.reason) == ("inconclusive", "too few releases")


def test_twenty_shared_cases_are_enough_to_be_looked_at(
    simulate: Simulate, attempts: Frame
) -> None:
    found = judge_trend(attempts(simulate(FLAT, cases=20, epochs=1, seed=1)), delta=DELTA)
    assert (found.n, found.reason) == (20, "underpowered")


def test_cases_added_later_are_not_compared_with_what_came_before(
    simulate: Simulate, attempts: Frame
) -> None:
    """A hundred cases that always fail come in with the newest release: no drop."""
    cube = simulate(FLAT, cases=400, epochs=2, seed=100)
    frame = attempts(cube)
    harder = frame.filter((pl.col("release") == 7) & (pl.int_range(pl.len()) % 16 == 15))
    added = harder.with_columns(
        case_id=pl.concat_str(pl.lit("new-"), "case_id"),
        cluster=pl.concat_str(pl.lit("new-"), "cluster"),
        value=pl.lit(0.0),
    )
    ours, theirs = (judge_trend(f, delta=DELTA) for f in (frame, pl.concat([frame, added])))
    assert len(added) > 20
    assert same_claim(ours, theirs)


@pytest.mark.parametrize(("top", "state"), [(0.9399, "plateaued"), (0.9401, "inconclusive")])
def test_saturation_begins_two_deltas_below_the_top(
    attempts: Frame, top: float, state: str
) -> None:
    """Continuous scores without any noise, so that nothing but the ceiling can decide."""
    found = judge_trend(attempts(np.full((50, 8, 1), top)), delta=DELTA)
    assert (found.state, found.reason) == (state, None if state == "plateaued" else "saturated")


@pytest.mark.parametrize(("last", "state"), [(0.91, "regressed"), (0.999, "improving")])
def test_movement_at_the_ceiling_is_still_told(attempts: Frame, last: float, state: str) -> None:
    cube = np.full((50, 8, 1), 0.955)
    cube[:, -1] = last
    assert judge_trend(attempts(cube), delta=DELTA).state == state


def test_a_true_step_of_twice_delta_is_hardly_ever_a_plateau(
    simulate: Simulate, attempts: Frame
) -> None:
    found = [
        judge_trend(
            attempts(simulate([0.55] * 7 + [0.61], cases=200, epochs=2, seed=seed)), delta=DELTA
        ).state
        for seed in range(300, 320)
    ]
    assert found.count("plateaued") <= 1
    assert found.count("regressed") == 0


def test_a_drift_of_a_quarter_of_delta_is_hardly_ever_an_improvement(
    simulate: Simulate, attempts: Frame
) -> None:
    drift = [0.55 + r * DELTA / 4 / 3 for r in range(8)]
    found = [
        judge_trend(attempts(simulate(drift, cases=200, epochs=2, seed=seed)), delta=DELTA).state
        for seed in range(400, 420)
    ]
    assert found.count("improving") + found.count("regressed") <= 1


@pytest.mark.parametrize("share", [0.04, 0.06])
def test_few_absent_scores_are_borne_and_more_of_them_tried_at_both_ends(
    simulate: Simulate, attempts: Frame, share: float
) -> None:
    """All missing from the newest release of a suite that was flat until then."""
    cube = simulate(FLAT, cases=500, epochs=4, seed=100)
    lost = round(share * cube.size / (500 * 4) * 500)
    cube[:lost, -1, :] = np.nan
    found = judge_trend(attempts(cube), delta=DELTA)
    assert found.absent == pytest.approx(share, abs=0.001)
    assert (found.reason == "missing data") is (share > 0.05)


def test_the_interval_in_doubt_is_that_of_the_equivalence_test(
    simulate: Simulate, attempts: Frame
) -> None:
    """alpha_p = .0125 a side of the slope shown; what a gain would take does not hang on it."""
    cube = simulate(FLAT[:4], cases=100, epochs=2, seed=4)  # one length only: of 4 releases
    wide, narrow = (
        judge_trend(attempts(cube), delta=DELTA, parameters=Parameters(alpha_p=level, tau=0.006))
        for level in (0.0125, 0.05)
    )
    t = [float(stats.t.ppf(1 - level, 99)) for level in (0.0125, 0.05)]
    assert (wide.gain, wide.mde) == (narrow.gain, narrow.mde)
    assert width(wide) / width(narrow) == pytest.approx(t[0] / t[1])


ODD = {
    "all pass": (np.ones((300, 8, 4)), "inconclusive", "saturated"),
    "all fail, few": (np.zeros((20, 8, 1)), "inconclusive", "underpowered"),
    "all fail, many": (np.zeros((300, 8, 4)), "plateaued", None),
    "three cases": (np.eye(3)[:, :, None], "inconclusive", "too few shared cases"),
    "one release": (np.ones((300, 1, 4)), "inconclusive", "one release"),
    "one release, nothing scored": (np.full((30, 1, 2), np.nan), "inconclusive", "missing data"),
    "nothing scored": (np.full((30, 6, 2), np.nan), "inconclusive", "missing data"),
    "one case, one attempt": (np.ones((1, 1, 1)), "inconclusive", "one release"),
    "two releases": (np.full((300, 2, 4), 0.5), "inconclusive", "too few releases"),
}


@pytest.mark.parametrize("name", ODD)
def test_whatever_comes_has_a_state_a_reason_and_a_sentence(attempts: Frame, name: str) -> None:
    values, state, reason = ODD[name]
    found = judge_trend(attempts(values), delta=DELTA)
    assert (found.state, found.reason) == (state, reason)
    assert len(verdict_words(found)) > 20
    if found.low is not None and found.high is not None:
        assert found.high > found.low


@pytest.mark.parametrize("lost", [slice(None), slice(0, 15)])
def test_too_few_cases_because_scores_are_missing_are_missing_data(
    simulate: Simulate, attempts: Frame, lost: slice
) -> None:
    """30 cases, of which the newest release has scores of none, or of 15."""
    values = simulate(FLAT, cases=30, epochs=1, seed=1)
    values[lost, -1] = np.nan
    found = judge_trend(attempts(values), delta=DELTA)
    assert (found.state, found.reason) == ("inconclusive", "missing data")


def test_a_suite_near_its_top_has_no_lever(attempts: Frame) -> None:
    needs = judge_trend(attempts(np.ones((300, 8, 4))), delta=DELTA).needs
    assert needs == Needs()


def test_a_changed_scorer_makes_no_verdict_across(simulate: Simulate, attempts: Frame) -> None:
    frame = attempts(simulate(FLAT, cases=60, epochs=2, seed=4))
    since = pl.when(pl.col("release") < 4).then(pl.lit("exact/1")).otherwise(pl.lit("exact/2"))
    with pytest.raises(UnfitScores, match="two scorers make two series"):
        judge_trend(frame.with_columns(scorer=since), delta=DELTA)


def test_columns_that_are_not_asked_for_do_not_matter(simulate: Simulate, attempts: Frame) -> None:
    frame = attempts(simulate(FLAT, cases=60, epochs=2, seed=4))
    more = frame.with_columns(cost_usd=pl.lit(0.1), error=pl.lit(None), scorer=pl.lit("exact"))
    bare = frame.drop("slice", "run", "cluster")
    expected = judge_trend(frame, delta=DELTA)
    for other in (more, bare):
        assert same_claim(judge_trend(other, delta=DELTA), expected)


def test_hundreds_of_releases_are_judged_by_the_newest(attempts: Frame) -> None:
    rng = np.random.default_rng(1)
    values = (rng.random((60, 300, 1)) < 0.6).astype(float)
    whole = judge_trend(attempts(values), delta=DELTA)
    newest = judge_trend(attempts(values[:, -10:]), delta=DELTA)
    assert (whole.releases, whole.length) == (300, 10)
    assert (whole.state, whole.gain, whole.low) == (newest.state, newest.gain, newest.low)


def test_an_a_a_figure_stands_in_for_the_estimate(simulate: Simulate, attempts: Frame) -> None:
    """Releases wobble by a point: three clear gains are one no longer."""
    frame = attempts(simulate([0.5, 0.52, 0.54, 0.56], cases=2000, epochs=4, seed=1))
    assert judge_trend(frame, delta=DELTA).state == "improving"
    shaky = judge_trend(frame, delta=DELTA, parameters=Parameters(tau=0.03))
    assert (shaky.state, shaky.tau) == ("inconclusive", 0.03)


def test_numbers_of_another_make_give_the_same_signature(
    simulate: Simulate, attempts: Frame
) -> None:
    frame = attempts(simulate(FLAT, cases=60, epochs=2, seed=4))
    theirs = judge_trend(frame, delta=np.float64(DELTA), window=np.int64(3))  # type: ignore[arg-type]
    assert theirs == judge_trend(frame, delta=DELTA)
