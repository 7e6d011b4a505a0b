"""Stretches of rows: how a statement finds a few rows of a table without unpacking the others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS = 2_048  # of a table that are looked at together, at least
BLOCKS = 64  # of rows: each is compared with every row of the table


def blocks(places: NDArray[np.int64]) -> dict[str, Any]:
    """A few stretches of rows, all of one length, that cover these rows."""
    rows = ROWS
    while len(found := np.unique(places // rows)) > BLOCKS:
        rows *= 2
    return {"blocks": found.tolist(), "rows": rows}
