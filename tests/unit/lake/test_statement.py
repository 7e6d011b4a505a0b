import pytest

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
