import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from headrace.console.page import cell, percent, print_json, table


def test_what_is_not_known_is_shown_as_a_dash_and_never_as_zero() -> None:
    assert (cell(None), percent(None)) == ("-", "-")
    assert (cell(0), percent(0.0)) == ("0", "0.0 %")


def test_numbers_are_written_as_people_read_them() -> None:
    assert [cell(value) for value in (1234567, 0.12345, True, "text")] == [
        "1,234,567",
        "0.123",
        "yes",
        "text",
    ]
    assert percent(43 / 140) == "30.7 %"


def test_a_json_document_holds_times_money_and_paths(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    print_json({"at": at, "cost": Decimal("0.10"), "path": Path("a/b"), "none": None})
    assert json.loads(capsys.readouterr().out) == {
        "at": "2026-01-02T00:00:00Z",
        "cost": "0.10",
        "path": "a/b",
        "none": None,
    }


def test_columns_of_numbers_stand_right() -> None:
    console = Console(width=40, record=True, file=None)
    with console.capture() as captured:
        console.print(table("t", ["name", "#rows"], [("a", 5), ("b", 1000)]))
    assert captured.get().splitlines()[2:] == ["a         5", "b     1,000"]
