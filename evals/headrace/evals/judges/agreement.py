"""How well a judge agrees with people: kappa, sensitivity, specificity, each with an interval."""

from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.special import stdtrit

from headrace.evals.judges.calibration import calibrate
from headrace.evals.rate import wilson
from headrace.evals.statistics.contrast import Codes, Floats, Level, level

CONFIDENCE = 0.90  # one-sided, of the lower bounds that a judge is held to


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """A judge beside people on the same attempts; intervals are two-sided at 95 %.

    Values are None where they are not defined: people who all say the same give no kappa, and no
    sensitivity or specificity where they call nothing good, or nothing bad.
    """

    n: int  # attempts that both labelled
    clusters: int
    passed: int  # by people
    agreement: float  # share of equal labels
    kappa: float | None  # Cohen's
    low: float | None
    high: float | None
    bound: float | None  # lower bound of kappa at 90 %, one-sided
    error: float | None  # standard error of kappa
    sensitivity: Level | None  # of what people pass, the share that the judge passes
    specificity: Level | None  # of what people fail, the share that it fails
    youden: float | None  # lower bound of sensitivity + specificity - 1, as in `calibration`

    @property
    def one_class(self) -> bool:
        """People say the same of everything."""
        return self.passed in (0, self.n)


class _Bounds(msgspec.Struct, frozen=True, kw_only=True):
    low: float | None = None
    high: float | None = None
    bound: float | None = None


def agree(human: Sequence[int], judge: Sequence[int], clusters: Sequence[str]) -> Agreement:
    """From paired 0/1 labels, at least one; labels of one cluster are no independent witnesses."""
    truth, said = np.array(human, dtype=np.float64), np.array(judge, dtype=np.float64)
    _, codes = np.unique(np.array(clusters, dtype=str), return_inverse=True)
    bounds = _bounds(truth, said, codes)
    one_class = bool(truth.min() == truth.max())
    labels = {"human": human, "judge": judge, "cluster": clusters}
    return Agreement(
        n=len(truth),
        clusters=int(codes.max()) + 1,
        passed=int(truth.sum()),
        agreement=float((truth == said).mean()),
        kappa=_kappa(truth, said),
        low=bounds.low,
        high=bounds.high,
        bound=bounds.bound,
        error=_error(truth, said, codes),
        sensitivity=_share(said[truth == 1], codes[truth == 1]),
        specificity=_share(1 - said[truth == 0], codes[truth == 0]),
        youden=None if one_class else calibrate(labels, confidence=CONFIDENCE).youden,
    )


def _kappa(truth: Floats, said: Floats) -> float | None:
    """Agreement beyond that of two who know each other's shares alone."""
    chance = _chance(truth.mean(), said.mean())
    return None if chance == 1 else float(((truth == said).mean() - chance) / (1 - chance))


def _chance(truth: float, said: float) -> float:
    return truth * said + (1 - truth) * (1 - said)


def _error(truth: Floats, said: Floats, codes: Codes) -> float | None:
    """By the delta method, for independent labels that of Fleiss, Cohen, Everitt 1969.

    The larger one of the error over clusters and of that with half a label added to each cell:
    agreement without exception is no certainty.
    """
    if _kappa(truth, said) is None:
        return None
    sums = np.bincount(codes, _influence(truth, said, np.ones(len(truth))))
    groups = len(sums)
    clustered = float(sums @ sums) * groups / (groups - 1) if groups > 1 else 0.0
    truth, said, weights = _smoothed(truth, said)
    parts = _influence(truth, said, weights)
    return float(np.sqrt(max(clustered, float(parts**2 @ (1 / weights)))))


def _smoothed(truth: Floats, said: Floats) -> tuple[Floats, Floats, Floats]:
    """The labels and half a one of each kind, with their weights."""
    kinds = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
    weights = np.concatenate([np.ones(len(truth)), np.full(4, 0.5)])
    return np.append(truth, kinds[0]), np.append(said, kinds[1]), weights


def _middle(truth: Floats, said: Floats) -> float:
    """Kappa with half a label added to each cell: where its interval is centred.

    Around kappa itself, whose distribution leans, a lower bound at 90 % covers 86 % of the time.
    """
    truth, said, weights = _smoothed(truth, said)
    share = weights / weights.sum()
    chance = _chance(share @ truth, share @ said)
    return float((share @ (truth == said) - chance) / (1 - chance))


def _influence(truth: Floats, said: Floats, weights: Floats) -> Floats:
    """What each label adds to kappa, to first order."""
    share = weights / weights.sum()
    good, passed, same = share @ truth, share @ said, truth == said
    equal, chance = share @ same, _chance(good, passed)
    moved = (truth - good) * (2 * passed - 1) + (said - passed) * (2 * good - 1)
    effect = ((same - equal) * (1 - chance) - (1 - equal) * moved) / (1 - chance) ** 2
    parts: Floats = share * effect
    return parts


def _bounds(truth: Floats, said: Floats, codes: Codes) -> _Bounds:
    kappa, error, groups = _kappa(truth, said), _error(truth, said, codes), int(codes.max()) + 1
    if kappa is None or error is None:
        return _Bounds()
    if groups < 2:
        return _Bounds(low=-1.0, high=1.0, bound=-1.0)
    middle = _middle(truth, said)
    wide, narrow = (float(stdtrit(groups - 1, side)) * error for side in (0.975, CONFIDENCE))
    return _Bounds(
        low=max(-1.0, min(kappa, middle - wide)),
        high=min(1.0, max(kappa, middle + wide)),
        bound=max(-1.0, min(kappa, middle - narrow)),
    )


def _share(right: Floats, codes: Codes) -> Level | None:
    if not len(right):
        return None
    if len(np.unique(codes)) == len(codes):
        return wilson(int(right.sum()), len(right))
    return level(right, codes)
