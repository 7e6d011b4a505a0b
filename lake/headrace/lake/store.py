"""The one door to DuckDB: open the lake, read it, write it in transactions that retry."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import duckdb
import msgspec

from headrace.lake import attachment, migration, spill
from headrace.lake.errors import HeadraceError, LakeLocked
from headrace.lake.settings import Settings, make_home
from headrace.lake.statement import statements

if TYPE_CHECKING:
    import pyarrow as pa

Parameters = Mapping[str, object]
Relation = duckdb.DuckDBPyRelation
T = TypeVar("T")

_ROWS = 1_000  # of a stream that are in Python at a time
_TRANSIENT = ("locked", "conflict", "busy", "could not serialize", "concurrent")


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows `Transaction.settle` put in and took out; a changed one is both."""

    added: int
    removed: int


class Transaction:
    """What one transaction may do; lives only inside `Lake.write`.

    `shapes` holds the columns of the tables that were written before.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, shapes: "dict[str, pa.Schema]"
    ) -> None:
        self._connection = connection
        self._shapes = shapes

    def run(
        self,
        sql: str,
        parameters: Parameters | None = None,
        tables: "Mapping[str, pa.Table] | None" = None,
    ) -> list[tuple[Any, ...]]:
        """Run one statement, values by `$name`, that may name the `tables` given; its rows."""
        with self._given(tables or {}):
            return self._connection.execute(sql, dict(parameters or {})).fetchall()

    def table(
        self,
        sql: str,
        parameters: Parameters | None = None,
        tables: "Mapping[str, pa.Table] | None" = None,
    ) -> "pa.Table":
        """Like `run`; the rows column by column."""
        with self._given(tables or {}):
            return self._connection.execute(sql, dict(parameters or {})).to_arrow_table()

    def append(self, table: str, rows: Iterable[msgspec.Struct]) -> int:
        """Add rows; how many there were."""
        return self._insert(table, list(rows), "insert into {table} by name select * from batch")

    def add_new(self, table: str, rows: Iterable[msgspec.Struct], *, on: Sequence[str]) -> int:
        """Add the rows whose key is not there yet; how many were offered, first one wins."""
        key = attrgetter(*on)
        first = {key(row): row for row in reversed(list(rows))}
        return self._insert(
            table,
            list(first.values()),
            "insert into {table} by name select * from batch anti join {table} on "
            + _same_key(table, on),
        )

    def upsert(self, table: str, rows: Iterable[msgspec.Struct], *, on: Sequence[str]) -> int:
        """Put rows in the place of those with the same key; last one wins."""
        key = attrgetter(*on)
        last = {key(row): row for row in rows}
        delete = f"delete from {table} using batch where {_same_key(table, on)}"
        return self._insert(
            table,
            list(last.values()),
            "insert into {table} by name select * from batch",
            before=delete,
        )

    def keep_latest(
        self, table: str, rows: Iterable[msgspec.Struct], *, on: Sequence[str], by: str
    ) -> int:
        """Like `upsert`, but a row stays whose time `by` is later; no time is earlier than any."""
        key, time = attrgetter(*on), attrgetter(by)
        latest: dict[object, msgspec.Struct] = {}
        for row in rows:
            other = latest.setdefault(key(row), row)
            if time(other) is None or (time(row) is not None and time(row) >= time(other)):
                latest[key(row)] = row
        same = _same_key(table, on)
        older = f'({table}."{by}" is null or batch."{by}" >= {table}."{by}")'
        return self._insert(
            table,
            list(latest.values()),
            f"insert into {{table}} by name select * from batch anti join {{table}} on {same}",
            before=f"delete from {table} using batch where {same} and {older}",
        )

    def append_columns(self, table: str, rows: "pa.Table") -> int:
        """Add rows that are there as columns; how many there were. Columns not given are null."""
        if len(rows):
            with self._given({"batch": self._cast(table, rows)}):
                self._connection.execute(f"insert into {table} by name select * from batch")
        return len(rows)

    def settle(
        self,
        table: str,
        wanted: "pa.Table",
        *,
        on: Sequence[str],
        within: Parameters,
        beside: Sequence[str] = ("at",),
        gone: bool = True,
    ) -> Settled:
        """Bring the rows `within` these values to those wanted, writing only what differs.

        `on` is the key of a row, unique among those wanted. Rows that differ only in the columns
        `beside` stand as they are, and so do rows that are not wanted where `gone` is false.
        """
        columns = self._cast(table, wanted)
        told = [name for name in columns.column_names if name not in beside]
        inside = " and ".join(f'{table}."{name}" = ${name}' for name in within)
        old = (
            f"delete from {table} where {inside} and not exists "
            f"(select 1 from batch where {_same_key(table, told)})"
        )
        if not gone:
            old += f" and exists (select 1 from batch where {_same_key(table, on)})"
        new = (
            f"insert into {table} by name select * from batch where not exists "
            f"(select 1 from {table} where {inside} and {_same_key(table, on)})"
        )
        with self._given({"batch": columns}):
            [(removed,)] = self._connection.execute(old, dict(within)).fetchall()
            [(added,)] = self._connection.execute(new, dict(within)).fetchall()
        return Settled(added=added, removed=removed)

    @contextmanager
    def _given(self, tables: "Mapping[str, pa.Table]") -> Iterator[None]:
        for name, rows in tables.items():
            self._connection.register(name, rows)
        try:
            yield
        finally:
            for name in tables:
                self._connection.unregister(name)

    def _cast(self, table: str, rows: "pa.Table") -> "pa.Table":
        """Columns in the types that the table has for them."""
        import pyarrow as pa

        shape = self._shape(table)
        return rows.cast(pa.schema([shape.field(name) for name in rows.column_names]))

    def _insert(
        self, table: str, rows: list[msgspec.Struct], sql: str, before: str | None = None
    ) -> int:
        if not rows:
            return 0
        self._connection.register("batch", _batch(rows, self._shape(table)))
        try:
            if before is not None:
                self._connection.execute(before)
            self._connection.execute(sql.format(table=table))
        finally:
            self._connection.unregister("batch")
        return len(rows)

    def _shape(self, table: str) -> "pa.Schema":
        """The columns of a table; asking costs more than writing a few rows."""
        if table not in self._shapes:
            self._shapes[table] = _columns(self._connection, table)
        return self._shapes[table]


class Stream:
    """Rows of a query, read from it a few at a time; a second statement may run meanwhile."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.columns = tuple(column[0] for column in cursor.description or ())

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        try:
            while rows := self._cursor.fetchmany(_ROWS):
                yield from rows
        finally:
            self._cursor.close()


