"""Scores are taken in one shape or refused with a sentence that names the column."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from headrace.evals.statistics.history import UnfitScores, history

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


def test_a_cluster_named_like_a_case_is_not_that_case(scores: pl.DataFrame) -> None:
    """case-1 is its own cluster; the others share one that happens to be called `case-1`."""
    named = pl.when(pl.col("case_id") == "case-1").then(None).otherwise(pl.lit("case-1"))
    assert len(set(history(scores.with_columns(cluster=named), last=10).clusters)) == 2


@pytest.mark.parametrize(
    "kind", [pl.Int8, pl.UInt8, pl.UInt32, pl.Int64, pl.Float32, pl.Decimal(6, 3)]
)
def test_values_may_be_of_any_kind_of_number(scores: pl.DataFrame, kind: pl.DataType) -> None:
    assert history(scores.cast({"value": kind}), last=10).digest() == (
        history(scores, last=10).digest()
    )


@pytest.mark.parametrize("kind", [pl.Null, pl.Float64, pl.Boolean])
def test_a_column_of_nothing_but_nulls_is_one_release_that_failed(
    scores: pl.DataFrame, kind: pl.DataType
) -> None:
    found = history(scores.with_columns(value=pl.lit(None, kind)), last=10)
    assert (found.measured, found.numbers, found.binary) == (1, (2,), True)
    assert np.isnan(found.values).all() and found.asked.all()


@pytest.mark.parametrize("column", ["run", "epoch", "release"])
def test_nulls_are_refused_wherever_they_name_an_attempt(scores: pl.DataFrame, column: str) -> None:
    first = pl.int_range(pl.len()) == 0
    lost = scores.with_columns(pl.when(first).then(None).otherwise(column).alias(column))
    with pytest.raises(UnfitScores, match=f"'{column}' has nulls: only 'value' may be absent"):
        history(lost, last=10)


def test_a_value_and_its_absence_for_one_attempt_are_two_values(scores: pl.DataFrame) -> None:
    absent = scores.head(1).with_columns(value=pl.lit(None, pl.Float64))
    with pytest.raises(UnfitScores, match=r"two values for case 'case-0', release 0, run 0, epoch"):
        history(pl.concat([scores, absent]), last=10)


def test_an_attempt_that_was_never_made_is_not_one_that_failed(scores: pl.DataFrame) -> None:
    last = (pl.col("case_id") == "case-5") & (pl.col("release") == 2)
    failed = history(
        scores.with_columns(value=pl.when(last).then(None).otherwise("value")), last=10
    )
    never = history(scores.filter(~last), last=10)
    assert np.array_equal(failed.values, never.values, equal_nan=True)
    assert failed.asked.sum() == never.asked.sum() + 2
    assert failed.digest() != never.digest()
    assert np.isnan(never.filled(0.0).values).sum() == 2  # only what was asked can be filled
    assert np.isnan(failed.filled(0.0).values).sum() == 0


def test_filling_touches_the_newest_release_alone(scores: pl.DataFrame) -> None:
    first = pl.col("case_id") == "case-0"
    lost = history(scores.with_columns(value=pl.when(first).then(None).otherwise("value")), last=10)
    full = lost.filled(1.0)
    assert np.isnan(full.values[0, :-1]).all() and (full.values[0, -1] == 1).all()
    assert np.isnan(lost.values[0]).all()  # the one it came from is as it was


def test_leaving_epochs_out_leaves_out_what_only_they_had(scores: pl.DataFrame) -> None:
    """A case whose only attempt failed, in a first round of which not one score arrived."""
    newest = pl.col("release") == 2
    failed = pl.when(newest & (pl.col("epoch") == 0)).then(None).otherwise("value").alias("value")
    lost = scores.filter(newest & (pl.col("epoch") == 0)).head(1)
    late = lost.with_columns(
        case_id=pl.lit("late"), cluster=pl.lit("late"), value=pl.lit(None, pl.Float64)
    )
    whole = history(pl.concat([scores.with_columns(failed), late]), last=10)
    assert whole.layers[-1].tolist() == [False, True]
    seen = whole.looked(whole.layers[-1])
    assert ("late" in whole.cases, "late" in seen.cases) == (True, False)
    assert (whole.epochs_per_release, seen.epochs_per_release) == ((2, 2, 1), (2, 2, 1))
    assert len(seen.cases) == len(seen.clusters) == len(seen.values) == 6


def test_a_suite_run_in_shards_has_as_many_epochs_as_each_case_was_tried(
    scores: pl.DataFrame,
) -> None:
    """However many runs it took; also where every attempt is a run of its own."""
    whole = history(scores, last=10)
    third = pl.col("case_id").str.tail(1).cast(pl.Int64) % 3
    alone = pl.concat_str("case_id", "epoch", separator="/")
    for run in (pl.col("release") * 10 + third, alone):
        sharded = history(scores.with_columns(run=run), last=10)
        assert sharded.epochs_per_release == (2, 2, 2)
        assert sharded.digest() == whole.digest()


def test_the_tenth_epoch_comes_after_the_second(attempts: Frame) -> None:
    values = np.random.default_rng(2).random((3, 2, 12))
    found = history(attempts(values), last=10)
    assert np.array_equal(found.values, values)


def test_ids_may_be_of_any_kind_and_give_the_same_digest(scores: pl.DataFrame) -> None:
    ids = scores.with_columns(
        case_id=pl.col("case_id").str.tail(1).cast(pl.Int64), cluster=pl.col("cluster").str.tail(1)
    )
    plain = history(ids, last=10).digest()
    for case in (
        pl.String,
        pl.UInt8,
        pl.Int128,
        pl.Categorical,
        pl.Enum([str(i) for i in range(6)]),
    ):
        text = ids.cast({"case_id": pl.String})
        assert history(text.cast({"case_id": case}), last=10).digest() == plain
    for cluster in (pl.Int16, pl.Categorical, pl.Enum([str(i) for i in range(6)])):
        assert history(ids.cast({"cluster": cluster}), last=10).digest() == plain


def test_a_frame_of_another_make_is_refused_by_its_name(scores: pl.DataFrame) -> None:
    with pytest.raises(UnfitScores, match="scores are a LazyFrame: give a Polars DataFrame"):
        history(scores.lazy(), last=10)  # type: ignore[arg-type]


@pytest.mark.parametrize("column", ["case_id", "cluster", "run", "epoch"])
def test_ids_without_a_text_are_refused(scores: pl.DataFrame, column: str) -> None:
    nested = scores.with_columns(pl.concat_list(column).alias(column))
    with pytest.raises(UnfitScores, match=f"column '{column}' holds List.*: give a text or a num"):
        history(nested, last=10)


@pytest.mark.parametrize("last", [1, 2, 3, 99])
def test_history_keeps_the_newest_releases_whatever_the_order_of_rows(
    scores: pl.DataFrame, last: int
) -> None:
    turned = scores.reverse()
    found = history(turned, last=last)
    assert found.numbers == (0, 1, 2)[-last:]
    assert found.digest() == history(scores, last=last).digest()


def test_whether_scores_are_binary_is_told_by_all_of_them(scores: pl.DataFrame) -> None:
    """Also by releases that are not kept: the kind of a scorer does not change with the window."""
    half = scores.with_columns(
        value=pl.when(pl.col("release") == 0).then(0.5).otherwise(pl.col("value"))
    )
    assert not history(half, last=2).binary


@pytest.mark.parametrize("column", ["scorer", "judge_hash"])
def test_two_scorers_make_two_series(scores: pl.DataFrame, column: str) -> None:
    late = pl.col("release") == 2
    changed = scores.with_columns(pl.when(late).then(pl.lit("v2")).otherwise(None).alias(column))
    with pytest.raises(UnfitScores, match=f"'{column}' holds None and 'v2': two scorers make two"):
        history(changed, last=10)
    assert history(changed.filter(~late), last=10).releases == 2


@pytest.mark.parametrize("column", ["run", "epoch", "cluster", "slice"])
def test_a_column_without_a_single_value_is_as_good_as_none(
    scores: pl.DataFrame, column: str
) -> None:
    once = scores.filter(pl.col("epoch") == 0)
    empty = once.with_columns(pl.lit(None).alias(column))
    assert history(empty, last=10).digest() == history(once.drop(column), last=10).digest()


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Int64])
def test_some_cases_may_have_a_cluster_of_any_kind_and_others_none(
    scores: pl.DataFrame, kind: pl.DataType
) -> None:
    number = pl.col("case_id").str.tail(1).cast(pl.Int64)
    some = pl.when(number < 4).then(number % 2).otherwise(None).cast(pl.String)
    found = history(scores.with_columns(cluster=some.cast(kind)), last=10)
    assert len(set(found.clusters)) == 4


def test_bytes_are_no_id(scores: pl.DataFrame) -> None:
    with pytest.raises(UnfitScores, match="'case_id' holds Binary: give a text or a number"):
        history(scores.cast({"case_id": pl.Binary}), last=10)
