"""Stretches of rows: how a statement finds a few rows of a table without unpacking the others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS = 2_048  # of a table that are looked at together: a vector of DuckDB


def blocks(places: NDArray[np.int64]) -> dict[str, Any]:
    """What a statement asks of a row number: whether a wanted one is among its neighbours.

    Parameters for `get_bit($blocks::bit, least(rowid // $rows, $behind)::integer) = 1`: a bit for
    each stretch of rows, the last one for all behind them.
    """
    behind = int(places.max(initial=-1)) // ROWS + 1
    bits = np.full(behind + 1, ord("0"), dtype=np.uint8)
    bits[places // ROWS] = ord("1")
    return {"blocks": bits.tobytes().decode("ascii"), "rows": ROWS, "behind": behind}


def dense(places: NDArray[np.int64], least: int) -> NDArray[np.bool_]:
    """Which of these rows have so many others of them, or more, in their stretch."""
    stretch = places // ROWS
    found: NDArray[np.bool_] = np.bincount(stretch, minlength=1)[stretch] >= least
    return found
