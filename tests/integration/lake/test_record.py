"""Every record, with the values that are hardest to keep, comes back from a real lake as it was."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

import duckdb
import msgspec
import pyarrow as pa
import pytest

from headrace.lake import Lake, record
from headrace.lake.message import Message
from headrace.lake.record import Record
from headrace.lake.store import Transaction
from tests.unit.lake.conftest import TABLES

PLUS_14, MINUS_930 = timezone(timedelta(hours=14)), timezone(-timedelta(hours=9, minutes=30))
VALUES: dict[object, list[Any]] = {
    str: ["", 'it\'s "quoted"; --', "a\x00b\x7f\u202e", "\U0001f389 字 e\u0301", "$name {table}"],
    int: [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)],
    float: [0.0, 0.1 + 0.2, -1e-308, 1.7976931348623157e308, 5e-324],
    bool: [True, False],
    bytes: [b"", b"\x00\xff\xfe", b"'"],
    Decimal: [Decimal("0E-9"), Decimal("0.000000001"), Decimal("999999999.999999999"), Decimal(-3)],
    datetime: [
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 30, tzinfo=PLUS_14),  # the day before in UTC
        datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=MINUS_930),  # the next year in UTC
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2554, 7, 21, tzinfo=UTC),  # the last that 64 bits of nanoseconds can say
    ],
    # DuckLake cannot keep U+0000 in a list; ids, hashes and defects, all that is listed, have none
    tuple[int, ...]: [(), (0,), (7, 2**31 - 1, 7)],
    tuple[str, ...]: [(), ("",), ("b", "a", "b"), ("it's", 'say "x"', "a,b", "[c]", "NULL", "\\")],
    tuple[bool, ...]: [(), (False,), (True, False, True)],
}
JSON: list[str] = [
    "{}",
    "[]",
    '{"b": 1, "a": [null, true, 1.50, 12345678901234567890]}',
    json.dumps({"text": "it's \x00 \U0001f389", "empty": ""}, ensure_ascii=False),
    '"a bare string"',
]
ROWS = 5


def hardest(kind: type[msgspec.Struct], number: int, types: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a record, each with the next of its hard values."""
    hints = get_type_hints(kind)
    return {
        name: _value(hints[name], types[name], number + place)
        for place, name in enumerate(kind.__struct_fields__)
    }


def _value(hint: Any, column: str, number: int) -> Any:
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    [plain] = [option for option in options if option is not NoneType]
    known = JSON if column == "JSON" else VALUES.get(plain) or list(get_args(plain))
    values = [*known, None] if NoneType in options else known
    return values[number % len(values)]


def types_of(lake: Lake, table: str) -> dict[str, str]:
    return {row["column_name"]: row["column_type"] for row in lake.rows(f"describe {table}")}


@pytest.fixture(scope="module")
def written(lake: Lake) -> dict[str, list[msgspec.Struct]]:
    """Five rows of every table, written in one transaction."""
    rows = {
        table: [kind(**hardest(kind, number, types_of(lake, table))) for number in range(ROWS)]
        for table, kind in TABLES.items()
    }

    def write(tx: Transaction) -> None:
        for table, records in rows.items():
            assert tx.append(table, records) == ROWS

    lake.write(write)
    return rows


def _comparable(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(_plain(value))) for name, value in row.items()))


def _plain(value: Any) -> Any:
    """Times in UTC, money in full, lists as tuples: their spelling does not matter."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return format(value, ".9f")
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_record_comes_back_as_it_was_written(
    table: str, lake: Lake, written: dict[str, list[msgspec.Struct]]
) -> None:
    wanted = sorted(_comparable(msgspec.structs.asdict(row)) for row in written[table])
    assert sorted(map(_comparable, lake.rows(f"from {table}"))) == wanted


def test_no_table_is_left_out() -> None:
    kinds = {kind for kind in vars(record).values() if isinstance(kind, type)}
    rows = {kind for kind in kinds if issubclass(kind, Record) and kind is not Record}
    assert rows == set(TABLES.values()) - {Message}


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("cost_usd", Decimal("1e9"), pa.ArrowInvalid),
        ("cost_usd", Decimal("0.0000000001"), pa.ArrowInvalid),
        ("input_tokens", 2**63, OverflowError),
        ("attributes", "{not json", duckdb.Error),
        ("name", "half a pair \ud83c", UnicodeEncodeError),
    ],
)
def test_what_a_column_cannot_hold_is_refused_and_never_rounded(
    field: str, value: object, error: type[Exception], lake: Lake
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    span = record.Span(
        project="refused", trace_id="t", span_id="s", kind="llm", name="n", received_at=now
    )
    wrong = msgspec.structs.replace(span, **{field: value})
    with pytest.raises(error):
        lake.write(lambda tx: tx.append("spans", [span, wrong]))
    assert lake.rows("from spans where project = 'refused'") == []
