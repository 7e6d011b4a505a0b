"""Records and tables are two spellings of one thing: every column has its field and its type."""

from datetime import datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import duckdb
import msgspec
import pytest

from headrace.lake import record
from headrace.lake.record import Record
from tests.unit.lake.conftest import TABLES

COLUMN_OF: dict[object, set[str]] = {
    str: {"VARCHAR", "JSON"},
    int: {"BIGINT"},
    float: {"DOUBLE"},
    bool: {"BOOLEAN"},
    bytes: {"BLOB"},
    Decimal: {"DECIMAL(18,9)"},
    datetime: {"TIMESTAMP WITH TIME ZONE"},
    tuple[str, ...]: {"VARCHAR[]"},
    tuple[bool, ...]: {"BOOLEAN[]"},
    tuple[int, ...]: {"INTEGER[]"},
}
RECORDS = sorted(TABLES.items())


def columns(engine: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    rows = engine.execute(f"describe {table}").fetchall()
    return {row[0]: row[1] for row in rows}


def stripped(hint: object) -> object:
    """The type of a field without its None; a Literal is the type of its words."""
    if isinstance(hint, UnionType):
        [hint] = [part for part in get_args(hint) if part is not NoneType]
    return str if get_origin(hint) is Literal else hint


def test_every_record_has_its_table_in_this_list() -> None:
    found = [
        each
        for each in vars(record).values()
        if isinstance(each, type) and issubclass(each, Record) and each is not Record
    ]
    assert {each.__name__ for each in found} == {
        each.__name__ for each in TABLES.values() if issubclass(each, Record)
    }


@pytest.mark.parametrize(("table", "kind"), RECORDS)
def test_a_record_has_exactly_the_columns_of_its_table(
    table: str, kind: type[msgspec.Struct], engine: duckdb.DuckDBPyConnection
) -> None:
    assert set(kind.__struct_fields__) == set(columns(engine, table))


@pytest.mark.parametrize(("table", "kind"), RECORDS)
def test_a_field_has_the_type_of_its_column(
    table: str, kind: type[msgspec.Struct], engine: duckdb.DuckDBPyConnection
) -> None:
    types = columns(engine, table)
    wrong = {
        name: (hint, types[name])
        for name, hint in get_type_hints(kind).items()
        if types[name] not in COLUMN_OF[stripped(hint)]
    }
    assert wrong == {}


@pytest.mark.parametrize(("table", "kind"), RECORDS)
def test_a_record_is_given_by_name_and_never_changed(
    table: str, kind: type[msgspec.Struct]
) -> None:
    assert kind.__struct_config__.frozen
    with pytest.raises(TypeError, match="positional"):
        kind("p")


@pytest.mark.parametrize(("table", "kind"), RECORDS)
def test_what_was_not_measured_is_absent_by_default(table: str, kind: type[msgspec.Struct]) -> None:
    """Zero would be a measurement; two counts that are always known are the exception."""
    zeros = {
        field.name
        for field in msgspec.structs.fields(kind)
        if type(field.default) in (int, float, Decimal) and not field.default
    }
    assert zeros == ({"turns", "tool_calls"} if table == "episodes" else set())


def test_a_view_shows_every_column_of_an_episode_and_its_resolution(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    shown = columns(engine, "current_episodes")
    told = {"resolution", "success", "score", "resolved_by", "p_success"}
    assert set(shown) == set(record.Episode.__struct_fields__) | told


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (record.SpanKind, {"llm", "agent", "tool", "other"}),
        (record.Resolution, {"success", "failure", "pending", "conflicting", "unmarked"}),
        (record.Source, {"human", "user", "product", "rule", "judge", "model"}),
        (record.Split, {"train", "test", "eval"}),
    ],
)
def test_the_words_of_a_record_are_those_of_the_contract(hint: Any, words: set[str]) -> None:
    assert set(get_args(hint)) == words
