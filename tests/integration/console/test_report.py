"""The demo's report, read from a lake that holds what a night would have left."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.console import report
from headrace.console.rehearsal import Played
from headrace.console.sample import Run
from headrace.flows.night import Line, Night
from headrace.lake import Lake

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def run(name: str) -> Run:
    return Run(
        run_id=name,
        project="mill",
        task="t",
        release="1.1",
        model="m",
        user=None,
        started_at=NOW,
        success=True,
        messages=(),
        generated=(),
    )


def night(*lines: Line) -> Night:
    return Night(night_id="n", started_at=NOW, ended_at=NOW, until=NOW, lines=lines)


@pytest.fixture(scope="module")
def product(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> tuple[report.Product, Path]:
    out = tmp_path_factory.mktemp("report")
    played = Played(
        settings=lake.settings,
        sample=(run("a"), run("b"), run("c")),
        late=(run("c"),),
        first=night(Line(project="mill", step="resolve", said="", dropped={"pending": 9})),
        second=night(
            Line(project="mill", step="sft", said="20 rows", kept=20),
            Line(project="other", step="sft", said="1 row", kept=1),
        ),
    )
    written = report.write(played, out)
    [product] = written.products
    return product, out


def test_the_report_counts_what_the_lake_holds(product: tuple[report.Product, Path]) -> None:
    made, _ = product
    assert (made.episodes, made.success, made.failure, made.pending) == (40, 29, 11, 0)
    assert made.tasks == 20
    # Task 0 and 15 fail twice; 3, 6, 9, 12, 18 in the first release, 5 and 10 in the second.
    assert made.tasks_with_both == 7
    assert (made.late, made.pending_before) == (1, 9)
    rates = [(row["release"], row["successes"], row["episodes"]) for row in made.releases]
    assert rates == [("1.0", 13, 20), ("1.1", 16, 20)]


def test_the_report_has_the_lines_of_its_project_alone(
    product: tuple[report.Product, Path],
) -> None:
    assert [line.said for line in product[0].lines] == ["20 rows"]


def test_the_report_leaves_a_chart_and_one_document(product: tuple[report.Product, Path]) -> None:
    made, out = product
    assert Path(made.chart).read_text().startswith("<svg")
    document = json.loads((out / "report.json").read_text())
    assert document["products"][0]["episodes"] == 40
    assert document["products"][0]["verdict"].startswith("Not yet.")
    assert made.trend
