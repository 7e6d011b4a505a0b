"""Polars frames on their way into tables of the lake."""

from datetime import datetime

import polars as pl
import pyarrow as pa


def arrow(rows: pl.DataFrame) -> pa.Table:
    """The columns in the types that DuckDB reads."""
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


def utc(now: datetime) -> pl.Expr:
    """A column of one time."""
    return pl.lit(now).dt.convert_time_zone("UTC")
