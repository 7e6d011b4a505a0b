import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from headrace.console.page import WIDTH, cell, errors, page, percent, print_json, table


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


BRACKETS = ["v1[beta]", "[/x]", "[bold]loud", ":bug:", "\\[a]", "a:1:b"]


@pytest.mark.parametrize("name", BRACKETS)
def test_a_name_with_brackets_or_colons_is_shown_as_it_is(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page().print(table(name, ["name", "#rows"], [(name, 5)]))
    page().print(f"project {name}")
    errors().print(f"error: {name}", style="red")
    shown = capsys.readouterr()
    title, _, row, said = (line.rstrip() for line in shown.out.splitlines())
    assert title == name and row.split() == [name, "5"] and said == f"project {name}"
    assert shown.err == f"error: {name}\n"


def test_a_text_with_a_style_of_its_own_keeps_it() -> None:
    console = Console(width=40, force_terminal=True, color_system="standard", markup=False)
    with console.capture() as captured:
        console.print(table("", ["state"], [(Text("fail", style="red"),)]))
    assert "\x1b[31mfail" in captured.get()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (False, "no"),
        (-1234, "-1,234"),
        (999, "999"),
        (0.0, "0"),
        (1234567.0, "1.23e+06"),
        ("", ""),
        (Decimal("0.10"), "0.10"),
        (Path("a/b"), "a/b"),
    ],
)
def test_every_kind_of_value_has_one_way_to_be_shown(value: object, shown: str) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_know_is_null(
    value: float, capsys: pytest.CaptureFixture[str]
) -> None:
    print_json({"rate": value})
    assert json.loads(capsys.readouterr().out) == {"rate": None}


def test_one_document_has_one_form_whatever_the_order_of_its_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json({"b": 1, "a": {"d": "ü", "c": None}})
    first = capsys.readouterr().out
    print_json({"a": {"c": None, "d": "ü"}, "b": 1})
    assert first == capsys.readouterr().out
    assert "ü" in first and first.endswith("}\n")


def test_a_table_without_rows_is_its_head() -> None:
    console = Console(width=40)
    with console.capture() as captured:
        console.print(table("t", ["name", "#rows"], []))
    assert captured.get().split() == ["t", "name", "rows"]


def test_a_page_that_is_piped_has_one_width_on_every_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert page().width == WIDTH
