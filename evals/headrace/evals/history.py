"""Scores as they come, made into cases x releases x epochs, or refused with a sentence."""

import math
from hashlib import blake2b

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.evals.contrast import Codes, Floats
from headrace.evals.errors import EvalError

Flags = NDArray[np.bool_]

_KEY = ["release", "run", "case_id", "epoch"]


class UnfitScores(EvalError):
    """A frame of scores cannot be judged as it is; the message names the column and the cure."""


class History(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The last measured releases of one series, oldest first."""

    values: Floats  # (cases, releases, epochs), NaN: absent or never asked
    asked: Flags  # same shape: an attempt was made, whatever came of it
    clusters: Codes  # (cases,)
    cases: tuple[str, ...]
    numbers: tuple[int, ...]  # (releases,) as the frame had them
    measured: int  # how many releases there were in all
    binary: bool

    @property
    def releases(self) -> int:
        return int(self.values.shape[1])

    @property
    def layers(self) -> Flags:
        """(releases, epochs) epochs with at least one score."""
        present: Flags = np.any(~np.isnan(self.values), axis=0)
        return present

    @property
    def epochs_per_release(self) -> tuple[int, ...]:
        return tuple(self.layers.sum(axis=1).tolist())

    def looked(self, epochs: Flags) -> "History":
        """With only these epochs (a flag per layer) of the newest release."""
        values, asked = self.values.copy(), self.asked.copy()
        values[:, -1, ~epochs], asked[:, -1, ~epochs] = np.nan, False
        rows: Flags = np.any(asked, axis=(1, 2))
        layers: Flags = np.any(asked, axis=(0, 1))
        return msgspec.structs.replace(
            self,
            values=values[rows][:, :, layers],
            asked=asked[rows][:, :, layers],
            clusters=self.clusters[rows],
            cases=tuple(name for name, keep in zip(self.cases, rows, strict=True) if keep),
        )

    def filled(self, value: float) -> "History":
        """As if every absent score of the newest release had been `value`."""
        values = self.values.copy()
        newest = values[:, -1]
        newest[self.asked[:, -1] & np.isnan(newest)] = value
        return msgspec.structs.replace(self, values=values)

    def digest(self, *more: object) -> str:
        """32 hex digits over the scores, their cases and clusters, and `more`."""
        state = blake2b(digest_size=16)
        for array in (self.values, self.asked, self.clusters):
            state.update(np.ascontiguousarray(array).tobytes())
        about = (self.values.shape, self.cases, self.measured, self.binary, *more)
        state.update(repr(about).encode())
        return state.hexdigest()


def history(scores: pl.DataFrame, *, last: int, binary: bool | None = None) -> History:
    """Normalise scores (one row per attempt), keeping the `last` measured releases.

    Columns: `release` (ordered integer), `case_id`, `value` in [0, 1], null or NaN where absent;
    optional `run`, `epoch` (one attempt each without them) and `cluster` (the case itself).
    Raises UnfitScores.
    """
    rows = _measured(_checked(scores))
    releases = rows["release"].unique().sort()
    present = rows["value"].drop_nulls()
    rows = _epochs(rows.filter(pl.col("release") >= releases[-min(last, len(releases))]))
    return _dense(rows, measured=len(releases), binary=_is_binary(present, binary))


def _checked(scores: pl.DataFrame) -> pl.DataFrame:
    if missing := sorted({"release", "case_id", "value"} - set(scores.columns)):
        raise UnfitScores(
            f"scores lack the column {missing[0]!r}: needed are release, case_id and value, "
            "useful are run, epoch and cluster"
        )
    if scores.is_empty():
        raise UnfitScores("scores have no rows in column 'value': give one row per attempt")
    _check_types(scores.schema)
    named = _named(scores)
    _check_values(named)
    return _once(named)


def _check_types(schema: pl.Schema) -> None:
    if not schema["release"].is_integer():
        raise UnfitScores(
            f"column 'release' holds {schema['release']}: number the releases by time, 0, 1, 2, .."
        )
    value = schema["value"]
    if not (value.is_numeric() or value in (pl.Boolean, pl.Null)):
        raise UnfitScores(f"column 'value' holds {value}: give numbers from 0 to 1, null if absent")


def _named(scores: pl.DataFrame) -> pl.DataFrame:
    """All six columns, ids as text; a case without a cluster is its own."""
    case = pl.col("case_id").cast(pl.String)
    own = pl.concat_str(pl.lit("case:"), case)
    given = pl.concat_str(pl.lit("of:"), pl.col("cluster").cast(pl.String))
    has = scores.columns
    return scores.select(
        pl.col("release").cast(pl.Int64),
        pl.col("run") if "run" in has else pl.lit(0).alias("run"),
        case,
        pl.col("epoch") if "epoch" in has else pl.lit(0).alias("epoch"),
        (pl.coalesce(given, own) if "cluster" in has else own).alias("cluster"),
        pl.col("value").cast(pl.Float64).fill_nan(None),
    )


def _check_values(rows: pl.DataFrame) -> None:
    for column in _KEY:
        if rows[column].null_count():
            raise UnfitScores(f"column {column!r} has nulls: only 'value' may be absent")
    outside = rows.filter((pl.col("value") < 0) | (pl.col("value") > 1))
    if not outside.is_empty():
        raise UnfitScores(
            f"column 'value' holds {outside['value'][0]:g}, outside [0, 1]: rescale in the suite"
        )
    case_clusters = rows.select("case_id", "cluster").unique()
    if len(case_clusters) > case_clusters["case_id"].n_unique():
        case = case_clusters.filter(pl.col("case_id").is_duplicated())["case_id"].min()
        raise UnfitScores(f"column 'cluster' puts case {case!r} in two clusters: choose one")


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Copied rows count once; two different values for one attempt are no measurement."""
    rows = rows.unique()
    twice = rows.filter(pl.struct(_KEY).is_duplicated()).sort(_KEY)
    if not twice.is_empty():
        release, run, case, epoch, *_ = twice.row(0)
        raise UnfitScores(
            f"column 'value' has two values for case {case!r}, release {release}, run {run!r}, "
            f"epoch {epoch}: give repeated attempts epochs of their own"
        )
    return rows


def _measured(rows: pl.DataFrame) -> pl.DataFrame:
    """Without older releases of which not one score arrived: nobody measured them."""
    measured = pl.col("value").is_not_null().any().over("release")
    return rows.filter(measured | (pl.col("release") == pl.col("release").max()))


def _epochs(rows: pl.DataFrame) -> pl.DataFrame:
    """Every (run, epoch) of a release is one layer, from 0, in their order."""
    numbered = (
        rows.select("release", "run", "epoch")
        .unique()
        .sort("release", "run", "epoch")
        .with_columns(pl.int_range(pl.len()).over("release").alias("layer"))
    )
    return rows.join(numbered, on=["release", "run", "epoch"])


def _is_binary(present: pl.Series, binary: bool | None) -> bool:
    return bool(present.is_in([0.0, 1.0]).all()) if binary is None else binary


def _dense(rows: pl.DataFrame, *, measured: int, binary: bool) -> History:
    cases = rows.select("case_id", "cluster").unique().sort("case_id")
    place = tuple(
        (rows[column].rank("dense") - 1).to_numpy().astype(np.intp)
        for column in ("case_id", "release")
    ) + (rows["layer"].to_numpy().astype(np.intp),)
    shape = tuple(int(axis.max()) + 1 for axis in place)
    values = np.full(shape, np.nan)
    values[place] = rows["value"].fill_null(math.nan).to_numpy()
    asked = np.zeros(shape, dtype=np.bool_)
    asked[place] = True
    return History(
        values=values,
        asked=asked,
        clusters=(cases["cluster"].rank("dense") - 1).to_numpy().astype(np.intp),
        cases=tuple(cases["case_id"].to_list()),
        numbers=tuple(rows["release"].unique().sort().to_list()),
        measured=measured,
        binary=binary,
    )
