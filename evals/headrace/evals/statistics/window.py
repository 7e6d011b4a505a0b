"""Which scores of a history may be compared: the epochs a look may use, the cases all share."""

import math

import msgspec
import numpy as np
import polars as pl

from headrace.evals.statistics.contrast import Codes, Floats, Panel
from headrace.evals.statistics.history import Flags, History, history
from headrace.evals.statistics.parameters import Parameters


class Window(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The newest releases of a history and the cases that each of them has a score for."""

    history: History
    length: int  # releases
    shared: Flags  # (cases,)

    @property
    def cases(self) -> int:
        return int(self.shared.sum())

    @property
    def clusters(self) -> int:
        return int(np.unique(self.codes).size)

    @property
    def values(self) -> Floats:
        """(shared cases, releases, epochs), NaN where an attempt has no score."""
        values: Floats = self.history.values[self.shared, -self.length :]
        return values

    @property
    def codes(self) -> Codes:
        """(shared cases,) the cluster of each."""
        codes: Codes = self.history.clusters[self.shared]
        return codes

    @property
    def absent(self) -> float:
        """Share of attempts without a score, over the cases that every release was asked."""
        asked, values = (
            part[:, -self.length :] for part in (self.history.asked, self.history.values)
        )
        always: Flags = np.all(np.any(asked, axis=2), axis=1)
        attempts = int(asked[always].sum())
        got = int((~np.isnan(values[always])).sum())
        return 1 - got / attempts if attempts else 0.0

    @property
    def panel(self) -> Panel:
        """Means over the present epochs of the shared cases; at least one case."""
        values = self.values
        counts = (~np.isnan(values)).sum(axis=2)
        return Panel.of(
            np.nansum(values, axis=2) / counts,
            self.codes,
            epochs=float(np.median(counts)),
            binary=self.history.binary,
        )

    @property
    def within(self) -> float | None:
        """Variance between epochs of one case in one release; None: nothing was repeated."""
        values = self.values
        repeated = values[(~np.isnan(values)).sum(axis=2) > 1]
        return float(np.nanvar(repeated, axis=1, ddof=1).mean()) if len(repeated) else None


class Look(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What one look at a history may use, and how much of every level it may spend."""

    window: Window
    share: float


def look(scores: pl.DataFrame, *, window: int, levels: Parameters, binary: bool | None) -> Look:
    """The comparable window of a frame of scores. Raises UnfitScores."""
    whole = history(scores, last=max(levels.m_max, window + 1), binary=binary)
    seen, share = _scheduled(whole, interim=levels.interim)
    part = comparable(seen, at_least=window + 1, keep=levels.min_keep)
    return Look(window=part, share=share)


def comparable(seen: History, *, at_least: int, keep: float) -> Window:
    """The longest window that still shares `keep` of the cases of its newest `at_least` releases.

    It has `at_least` releases or all there are, however few cases these share.
    """
    present: Flags = np.any(~np.isnan(seen.values), axis=2)[:, ::-1]
    shared = np.logical_and.accumulate(present, axis=1)
    counts = shared.sum(axis=0)
    length = min(seen.releases, at_least)
    enough = keep * counts[length - 1]
    while length < seen.releases and counts[length] >= max(enough, 1):
        length += 1
    return Window(history=seen, length=length, shared=shared[:, length - 1])


def _scheduled(whole: History, *, interim: float) -> tuple[History, float]:
    """Peeking is priced in: a verdict can change only at 1, 2, 4, .. epochs of the newest release
    before its usual number is in, and at that number times 1, 2, 4, .. after.
    """
    *earlier, epochs = whole.epochs_per_release
    if not epochs or not earlier:
        return whole, 1.0
    used, share = _usable(epochs, int(np.median(earlier)), interim)
    layers = whole.layers[-1] & (np.cumsum(whole.layers[-1]) <= used)
    return whole.looked(layers), share


def _usable(epochs: int, planned: int, interim: float) -> tuple[int, float]:
    if epochs < planned:
        return 1 << (epochs.bit_length() - 1), interim
    doublings = int(math.log2(epochs // planned))
    return planned << doublings, 0.5**doublings
