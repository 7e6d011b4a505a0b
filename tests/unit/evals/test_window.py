"""Which epochs a look may use, and which cases and releases it may compare."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from headrace.evals.parameters import Parameters
from headrace.evals.window import Look, look

Frame = Callable[..., pl.DataFrame]


def looked(frame: pl.DataFrame, window: int = 3) -> Look:
    return look(frame, window=window, levels=Parameters(), binary=None)


@pytest.mark.parametrize(
    ("done", "used", "share"),
    [
        *[(1, 1, 0.25), (2, 2, 0.25), (3, 2, 0.25), (5, 4, 0.25), (7, 4, 0.25)],
        *[(8, 8, 1.0), (12, 8, 1.0), (16, 16, 0.5), (31, 16, 0.5), (32, 32, 0.25)],
    ],
)
def test_a_look_uses_doubling_epochs_and_spends_its_share(
    attempts: Frame, done: int, used: int, share: float
) -> None:
    values = np.ones((3, 5, 32))
    values[:, :-1, 8:] = np.nan
    values[:, -1, done:] = np.nan
    found = looked(attempts(values))
    assert (found.window.history.epochs_per_release[-1], found.share) == (used, share)


def test_one_release_has_no_schedule(attempts: Frame) -> None:
    found = looked(attempts(np.ones((3, 1, 5))))
    assert (found.window.history.epochs_per_release, found.share) == ((5,), 1.0)


def test_only_cases_of_every_release_are_compared(attempts: Frame) -> None:
    values = np.ones((10, 5, 1))
    values[0, 2] = np.nan
    assert looked(attempts(values)).window.cases == 9


def test_the_window_is_cut_where_the_suite_changed(attempts: Frame) -> None:
    values = np.ones((10, 9, 1))
    values[:4, :3] = np.nan  # 6 of 10 cases reach back beyond the fourth release
    part = looked(attempts(values)).window
    assert (part.length, part.cases) == (6, 10)


def test_the_window_bears_the_loss_of_a_few_cases(attempts: Frame) -> None:
    values = np.ones((10, 9, 1))
    values[:3, :3] = np.nan
    part = looked(attempts(values)).window
    assert (part.length, part.cases) == (9, 7)


def test_no_window_is_longer_than_ten_releases(attempts: Frame) -> None:
    assert looked(attempts(np.ones((3, 14, 1)))).window.length == 10


def test_absent_scores_are_counted_over_cases_that_were_asked(attempts: Frame) -> None:
    values = np.ones((10, 4, 1))
    values[0, 3] = np.nan
    frame = attempts(values)
    new = pl.DataFrame(frame.filter(pl.col("release") == 3)).with_columns(
        case_id=pl.concat_str(pl.lit("new-"), "case_id"), cluster=pl.lit(None, pl.String)
    )
    assert looked(frame).window.absent == pytest.approx(1 / 40)
    assert looked(pl.concat([frame, new])).window.absent == pytest.approx(1 / 40)
