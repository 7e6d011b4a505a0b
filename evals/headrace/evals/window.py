"""Which scores of a history may be compared: the epochs a look may use, the cases all share."""

import math

import msgspec
import numpy as np

from headrace.evals.contrast import Floats, Panel
from headrace.evals.history import Flags, History


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
        return int(np.unique(self.history.clusters[self.shared]).size)

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
        values = self.history.values[self.shared, -self.length :]
        counts = (~np.isnan(values)).sum(axis=2)
        return Panel.of(
            np.nansum(values, axis=2) / counts,
            self.history.clusters[self.shared],
            epochs=float(np.median(counts)),
            binary=self.history.binary,
        )

    @property
    def within(self) -> float | None:
        """Variance between epochs of one case in one release; None: nothing was repeated."""
        values: Floats = self.history.values[self.shared, -self.length :]
        repeated = values[(~np.isnan(values)).sum(axis=2) > 1]
        return float(np.nanvar(repeated, axis=1, ddof=1).mean()) if len(repeated) else None


def comparable(history: History, *, at_least: int, keep: float) -> Window:
    """The longest window that still shares `keep` of the cases of its newest `at_least` releases.

    It has `at_least` releases or all there are, however few cases these share.
    """
    present: Flags = np.any(~np.isnan(history.values), axis=2)[:, ::-1]
    shared = np.logical_and.accumulate(present, axis=1)
    counts = shared.sum(axis=0)
    length = min(history.releases, at_least)
    enough = keep * counts[length - 1]
    while length < history.releases and counts[length] >= max(enough, 1):
        length += 1
    return Window(history=history, length=length, shared=shared[:, length - 1])


def look(history: History, *, interim: float) -> tuple[History, float]:
    """What this look may use, and the share of every level that it may spend.

    Peeking is priced in: the newest release counts at 1, 2, 4, .. epochs before the usual number
    of epochs is in, and at that number times 1, 2, 4, .. after; between these nothing changes.
    """
    counts = history.layers.sum(axis=1)
    epochs, earlier = int(counts[-1]), counts[:-1][counts[:-1] > 0]
    if not epochs or not earlier.size:
        return history, 1.0
    used, share = _scheduled(epochs, int(np.median(earlier)), interim)
    layers = history.layers[-1] & (np.cumsum(history.layers[-1]) <= used)
    # Only this look's epochs: what a later epoch adds must not move anything before its time.
    return history.looked(layers), share


def _scheduled(epochs: int, planned: int, interim: float) -> tuple[int, float]:
    if epochs < planned:
        return 1 << (epochs.bit_length() - 1), interim
    doublings = int(math.log2(epochs // planned))
    return planned << doublings, 0.5**doublings
