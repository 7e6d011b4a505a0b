"""Rules that say whether a product still improves: Headrace's, and those in common use.

Each takes what is known after a release and says improving, plateaued, regressed or inconclusive.
Under the common ones `plateaued` is what is left when nothing else shows.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import polars as pl
from histories.case import History
from histories.scoring import Rule
from histories.truth import Floats
from scipy import stats

from headrace.evals.plateau import judge_trend

LAST = 5  # releases of a slope


def product(history: History) -> str:
    rows = history.rows
    frame = pl.DataFrame(
        {
            "release": rows["release"],
            "run": rows["run"],
            "case_id": rows["sample"],
            "cluster": rows["cluster"],
            "epoch": rows["epoch"],
            "value": rows["score"],
        }
    )
    return judge_trend(
        frame,
        delta=history.delta,
        window=history.window,
        binary=history.score_kind == "binary",
        calibration=history.judge,
    ).state


def slope_not_significant(history: History) -> str:
    """Least squares over the last releases, at 5 %."""
    means = _means(history)[-LAST:]
    if len(means) < 3:
        return "inconclusive"
    fit = stats.linregress(np.arange(len(means)), means)
    return _signed(float(fit.slope)) if fit.pvalue < 0.05 else "plateaued"


def slope_below_delta(history: History) -> str:
    means = _means(history)[-LAST:]
    gain = float(np.polyfit(np.arange(len(means)), means, 1)[0]) * history.window
    return "plateaued" if abs(gain) < history.delta else _signed(gain)


def patience(history: History) -> str:
    """No new best in `window` releases."""
    return _patience(history, 0.0)


def patience_with_delta(history: History) -> str:
    """As training loops stop early: a best counts if it is better by delta a window."""
    return _patience(history, history.delta / history.window)


def last_against_previous(history: History) -> str:
    """Paired t test of the last two releases, at 5 %."""
    return _paired(history, 1)


def last_against_window(history: History) -> str:
    return _paired(history, history.window)


def cusum(history: History) -> str:
    """Page's sums against the first three releases: allowance half an error, alarm at five."""
    means = _means(history)
    if len(means) < 5:
        return "inconclusive"
    cases = _cases(history)
    error = cases.std() / np.sqrt(len(cases))
    up = down = 0.0
    for moved in (means[3:] - means[:3].mean()) / max(float(error), 1e-9):
        up, down = max(0.0, up + moved - 0.5), max(0.0, down - moved - 0.5)
    return _signed(up - down) if max(up, down) > 5 else "plateaued"


def endpoints_equivalent(history: History) -> str:
    """Two one-sided t tests of the newest release against that of a window before, at 5 %."""
    moved = _moved(history, history.window)
    if moved is None:
        return "inconclusive"
    error = float(stats.sem(moved))
    reach = float(stats.t.ppf(0.95, len(moved) - 1)) * error
    if abs(moved.mean()) + reach < history.delta:
        return "plateaued"
    return _signed(float(moved.mean())) if abs(moved.mean()) > reach else "inconclusive"


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "Headrace": product,
        f"slope of {LAST} not significant": slope_not_significant,
        f"|slope of {LAST}| < delta": slope_below_delta,
        "patience: no new best": patience,
        "patience with min delta": patience_with_delta,
        "paired t, last two": last_against_previous,
        "paired t, over the window": last_against_window,
        "CUSUM": cusum,
        "TOST of the endpoints": endpoints_equivalent,
    }
)


def _cases(history: History) -> Floats:
    """(cases, releases) means over attempts of the cases that every release has a score for."""
    present = ~np.isnan(history.scores)
    tried = present.sum(axis=2)
    whole = tried.all(axis=1)
    return np.nansum(history.scores[whole], axis=2) / tried[whole]


def _means(history: History) -> Floats:
    return _cases(history).mean(axis=0)


def _signed(moved: float) -> str:
    return "improving" if moved > 0 else "regressed"


def _patience(history: History, least: float) -> str:
    means = _means(history)
    best = [0]
    for release, mean in enumerate(means):
        if mean > means[best[-1]] + least:
            best.append(release)
    if best[-1] == len(means) - 1:
        return "improving"
    return "plateaued" if len(means) - 1 - best[-1] >= history.window else "inconclusive"


def _moved(history: History, back: int) -> Floats | None:
    means = _cases(history)
    return means[:, -1] - means[:, -1 - back] if means.shape[1] > back else None


def _paired(history: History, back: int) -> str:
    moved = _moved(history, back)
    if moved is None:
        return "inconclusive"
    p = stats.ttest_1samp(moved, 0).pvalue if moved.any() else 1.0
    return _signed(float(moved.mean())) if p < 0.05 else "plateaued"
