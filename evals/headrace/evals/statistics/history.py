"""Scores as they come, made into cases x releases x epochs, or refused with a sentence."""

from hashlib import blake2b

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.evals.errors import EvalError
from headrace.evals.statistics.contrast import Codes, Floats

Flags = NDArray[np.bool_]


class UnfitScores(EvalError):
    """A frame of scores cannot be judged as it is; the message names the column and the cure."""


class History(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The last measured releases of one series, oldest first."""

    values: Floats  # (cases, releases, attempts), NaN: absent or never asked
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
        """(releases, attempts) which first, second, .. attempts have at least one score."""
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
    `scorer` and `judge_hash`, where there, are one. Ids may be of any type that has a text.
    Linear in rows, but for one sort of numbers.
    Raises UnfitScores.
    """
    _check_shape(scores)
    rows = _columns(scores)
    _check_values(rows)
    releases, values = rows["release"].to_numpy(), rows["value"].to_numpy()
    present = ~np.isnan(values)
    # An older release of which not one score arrived was not measured.
    numbers = np.union1d(releases[present], releases.max()).tolist()
    kept = numbers[-last:]
    recent: Flags = np.isin(releases, kept)
    return _dense(
        rows if recent.all() else rows.filter(pl.Series(recent)),
        numbers=kept,
        measured=len(numbers),
        binary=_is_binary(values[present]) if binary is None else binary,
    )


def _check_shape(scores: pl.DataFrame) -> None:
    if not isinstance(scores, pl.DataFrame):
        raise UnfitScores(
            f"scores are a {type(scores).__name__}: give a Polars DataFrame, one row per attempt "
            "(`polars.from_pandas`, `polars.DataFrame(rows)`)"
        )
    if missing := sorted({"release", "case_id", "value"} - set(scores.columns)):
        raise UnfitScores(
            f"scores lack the column {missing[0]!r}: needed are release, case_id and value, "
            "useful are run, epoch and cluster"
        )
    if scores.is_empty():
        raise UnfitScores("scores have no rows in column 'value': give one row per attempt")
    for column in ("scorer", "judge_hash"):
        if column in scores.columns and scores[column].n_unique() > 1:
            first, second, *_ = scores[column].unique(maintain_order=True)
            raise UnfitScores(
                f"column {column!r} holds {first!r} and {second!r}: two scorers make two series, "
                "judge each by itself, or score the older logs anew"
            )
    _check_types(scores.schema)


def _check_types(schema: pl.Schema) -> None:
    if not schema["release"].is_integer():
        raise UnfitScores(
            f"column 'release' holds {schema['release']}: number the releases by time, 0, 1, 2, .."
        )
    value = schema["value"]
    if not (value.is_numeric() or value in (pl.Boolean, pl.Null)):
        raise UnfitScores(f"column 'value' holds {value}: give numbers from 0 to 1, null if absent")
    for column in ("case_id", "cluster", "run", "epoch"):
        kind = schema.get(column)
        if kind is not None and (kind.is_nested() or kind in (pl.Object, pl.Binary)):
            raise UnfitScores(f"column {column!r} holds {kind}: give a text or a number")


def _columns(scores: pl.DataFrame) -> pl.DataFrame:
    """All six columns; one without a value is none.

    Ids stay as they are: as text they would cost more than all the rest.
    """
    has = {name for name in scores.columns if scores[name].null_count() < len(scores)}
    return scores.select(
        pl.col("release").cast(pl.Int64),
        pl.col("run") if "run" in has else pl.lit(0).alias("run"),
        pl.col("case_id"),
        pl.col("epoch") if "epoch" in has else pl.lit(0).alias("epoch"),
        pl.col("cluster") if "cluster" in has else pl.lit(None, pl.String).alias("cluster"),
        pl.col("value").cast(pl.Float64).fill_nan(None),
    )


def _check_values(rows: pl.DataFrame) -> None:
    for column in ("release", "run", "case_id", "epoch"):
        if rows[column].null_count():
            raise UnfitScores(f"column {column!r} has nulls: only 'value' may be absent")
    values = rows["value"].to_numpy()
    outside = values[(values < 0) | (values > 1)]
    if outside.size:
        raise UnfitScores(
            f"column 'value' holds {outside[0]:g}, outside [0, 1]: rescale in the suite"
        )


def _is_binary(present: Floats) -> bool:
    return bool(((present == 0) | (present == 1)).all())


def _dense(rows: pl.DataFrame, *, numbers: list[int], measured: int, binary: bool) -> History:
    names, case = _encoded(rows["case_id"], text=True)
    release = np.searchsorted(numbers, rows["release"].to_numpy())
    place, order = _places(rows, case * len(numbers) + release)
    shape = (len(names), len(numbers), int(place[1].max()) + 1)
    values = np.full(shape, np.nan)
    asked = np.zeros(shape, dtype=np.bool_)
    values.reshape(-1, shape[2])[place] = rows["value"].to_numpy()[order]
    asked.reshape(-1, shape[2])[place] = True
    return History(
        values=values,
        asked=asked,
        clusters=_clusters(rows["cluster"], case, names),
        cases=tuple(names.to_list()),
        numbers=tuple(numbers),
        measured=measured,
        binary=binary,
    )


def _encoded(ids: pl.Series, *, text: bool = False) -> tuple[pl.Series, Codes]:
    """The distinct ids in order, and for every row the number of its id.

    As text, whatever they are, 10 stands ahead of 2.
    """
    if ids.dtype in (pl.Categorical, pl.Enum):
        ids = ids.cast(pl.String)
    if ids.dtype == pl.Int128:  # what a sum of integers is in SQL
        ids = ids.cast(pl.Int64)
    # Arrow numbers strings in half the time that Polars takes.
    coded = ids.to_arrow(compat_level=pl.CompatLevel.oldest()).dictionary_encode()
    names = pl.Series(coded.dictionary)
    if text:
        names = names.cast(pl.String)
    order = names.arg_sort().to_numpy()
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return names.gather(order), rank[coded.indices.to_numpy()]


def _places(rows: pl.DataFrame, cell: Codes) -> tuple[tuple[Codes, Codes], Codes]:
    """Cell and layer of every attempt, and the row that it stands in; copied rows count once.

    Layers are the attempts at one case in one release, from 0, by run and epoch.
    """
    attempt = _attempts(rows)
    key = cell * (int(attempt.max()) + 1) + attempt
    order = np.argsort(key, kind="stable")
    copied = np.append(False, np.diff(key[order]) == 0)
    if copied.any():
        _check_copies(rows, order, copied)
        order = order[~copied]
    cells = cell[order]
    first = np.flatnonzero(np.append(True, np.diff(cells) != 0))
    layer = np.arange(len(cells)) - np.repeat(first, np.diff(np.append(first, len(cells))))
    return (cells, layer), order


def _attempts(rows: pl.DataFrame) -> Codes:
    """For every row the number of its (run, epoch), in their order; fewer than there are rows."""
    (runs, run), (epochs, epoch) = (_encoded(rows[column]) for column in ("run", "epoch"))
    number = run * len(epochs) + epoch
    if len(runs) * len(epochs) > len(rows):
        _, number = np.unique(number, return_inverse=True)
    return number


def _check_copies(rows: pl.DataFrame, order: Codes, copied: Flags) -> None:
    """Two different values for one attempt are no measurement."""
    values = rows["value"].to_numpy()[order]
    here, ahead = values[1:][copied[1:]], values[:-1][copied[1:]]
    other = ~((here == ahead) | (np.isnan(here) & np.isnan(ahead)))
    if other.any():
        row = rows.row(int(order[np.flatnonzero(copied)[np.argmax(other)]]), named=True)
        raise UnfitScores(
            f"column 'value' has two values for case {row['case_id']!r}, release "
            f"{row['release']}, run {row['run']!r}, epoch {row['epoch']}: "
            "give repeated attempts epochs of their own"
        )


def _clusters(given: pl.Series, case: Codes, names: pl.Series) -> Codes:
    """(cases,) the number of the cluster of each; without one a case is its own."""
    first = np.empty(len(names), dtype=np.intp)
    first[case[::-1]] = np.arange(len(case))[::-1]
    own = given.gather(first)
    moved = own.gather(case).ne_missing(given).to_numpy()
    if moved.any():
        name = names[int(case[moved].min())]
        raise UnfitScores(f"column 'cluster' puts case {name!r} in two clusters: choose one")
    shared = pl.lit("of:") + pl.lit(own.cast(pl.String))
    alone = pl.lit("case:") + pl.lit(names)
    return _encoded(pl.select(pl.coalesce(shared, alone)).to_series())[1]