class Lake:
    """A DuckLake: DuckDB as engine, Parquet as data, a SQL catalog.

    One object may be used by many threads; many processes may have one open.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        settings: Settings,
        rng: random.Random,
        place: spill.Place,
    ) -> None:
        self._root = connection
        self._place = place
        self._rng = rng
        self._reader: threading.local = threading.local()
        self._writing = threading.Lock()
        self._shapes: dict[str, pa.Schema] = {}
        self.settings = settings

    @classmethod
    def open(
        cls,
        home: Path | str | None = None,
        *,
        settings: Settings | None = None,
        snapshot: int | None = None,
        create: bool = True,
        rng: random.Random | None = None,
    ) -> Self:
        """Open the lake of a home (default: `HEADRACE_HOME`, else `./.headrace`), made if absent.

        With `snapshot` the lake is read-only and stands as it stood then; without `create` it must
        be there. Raises SettingsError, NoLake, SnapshotGone, MissingExtension, LakeTooNew,
        LakeElsewhere, LakeLocked.
        """
        settings = settings or Settings.load(home)
        if not create:
            attachment.must_exist(settings)
        make_home(settings.home)
        spill.sweep(settings.home)
        place = spill.Place.take(settings.home)
        try:
            connection = _ready(settings, place, snapshot=snapshot, create=create)
        except BaseException:
            place.leave()
            raise
        return cls(connection, settings, rng or random.Random(), place)

    def sql(self, query: str, parameters: Parameters | None = None) -> Relation:
        """A DuckDB relation over the lake: `.pl()`, `.df()`, `.fetchall()`; values by `$name`."""
        return self._cursor().sql(query, params=dict(parameters) if parameters else None)

    def rows(self, query: str, parameters: Parameters | None = None) -> list[dict[str, Any]]:
        """The rows of a query as dicts."""
        relation = self.sql(query, parameters)
        columns = relation.columns
        return [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]

    def stream(
        self,
        query: str,
        parameters: Parameters | None = None,
        tables: "Mapping[str, pa.Table] | None" = None,
    ) -> "Stream":
        """The rows of a query as they are made, as of now; it may name the `tables` given."""
        return Stream(self._executed(query, parameters, tables))

    def table(
        self,
        query: str,
        parameters: Parameters | None = None,
        tables: "Mapping[str, pa.Table] | None" = None,
    ) -> "pa.Table":
        """The rows of a query column by column; it may name the `tables` given."""
        cursor = self._executed(query, parameters, tables)
        try:
            return cursor.to_arrow_table()
        finally:
            cursor.close()

    @contextmanager
    def within(self, mib: int) -> Iterator[None]:
        """Let DuckDB hold so many MiB at most and spill what is more into the home."""
        [(before,)] = self._root.execute("select current_setting('memory_limit')").fetchall()
        self._root.execute(f"set memory_limit = '{int(mib)}MiB'")
        try:
            yield
        finally:
            # `reset` of DuckDB 1.5 changes what is shown and leaves the limit as it is.
            self._root.execute(f"set memory_limit = '{before}'")

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in one transaction, all of it again while the catalog is locked.

        `work` must be free of side effects outside the lake. Raises LakeLocked after
        `lock_timeout_s`, and whatever `work` raises, rolled back.
        """
        with self._writing:
            return self._commit(lambda: work(Transaction(self._root, self._shapes)))

    @property
    def snapshot_id(self) -> int:
        """The number of the newest committed snapshot; a data set names the one it came from."""
        [(snapshot,)] = self.sql(statements("headrace.lake")["snapshot"]).fetchall()
        return int(snapshot)

    def at(self, snapshot: int) -> Self:
        """The same lake as it stood at a snapshot, to be read while others write. Raises as
        `open`; to be closed by whoever asked."""
        return self.open(settings=self.settings, snapshot=snapshot, create=False)

    def be_frugal(self) -> None:
        """Let DuckDB keep to one thread and no cache of files from here on: half its memory."""
        for name in ("one_thread", "no_file_cache"):
            self._root.execute(statements("headrace.lake")[name])

    def close(self) -> None:
        self._root.close()
        self._place.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._reader, "cursor", None)
        if cursor is None:
            cursor = self._root.cursor()
            attachment.enter(cursor)
            self._reader.cursor = cursor
        return cursor

    def _executed(
        self,
        query: str,
        parameters: Parameters | None,
        tables: "Mapping[str, pa.Table] | None",
    ) -> duckdb.DuckDBPyConnection:
        cursor = self._root.cursor()
        attachment.enter(cursor)
        for name, table in (tables or {}).items():
            cursor.register(name, table)
        return cursor.execute(query, dict(parameters or {}))

    def _commit(self, work: Callable[[], T]) -> T:
        def once() -> T:
            self._root.execute("begin")
            try:
                result = work()
                self._root.execute("commit")
            except BaseException:
                _roll_back(self._root)
                raise
            return result

        return self._retry(once)

    def _retry(self, action: Callable[[], T]) -> T:
        deadline = time.monotonic() + self.settings.lock_timeout_s
        pause = 0.02
        while True:
            try:
                return action()
            except duckdb.Error as error:
                if not _is_transient(error):
                    raise
                if time.monotonic() > deadline:
                    raise LakeLocked(
                        f"the catalog {self.settings.catalog_shown!r} stayed locked for "
                        f"{self.settings.lock_timeout_s:g} s: look for another long write, "
                        "or raise HEADRACE_LOCK_TIMEOUT_S"
                    ) from error
                time.sleep(pause * self._rng.uniform(0.5, 1.5))
                pause = min(pause * 2, 1.0)


