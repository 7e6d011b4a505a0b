"""Labels that look wrong: what an episode is like says the opposite of its label.

Confident learning (Northcutt, Jiang, Chuang, JAIR 2021) as cleanlab does it.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

FOLDS = 5
LEAST = 20  # groups of each class; fewer teach nothing
TELLING = 0.7  # least area under the ROC curve, with its interval: features that tell little about
# outcomes contradict every second label, and whoever reviews those learns not to look
Z = 1.96


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """An episode whose label the features contradict."""

    place: int  # in the lists that were given
    label: int  # 0 or 1
    success: float  # P(success) by the features, from a model that did not see it or its group


def suspects(
    features: Floats, labels: Sequence[int], groups: Sequence[str], generator: np.random.Generator
) -> list[Suspect]:
    """The suspicious ones, the least believable label first.

    `features` has a row per episode (a vector of its text, flags of its skeleton). Episodes of one
    group are never on both sides of a fold: a near-duplicate would give its own label away. With
    fewer than 20 groups of either class, or features that do not tell the classes apart, nothing
    can be told and nobody is suspected. Raises
    ValueError for unequal lengths and for features that are not finite.
    """
    given = np.array(labels, dtype=np.int64)
    _, group = np.unique(np.array(groups, dtype=str), return_inverse=True)
    if not len(features) == len(given) == len(group):
        raise ValueError(f"{len(features)} rows, {len(given)} labels, {len(group)} groups")
    if not np.isfinite(features).all():
        raise ValueError("features have to be finite: leave out episodes without a vector")
    groups_of = [len(np.unique(group[given == kind])) for kind in (0, 1)]
    if min(groups_of) < LEAST:
        return []
    success = _held_out(features, given, group, int(generator.integers(2**31)))
    if _least_area(float(roc_auc_score(given, success)), *groups_of) < TELLING:
        return []
    found = find_label_issues(
        given,
        np.column_stack([1 - success, success]),
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return [
        Suspect(place=int(i), label=int(given[i]), success=float(success[i]))
        for i in found.tolist()
    ]


def _least_area(area: float, failures: int, successes: int) -> float:
    """The lower end of a 95 % interval of an area under the ROC curve (Hanley, McNeil 1982)."""
    both_better, both_worse = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area)
    spread += (successes - 1) * (both_better - area**2) + (failures - 1) * (both_worse - area**2)
    return area - Z * math.sqrt(max(0.0, spread) / (successes * failures))


def _held_out(features: Floats, labels: Ids, group: Ids, seed: int) -> Floats:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    said = cross_val_predict(
        model, features, labels, groups=group, cv=folds, method="predict_proba"
    )
    success: Floats = said[:, 1]
    return success
