"""Which epochs a look may use, and which cases and releases it may compare."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from headrace.evals.statistics.contrast import Floats
from headrace.evals.statistics.parameters import Parameters
from headrace.evals.statistics.window import Look, Window, look

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


def part_of(values: Floats, clusters: list[int], attempts: Frame) -> Window:
    return looked(attempts(values, clusters)).window


def test_a_panel_is_made_of_means_over_the_epochs_there_are(attempts: Frame) -> None:
    values = np.zeros((4, 2, 4))
    values[0] = 1.0
    values[1, :, 0] = 1.0
    values[1, 0, 1:3] = np.nan  # one of two present: a half
    part = part_of(values, [0, 1, 2, 2], attempts)
    assert part.panel.means.tolist() == [(1 + 0.5) / 4, (1 + 0.25) / 4]
    assert (part.panel.cases, part.panel.clusters, part.panel.epochs) == (4, 3, 4.0)


def test_variance_within_is_that_between_epochs_of_one_case(attempts: Frame) -> None:
    values = np.array([[[1.0, 0.0], [1.0, 1.0]], [[0.0, np.nan], [0.0, 1.0]]])
    part = part_of(values, [0, 1], attempts)
    assert part.within == pytest.approx((0.5 + 0.0 + 0.5) / 3)  # the single attempt tells nothing
    assert part_of(values[:, :, :1], [0, 1], attempts).within is None


@pytest.mark.parametrize(("kept", "length"), [(7, 6), (6, 5)])
def test_a_window_reaches_back_while_seven_tenths_are_shared(
    attempts: Frame, kept: int, length: int
) -> None:
    """Exactly 70 % is enough."""
    values = np.ones((10, 6, 1))
    values[kept:, 0] = np.nan
    part = looked(attempts(values)).window
    assert (part.length, part.cases) == (length, 10 if length == 5 else kept)


def test_the_newest_releases_are_compared_however_few_cases_they_share(attempts: Frame) -> None:
    values = np.ones((10, 4, 1))
    for release in range(4):
        values[2 * release : 2 * release + 2, release] = np.nan
    part = looked(attempts(values)).window
    assert (part.length, part.cases, part.clusters) == (4, 2, 2)


def test_nothing_shared_is_no_case_and_not_a_longer_window(attempts: Frame) -> None:
    values = np.ones((4, 6, 1))
    values[:2, 5], values[2:, 4] = np.nan, np.nan
    part = looked(attempts(values)).window
    assert (part.length, part.cases) == (4, 0)


@pytest.mark.parametrize(("earlier", "planned"), [([1, 4, 4, 4], 4), ([2, 2, 8, 8], 5), ([1], 1)])
def test_as_many_epochs_are_planned_as_earlier_releases_usually_had(
    attempts: Frame, earlier: list[int], planned: int
) -> None:
    values = np.ones((3, len(earlier) + 1, 8))
    for release, epochs in enumerate(earlier):
        values[:, release, epochs:] = np.nan
    values[:, -1, planned:] = np.nan
    found = looked(attempts(values))
    assert (found.window.history.epochs_per_release[-1], found.share) == (planned, 1.0)
    values[:, -1, planned - 1 :] = np.nan
    if planned > 1:
        assert looked(attempts(values)).share == 0.25


def test_an_epoch_counts_as_soon_as_one_score_of_it_exists(attempts: Frame) -> None:
    values = np.ones((3, 5, 2))
    values[1:, -1, 1] = np.nan
    found = looked(attempts(values))
    assert (found.window.history.epochs_per_release[-1], found.share) == (2, 1.0)