def _ready(
    settings: Settings, place: spill.Place, *, snapshot: int | None, create: bool
) -> duckdb.DuckDBPyConnection:
    """A connection to the lake, brought to the schema of this version unless it is of the past."""
    connection = attachment.connect(settings, spills=place.folder)
    with migration.alone(settings.home):
        attachment.attach(connection, settings, snapshot=snapshot, create=create)
        if snapshot is None and migration.pending(connection):
            attachment.detach(connection)
            attachment.attach(connection, settings, inlining=False)
            migration.migrate(connection)
            attachment.detach(connection)
            attachment.attach(connection, settings)
    return connection


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> "pa.Schema":
    if not table.isidentifier():
        raise HeadraceError(f"{table!r} is no table name")
    return connection.sql(f"select * from {table} limit 0").to_arrow_table().schema


def _batch(rows: Sequence[msgspec.Struct], shape: "pa.Schema") -> "pa.Table":
    """The rows column by column, each in the type that the table has for it."""
    import pyarrow as pa  # whoever only reads does without its 35 MB

    fields = rows[0].__struct_fields__
    columns = zip(*map(msgspec.structs.astuple, rows), strict=True)
    arrays = [
        pa.array(column, shape.field(name).type)
        for name, column in zip(fields, columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, names=list(fields))


def _same_key(table: str, on: Sequence[str]) -> str:
    """Equal keys; rows that lack a value are the same row."""
    return " and ".join(f'batch."{key}" is not distinct from {table}."{key}"' for key in on)


def _is_transient(error: duckdb.Error) -> bool:
    # errors of data quote the data: a text that says "locked" must not look like a locked catalog
    # DuckLake's own verbs tell of a locked catalog with a bare error
    if not isinstance(error, duckdb.OperationalError) and type(error) is not duckdb.Error:
        return False
    text = str(error).lower()
    return any(word in text for word in _TRANSIENT)


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("rollback")
    except duckdb.Error:  # a failed commit has already rolled back
        return
