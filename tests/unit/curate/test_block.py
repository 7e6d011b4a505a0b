"""Stretches of rows hold the rows that are wanted."""

import duckdb
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.block import ROWS, blocks, dense

PLACES = st.lists(st.integers(0, 60 * ROWS), max_size=30).map(lambda p: np.array(p, np.int64))
ASKED = "get_bit($blocks::bit, least(range // $rows, $behind)::integer) = 1"


@given(PLACES)
def test_every_wanted_row_and_only_its_stretch_is_found(places: np.ndarray) -> None:
    sql = f"select distinct range // $rows from range(0, 70 * $rows, 64) where {ASKED}"
    found = {stretch for (stretch,) in duckdb.execute(sql, blocks(places)).fetchall()}
    assert found == set((places // ROWS).tolist())


@given(PLACES, st.integers(1, 4))
def test_rows_are_dense_among_enough_others(places: np.ndarray, least: int) -> None:
    stretches = (places // ROWS).tolist()
    assert dense(places, least).tolist() == [stretches.count(one) >= least for one in stretches]
