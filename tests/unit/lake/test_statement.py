import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.lake.statement import parse, statements


def test_a_statement_goes_from_its_name_to_the_next_one() -> None:
    found = parse("-- a comment\n\n-- name: first\nselect 1;\n\n-- name: second\nselect\n  2\n")
    assert dict(found) == {"first": "select 1", "second": "select\n  2"}


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="named twice: a"):
        parse("-- name: a\nselect 1\n-- name: a\nselect 2")


def test_sql_that_belongs_to_no_statement_is_refused() -> None:
    with pytest.raises(ValueError, match="belongs to no statement"):
        parse("select 1;\n-- name: a\nselect 2")


def test_the_statements_of_a_room_are_found_by_package() -> None:
    assert statements("headrace.lake")["applied_migrations"].startswith("select name")


def test_the_statements_cannot_be_changed_by_a_reader() -> None:
    with pytest.raises(TypeError):
        statements("headrace.lake")["new"] = "select 1"  # type: ignore[index]


ROOT = Path(__file__).parents[3]
ROOMS = ["lake", "ingest", "curate", "evals", "exporters", "flows", "console"]
NAMED = sorted(
    path
    for room in ROOMS
    for path in (ROOT / room / "headrace").rglob("*.sql")
    if path.name != "schema.sql" and path.parent.name != "migrations"
)


@pytest.mark.parametrize("file", NAMED, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_sql_file_holds_named_statements_with_values_by_name(file: Path) -> None:
    found = parse(file.read_text(encoding="utf-8"))
    assert found
    assert [name for name, sql in found.items() if not sql] == []
    filled = re.compile(r"\{\w+\}|%s|%\(\w+\)s|= *\?")
    assert [name for name, sql in found.items() if filled.search(sql)] == []


NAMES = st.text("abcdefghijklmnopqrstuvwxyz_09", min_size=1, max_size=12)
BODIES = st.lists(st.sampled_from(["select 1", "from t", "", "-- why", "  'a;b'"]), min_size=1)


@given(st.dictionaries(NAMES, BODIES, max_size=5))
def test_what_was_written_under_a_name_is_read_under_it(blocks: dict[str, list[str]]) -> None:
    bodies = {name: "\n".join(lines).strip() for name, lines in blocks.items()}
    text = "".join(f"-- name: {name}\n{body};\n\n" for name, body in bodies.items())
    assert dict(parse("-- Statements.\n\n" + text)) == bodies


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("-- only a comment\n", {}),
        ("-- name:tight\nselect 1", {"tight": "select 1"}),
        ("-- name: a (what it is for)\nselect 1", {"a": "select 1"}),
        ("-- name: a\nselect 1 -- name: b\n", {"a": "select 1 -- name: b"}),
        ("-- name: a\nselect ';'", {"a": "select ';'"}),
    ],
)
def test_a_name_stands_alone_on_its_line(text: str, found: dict[str, str]) -> None:
    assert dict(parse(text)) == found


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"no_such\.sql"):
        statements("headrace.lake", "no_such.sql")
