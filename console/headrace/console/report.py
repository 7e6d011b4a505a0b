"""The demo's report: what came in and was dropped, rates, verdict, where the data lies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from headrace.console.page import percent, table
from headrace.console.rehearsal import Played
from headrace.evals import rate, readiness, trend
from headrace.flows.night import Line
from headrace.flows.step import OBJECTIVES, SUITE
from headrace.lake import Lake
from headrace.lake.statement import statements


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """The report on one project."""

    project: str
    arrived: Mapping[str, int]  # traces, spans, outcomes
    episodes: int
    success: int
    failure: int
    pending: int
    tasks: int
    tasks_with_both: int
    late: int  # outcomes that came after the first night
    pending_before: int  # episodes without a mark in the first night
    releases: Sequence[Mapping[str, Any]]  # rate with interval per release
    lines: tuple[Line, ...]  # the second night
    trend: str
    verdict: str
    chart: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo prints and leaves as `report.json`."""

    out: str
    products: tuple[Product, ...]


def write(played: Played, out: Path) -> Report:
    """Read the lake once more, draw a chart per suite, leave `report.json`."""
    (out / "charts").mkdir(exist_ok=True)
    projects = sorted({run.project for run in played.sample})
    with Lake.open(settings=played.settings) as lake:
        products = tuple(_product(lake, played, project, out) for project in projects)
    report = Report(out=str(out), products=products)
    encoded = msgspec.json.encode(report, enc_hook=str, order="sorted")
    (out / "report.json").write_bytes(msgspec.json.format(encoded))
    return report


def _product(lake: Lake, played: Played, project: str, out: Path) -> Product:
    sql = statements("headrace.console")
    where = {"project": project}
    [tasks] = lake.rows(sql["tasks"], where)
    [both] = lake.rows(sql["tasks_with_both"], where)
    [arrived] = lake.rows(sql["arrived"], where)
    found = trend.trend(lake, suite=SUITE, project=project)
    chart = out / "charts" / f"{project}-{SUITE}.svg"
    trend.save(found.chart(), chart)
    return Product(
        project=project,
        arrived=arrived,
        episodes=tasks["episodes"],
        success=tasks["success"],
        failure=tasks["failure"],
        pending=tasks["pending"],
        tasks=tasks["tasks"],
        tasks_with_both=both["tasks"],
        late=sum(run.project == project for run in played.late),
        pending_before=played.first.of(project, "resolve").dropped.get("pending", 0),
        releases=rate.success_rates(lake, project).to_dicts(),
        lines=tuple(line for line in played.second.lines if line.project == project),
        trend=found.words,
        verdict=readiness.words(readiness.assess(lake, project, now=played.second.until)),
        chart=str(chart),
    )


def show(report: Report, to: Console) -> None:
    """The report for people."""
    for product in report.products:
        _show_product(product, to)
    to.rule()
    to.print(f"explore: headrace status --home {report.out}/lake", soft_wrap=True)


def _show_product(product: Product, to: Console) -> None:
    to.rule(Text(product.project, style="bold"), align="left")
    to.print(_came_in(product), markup=False)
    to.print(_rates(product))
    to.print(_dropped(product))
    to.print("\nVerdict", style="bold")
    to.print(product.verdict, markup=False)
    to.print(f"Trend of the suite {SUITE!r}: {product.trend}", markup=False)
    to.print(f"chart {product.chart}", soft_wrap=True, markup=False)
    to.print(_data_sets(product))


def _came_in(product: Product) -> str:
    return (
        f"{product.arrived['traces']:,} traces with {product.arrived['spans']:,} spans became "
        f"{product.episodes} episodes: {product.success} successes, {product.failure} failures, "
        f"{product.pending} pending; {product.tasks} tasks, {product.tasks_with_both} with both "
        "outcomes.\n"
        f"{product.late} outcomes came late: the first night held {product.pending_before} "
        "episodes as pending, not as failures."
    )


def _rates(product: Product) -> object:
    columns = [
        "release", "#episodes", "#pending", "#marked", "#successes", "#rate", "#95 % interval"
    ]  # fmt: skip
    rows = [
        (
            row["release"],
            row["episodes"],
            row["pending"],
            row["successes"] + row["failures"],
            row["successes"],
            percent(row["rate"]),
            f"{percent(row['low'])} to {percent(row['high'])}",
        )
        for row in product.releases
    ]
    return table("\nSuccess rate per release, among what was marked", columns, rows)


def _dropped(product: Product) -> object:
    rows = [
        (line.step, count, reason)
        for line in product.lines
        for reason, count in line.dropped.items()
    ]
    return table("\nWhat was dropped, and why", ["step", "#episodes", "reason"], rows)


def _data_sets(product: Product) -> object:
    lines = [line for line in product.lines if line.step in OBJECTIVES]
    rows = [(line.step, line.kept if line.state == "done" else None, line.said) for line in lines]
    return table("\nData sets", ["objective", "#rows", ""], rows)
