"""Trends within slices: few false discoveries, movement against the total first, full epochs."""

from collections.abc import Callable
from pathlib import Path
from runpy import run_path

import numpy as np
import polars as pl
import pytest

from headrace.evals.judges.calibration import Calibration
from headrace.evals.plateau import judge_trend
from headrace.evals.slices import SliceTrend, judge_slices
from headrace.evals.statistics.history import UnfitScores
from headrace.evals.statistics.parameters import Parameters

Simulate = Callable[..., np.ndarray[tuple[int, ...], np.dtype[np.float64]]]
Attempts = Callable[..., pl.DataFrame]
FLAT = [0.6] * 9


@pytest.fixture
def sliced(simulate: Simulate, attempts: Attempts) -> Callable[..., pl.DataFrame]:
    """Scores of slices with these true means over the releases."""

    def make(
        *, cases: int = 200, epochs: int = 3, seed: int = 1, **means: list[float]
    ) -> pl.DataFrame:
        return pl.concat(
            attempts(simulate(path, cases=cases, epochs=epochs, seed=seed + i)).with_columns(
                pl.format("{}-{}", pl.lit(name), "case_id").alias("case_id"),
                pl.format("{}-{}", pl.lit(name), "cluster").alias("cluster"),
                pl.lit(name).alias("slice"),
            )
            for i, (name, path) in enumerate(means.items())
        )

    return make


def judged(scores: pl.DataFrame, **more: object) -> dict[str, SliceTrend]:
    given = {"delta": 0.06, "total": "plateaued", **more}
    return {part.name: part for part in judge_slices(scores, **given)}  # type: ignore[arg-type]


def test_a_slice_that_falls_against_the_total_comes_first(
    sliced: Callable[..., pl.DataFrame],
) -> None:
    rising = [0.3 + 0.05 * r for r in range(9)]
    scores = sliced(booking=rising, chat=FLAT, refunds=[*FLAT[:-1], 0.3])
    found = judge_slices(scores, delta=0.06, total="improving")
    assert [(part.name, part.state) for part in found] == [
        ("refunds", "regressed"),
        ("booking", "improving"),
        ("chat", "plateaued"),
    ]
    assert [part.against for part in found] == [True, False, False]


def test_a_slice_that_moves_has_an_interval_that_leaves_out_zero(
    sliced: Callable[..., pl.DataFrame],
) -> None:
    parts = judged(sliced(up=[*FLAT[:-1], 0.85], down=[*FLAT[:-1], 0.35], calm=FLAT))
    up, down, calm = parts["up"], parts["down"], parts["calm"]
    assert up.low is not None and 0 < up.low < (up.gain or 0)
    assert down.high is not None and (down.gain or 0) < down.high < 0
    assert calm.low is not None and calm.high is not None and calm.low < 0 < calm.high
    assert up.q is not None and up.p is not None and up.p <= up.q < 0.05


def test_a_slice_with_few_cases_is_not_tested(sliced: Callable[..., pl.DataFrame]) -> None:
    scores = pl.concat([sliced(large=FLAT), sliced(tiny=[*FLAT[:-1], 0.1], cases=19, seed=5)])
    tiny = judged(scores)["tiny"]
    assert (tiny.state, tiny.reason, tiny.n) == ("inconclusive", "too few shared cases", 19)
    assert (tiny.gain, tiny.low, tiny.p, tiny.q) == (None, None, None, None)


def test_more_slices_make_a_plateau_harder_to_claim(
    sliced: Callable[..., pl.DataFrame],
) -> None:
    alone = judged(sliced(s0=FLAT, cases=130), delta=0.08)["s0"]
    many = judged(sliced(**{f"s{i}": FLAT for i in range(9)}, cases=130), delta=0.08)["s0"]
    assert (alone.state, many.state) == ("plateaued", "inconclusive")


def test_slices_are_judged_on_full_epochs_only(
    sliced: Callable[..., pl.DataFrame],
) -> None:
    scores = sliced(refunds=[*FLAT[:-1], 0.3], chat=FLAT)
    early = scores.filter((pl.col("release") < 8) | (pl.col("epoch") < 2))
    found = judged(early)["refunds"]
    assert (found.state, found.reason, found.q) == ("inconclusive", "epochs to come", None)
    assert judged(scores)["refunds"].state == "regressed"


def test_cases_without_a_slice_are_in_none(sliced: Callable[..., pl.DataFrame]) -> None:
    scores = sliced(named=FLAT, other=FLAT)
    some = scores.with_columns(pl.when(pl.col("slice") == "named").then("slice").alias("slice"))
    assert list(judged(some)) == ["named"]
    assert judged(scores.drop("slice")) == {}
    assert judged(scores.with_columns(slice=pl.lit(None, pl.String))) == {}


def test_a_case_in_two_slices_is_refused(sliced: Callable[..., pl.DataFrame]) -> None:
    scores = sliced(one=FLAT).with_columns(
        pl.when(pl.col("release") == 0).then(pl.lit("two")).otherwise("slice").alias("slice")
    )
    with pytest.raises(UnfitScores, match="column 'slice' puts case 'one-case-0' in two slices"):
        judged(scores)


def test_few_releases_and_a_suite_near_its_top_show_no_plateau(
    sliced: Callable[..., pl.DataFrame],
) -> None:
    assert judged(sliced(new=[0.6] * 3))["new"].reason == "too few releases"
    assert judged(sliced(easy=[1.4] * 9))["easy"].reason == "saturated"
    assert judged(sliced(small=FLAT, cases=25))["small"].reason == "underpowered"


def test_a_noisy_judge_makes_no_plateau_of_a_slice(sliced: Callable[..., pl.DataFrame]) -> None:
    scores = sliced(calm=FLAT)
    assert judged(scores)["calm"].state == "plateaued"
    blind = Calibration(sensitivity=0.8, specificity=0.5, youden=0.2)
    assert judged(scores, judge=blind)["calm"].state == "inconclusive"


def test_one_slice_of_all_cases_has_the_evidence_of_the_total(
    sliced: Callable[..., pl.DataFrame],
) -> None:
    scores = sliced(all=FLAT)
    total, part = judge_trend(scores, delta=0.06), judged(scores)["all"]
    assert (part.state, part.gain, part.low) == (total.state, total.gain, total.low)
    assert (part.n, part.clusters, part.length) == (total.n, total.clusters, total.length)


def test_the_order_of_rows_does_not_matter(sliced: Callable[..., pl.DataFrame]) -> None:
    scores = sliced(a=FLAT, b=[*FLAT[:-1], 0.4])
    assert judged(scores) == judged(scores.sample(fraction=1, shuffle=True, seed=2))
    fixed = judged(scores, parameters=Parameters(tau=0.05))
    assert fixed["b"].p != judged(scores)["b"].p


def test_slices_that_stand_still_are_seldom_said_to_move() -> None:
    benchmark = run_path(str(Path(__file__).parents[3] / "benchmarks" / "slices.py"))
    rows = [benchmark["figures"](parts) for parts in benchmark["judged"](25, 100, seed=9000)]
    figures = dict(zip(benchmark["FIGURES"], np.mean(rows, axis=0), strict=True))
    assert figures["false"] <= 0.08
    assert figures["missed"] == 0
    assert figures["rising"] > 0.2 and figures["falling"] > 0.3
