"""Scores are taken in one shape or refused with a sentence that names the column."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from headrace.evals.history import UnfitScores, history

Frame = Callable[..., pl.DataFrame]


@pytest.fixture
def scores(attempts: Frame) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return attempts(rng.integers(0, 2, (6, 3, 2)).astype(np.float64))


def with_value(scores: pl.DataFrame, value: float) -> pl.DataFrame:
    first = pl.int_range(pl.len()) == 0
    return scores.with_columns(pl.when(first).then(pl.lit(value)).otherwise("value").alias("value"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda s: s.drop("value"), "'value'"),
        (lambda s: s.drop("case_id"), "'case_id'"),
        (lambda s: s.clear(), "no rows in column 'value'"),
        (lambda s: with_value(s, 1.01), r"'value' holds 1.01, outside \[0, 1\]"),
        (lambda s: with_value(s, -0.5), r"outside \[0, 1\]"),
        (lambda s: with_value(s, float("inf")), r"outside \[0, 1\]"),
        (lambda s: s.cast({"value": pl.String}), "'value' holds String"),
        (lambda s: s.cast({"release": pl.Float64}), "'release' holds Float64"),
        (lambda s: s.cast({"release": pl.String}), "'release' holds String"),
        (lambda s: s.with_columns(release=pl.col("release") > 0), "'release' holds Boolean"),
        (lambda s: s.with_columns(case_id=pl.lit(None, pl.String)), "'case_id' has nulls"),
        (lambda s: s.with_columns(cluster=pl.col("release")), "'cluster' puts case 'case-0'"),
        (lambda s: pl.concat([s, s.with_columns(value=1 - pl.col("value"))]), "two values"),
    ],
)
def test_an_unfit_frame_is_refused_by_name(
    scores: pl.DataFrame, spoil: Callable[[pl.DataFrame], pl.DataFrame], says: str
) -> None:
    with pytest.raises(UnfitScores, match=says):
        history(spoil(scores), last=10)


def test_copied_rows_count_once(scores: pl.DataFrame) -> None:
    once, twice = history(scores, last=10), history(pl.concat([scores, scores]), last=10)
    assert once.digest() == twice.digest()


def test_row_order_does_not_matter(scores: pl.DataFrame) -> None:
    shuffled = scores.sample(fraction=1.0, shuffle=True, seed=3)
    assert history(scores, last=10).digest() == history(shuffled, last=10).digest()


def test_another_score_gives_another_digest(scores: pl.DataFrame) -> None:
    changed = with_value(scores, 1 - scores["value"][0])
    assert history(scores, last=10).digest() != history(changed, last=10).digest()


def test_nan_and_null_are_both_absent(scores: pl.DataFrame) -> None:
    nan = with_value(scores, float("nan"))
    null = nan.with_columns(pl.col("value").fill_nan(None))
    assert history(nan, last=10).digest() == history(null, last=10).digest()
    assert np.isnan(history(nan, last=10).values).sum() == 1


def test_true_and_false_are_one_and_zero(scores: pl.DataFrame) -> None:
    as_flags = scores.cast({"value": pl.Boolean})
    assert history(as_flags, last=10).digest() == history(scores, last=10).digest()


def test_only_release_case_and_value_are_needed(scores: pl.DataFrame) -> None:
    bare = scores.filter(pl.col("epoch") == 0).select("release", "case_id", "value")
    found = history(bare, last=10)
    assert found.values.shape == (6, 3, 1)
    assert len(set(found.clusters)) == 6


def test_a_case_without_a_cluster_is_its_own(scores: pl.DataFrame) -> None:
    lost = pl.when(pl.col("case_id") == "case-1").then(None).otherwise(pl.lit("one"))
    found = history(scores.with_columns(cluster=lost), last=10)
    assert len(set(found.clusters)) == 2


def test_runs_of_one_release_are_epochs(scores: pl.DataFrame) -> None:
    again = scores.filter(pl.col("release") == 2).with_columns(run=pl.lit(7).cast(pl.Int64))
    found = history(pl.concat([scores, again]), last=10)
    assert found.epochs_per_release == (2, 2, 4)


def test_scores_that_are_all_one_or_zero_are_binary(scores: pl.DataFrame) -> None:
    assert history(scores, last=10).binary
    assert not history(with_value(scores, 0.5), last=10).binary
    assert not history(scores, last=10, binary=False).binary


def test_an_old_release_that_nobody_measured_is_none(scores: pl.DataFrame) -> None:
    lost = pl.when(pl.col("release") == 1).then(None).otherwise("value").alias("value")
    found = history(scores.with_columns(lost), last=10)
    assert (found.measured, found.numbers) == (2, (0, 2))


def test_only_the_newest_releases_are_kept_but_all_are_counted(scores: pl.DataFrame) -> None:
    found = history(scores, last=2)
    assert (found.measured, found.numbers) == (3, (1, 2))
