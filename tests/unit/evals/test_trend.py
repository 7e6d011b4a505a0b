"""Trends out of a lake: order of releases, one scorer, shared cases, charts that stand alone."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from headrace.evals.display.chart import UnknownPicture
from headrace.evals.series import UnknownSeries, suites
from headrace.evals.trend import save, trend
from headrace.lake.store import Lake
from tests.evalruns import T0, case, released, run

Measure = Callable[..., None]
Simulate = Callable[..., np.ndarray[tuple[int, ...], np.dtype[np.float64]]]


def test_a_trend_has_a_row_per_release_with_its_interval(
    lake: Lake, project: str, measure: Measure, simulate: Simulate
) -> None:
    values = simulate([0.6] * 5, cases=40, epochs=2, seed=1)
    values[:3, -1, 0] = np.nan
    measure(values)
    found = trend(lake, project=project, suite="refunds")
    assert found.frame["release"].to_list() == ["v0", "v1", "v2", "v3", "v4"]
    assert found.frame["cases"].to_list() == [40] * 5
    assert found.frame["epochs"].to_list() == [2] * 5
    assert found.frame["absent"].to_list() == [0, 0, 0, 0, 3]
    assert found.frame["mean"][0] == pytest.approx(values[:, 0].mean())
    assert (found.frame["low"] < found.frame["mean"]).all()
    assert (found.frame["mean"] < found.frame["high"]).all()
    assert found.verdict.n == 40
    assert found.delta_assumed and "assumed" in found.words


def test_a_delta_that_was_given_is_not_assumed(lake: Lake, project: str, measure: Measure) -> None:
    measure(np.ones((3, 2, 1)))
    found = trend(lake, project=project, suite="refunds", delta=0.05)
    assert (found.verdict.delta, found.delta_assumed) == (0.05, False)
    assert "assumed" not in found.words


def test_perfect_scores_still_have_an_interval(lake: Lake, project: str, measure: Measure) -> None:
    measure(np.ones((30, 2, 1)))
    frame = trend(lake, project=project, suite="refunds").frame
    assert ((frame["high"] - frame["low"]) > 0).all()


def test_releases_stand_by_their_own_time_not_by_that_of_their_runs(
    lake: Lake, project: str
) -> None:
    released(lake, project, "a", "b", "c")
    for day, name in enumerate(["c", "a", "b"]):
        run(lake, project, name, [1.0, 0.0], started_at=T0 + timedelta(days=40 + day))
    assert trend(lake, project=project, suite="refunds").frame["release"].to_list() == [
        "a",
        "b",
        "c",
    ]


def test_releases_of_one_time_stand_by_name(lake: Lake, project: str) -> None:
    for name in ["b", "a"]:
        run(lake, project, name, [1.0])
    assert trend(lake, project=project, suite="refunds").frame["release"].to_list() == ["a", "b"]


def test_runs_of_the_same_release_are_more_epochs(lake: Lake, project: str) -> None:
    released(lake, project, "a", "b")
    run(lake, project, "a", [1.0, 0.0])
    run(lake, project, "a", [0.0, 0.0], started_at=T0 + timedelta(days=9))
    run(lake, project, "b", [1.0, 1.0])
    frame = trend(lake, project=project, suite="refunds").frame
    assert frame["epochs"].to_list() == [2, 1]
    assert frame["mean"].to_list() == [0.25, 1.0]


def test_equal_configurations_are_one_release_measured_again(lake: Lake, project: str) -> None:
    released(lake, project, "a", "b", "c")
    for name, config in [("a", "x"), ("b", "x"), ("c", "y")]:
        run(lake, project, name, [1.0, 0.0], config_hash=config)
    found = trend(lake, project=project, suite="refunds")
    assert found.frame["release"].to_list() == ["a", "c"]
    assert found.verdict.releases == 2


def test_runs_that_did_not_end_well_do_not_enter(lake: Lake, project: str) -> None:
    run(lake, project, "a", [1.0])
    run(lake, project, "b", [0.0], status="error")
    assert trend(lake, project=project, suite="refunds").frame["release"].to_list() == ["a"]


def test_scorers_never_mix(lake: Lake, project: str, measure: Measure, simulate: Simulate) -> None:
    measure(simulate([0.6] * 3, cases=20, epochs=1, seed=1), scorer="strict")
    measure(simulate([0.6] * 5, cases=20, epochs=1, seed=2), scorer="loose")
    measure(simulate([0.6] * 4, cases=30, epochs=1, seed=3), scorer="loose", judge="j2")
    found = trend(lake, project=project, suite="refunds")
    assert (found.scorer.scorer, found.scorer.judge_hash, found.scorer.releases) == (
        "loose",
        None,
        5,
    )
    assert [(s.scorer, s.judge_hash) for s in found.others] == [("loose", "j2"), ("strict", None)]
    assert len(found.frame) == 5
    strict = trend(lake, project=project, suite="refunds", scorer="strict")
    assert (strict.scorer.scorer, strict.frame["cases"].to_list()) == ("strict", [20] * 3)


def test_more_cases_decide_between_scorers_of_as_many_releases(
    lake: Lake, project: str, measure: Measure
) -> None:
    measure(np.ones((5, 3, 1)), scorer="few")
    measure(np.ones((9, 3, 1)), scorer="many")
    assert trend(lake, project=project, suite="refunds").scorer.scorer == "many"


def test_a_retired_case_stays_in_the_old_releases(lake: Lake, project: str) -> None:
    retired = case(project, "case-0000", "h0", T0, retired_at=T0 + timedelta(days=5))
    kept = case(project, "case-0001", "h1", T0)
    lake.write(lambda tx: tx.append("cases", [retired, kept]))
    released(lake, project, "a", "b")
    run(lake, project, "a", [1.0, 0.0], started_at=T0 + timedelta(days=1))
    run(lake, project, "b", [1.0, 0.0], started_at=T0 + timedelta(days=6))
    assert trend(lake, project=project, suite="refunds").frame["cases"].to_list() == [2, 1]


def test_an_edited_case_is_another_case(lake: Lake, project: str) -> None:
    edits = [
        case(project, "case-0000", "old", T0, retired_at=T0 + timedelta(days=5)),
        case(project, "case-0000", "new", T0 + timedelta(days=5)),
        case(project, "case-0001", "same", T0),
    ]
    lake.write(lambda tx: tx.append("cases", edits))
    released(lake, project, "a", "b")
    run(lake, project, "a", [1.0, 0.0], started_at=T0 + timedelta(days=1))
    run(lake, project, "b", [1.0, 0.0], started_at=T0 + timedelta(days=6))
    found = trend(lake, project=project, suite="refunds")
    assert found.frame["cases"].to_list() == [2, 2]
    assert found.verdict.n == 1


def test_cases_of_one_customer_are_one_cluster(lake: Lake, project: str) -> None:
    rows = [case(project, f"case-{i:04}", f"h{i}", T0, cluster="acme") for i in range(3)]
    lake.write(lambda tx: tx.append("cases", rows))
    run(lake, project, "a", [1.0, 0.0, 1.0, 1.0])
    assert trend(lake, project=project, suite="refunds").frame["clusters"].to_list() == [2]


def test_a_harder_suite_makes_no_drop(
    lake: Lake, project: str, measure: Measure, simulate: Simulate
) -> None:
    values = simulate([0.6] * 6, cases=200, epochs=2, seed=1)
    values[100:150, :5] = np.nan
    values[100:150, 5] = 0.0
    measure(values)
    found = trend(lake, project=project, suite="refunds")
    frame = found.frame
    assert frame["mean"][5] < frame["mean"][4] - 0.1
    assert abs(frame["shared_mean"][5] - frame["shared_mean"][4]) < 0.1
    assert found.verdict.state != "regressed"


def test_projects_do_not_see_each_other(lake: Lake, project: str, measure: Measure) -> None:
    measure(np.ones((3, 2, 1)))
    assert suites(lake, f"{project}-other") == []
    assert suites(lake, project) == ["refunds"]


def test_an_unknown_suite_is_refused_with_those_there_are(
    lake: Lake, project: str, measure: Measure
) -> None:
    with pytest.raises(UnknownSeries, match="suites with runs: none yet"):
        trend(lake, project=project, suite="x")
    measure(np.ones((3, 2, 1)))
    with pytest.raises(UnknownSeries, match="suites with runs: refunds"):
        trend(lake, project=project, suite="x")
    with pytest.raises(UnknownSeries, match="no scorer 'y' in suite 'refunds'; there are: exact"):
        trend(lake, project=project, suite="refunds", scorer="y")


def test_a_release_without_any_score_has_no_mean(lake: Lake, project: str) -> None:
    released(lake, project, "a", "b")
    run(lake, project, "a", [1.0, 0.0])
    run(lake, project, "b", [None, None])
    frame = trend(lake, project=project, suite="refunds").frame
    assert frame["mean"].to_list() == [0.5, None]
    assert (frame["low"][1], frame["high"][1], frame["absent"][1]) == (None, None, 2)


def test_a_plateau_stands_until_something_moves(
    lake: Lake, project: str, measure: Measure, simulate: Simulate
) -> None:
    measure(simulate([0.6] * 9, cases=260, epochs=2, seed=100))
    found = trend(lake, project=project, suite="refunds", delta=0.06)
    assert found.verdict.state == "plateaued"
    assert found.established == "v4"  # told as far back as looks agree
    assert found.words.startswith("Plateaued, established at v4: ")
    measure(simulate([0.6] * 8 + [0.45], cases=260, epochs=2, seed=101), suite="broken")
    broken = trend(lake, project=project, suite="broken", delta=0.06)
    assert (broken.verdict.state, broken.established) == ("regressed", None)


def test_a_chart_is_an_svg_that_can_be_read_alone(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, tmp_path: Path
) -> None:
    measure(simulate([0.6] * 12, cases=40, epochs=2, seed=1))
    found = trend(lake, project=project, suite="refunds")
    written = save(found.chart(), tmp_path / "charts" / "trend.svg")
    root = ElementTree.parse(written).getroot()
    texts = " ".join(node.text or "" for node in root.iter())
    assert root.tag.endswith("svg") and int(float(root.attrib["width"])) > 700
    for said in ("refunds by exact: cannot tell", "release, oldest first", "mean score", "v11"):
        assert said in texts
    assert "95 % intervals" in texts


def test_the_same_trend_gives_the_same_picture(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, tmp_path: Path
) -> None:
    measure(simulate([0.6] * 4, cases=20, epochs=1, seed=1))
    pictures = [
        save(trend(lake, project=project, suite="refunds").chart(), tmp_path / name).read_bytes()
        for name in ("one.svg", "two.svg")
    ]
    assert pictures[0] == pictures[1]


def test_a_chart_can_be_a_png_but_no_pdf(
    lake: Lake, project: str, measure: Measure, tmp_path: Path
) -> None:
    measure(np.ones((3, 1, 1)))
    chart = trend(lake, project=project, suite="refunds").chart()
    assert save(chart, tmp_path / "trend.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UnknownPicture, match=r"'trend.pdf' is no .html, .svg or .png"):
        save(chart, tmp_path / "trend.pdf")


def test_a_chart_can_be_a_page_that_needs_no_network(
    lake: Lake, project: str, tmp_path: Path
) -> None:
    name = "</script><script>alert(1)</script>"
    run(lake, project, name, [1.0, 0.0])
    chart = trend(lake, project=project, suite="refunds").chart()
    page = save(chart, tmp_path / "trend.html").read_text()
    assert "<title>refunds by exact: cannot tell (one release)</title>" in page
    assert (page.count("<script"), page.count("</script>")) == (2, 2)
    assert re.search(r"(?:src|href)=", page.partition("<script>")[0]) is None
    [spec] = re.findall(r'vegaEmbed\("#chart", ({.*}), {"renderer"', page)
    assert name in str(json.loads(spec))


def test_a_release_without_a_score_is_marked_in_the_chart(
    lake: Lake, project: str, tmp_path: Path
) -> None:
    released(lake, project, "a", "b")
    run(lake, project, "a", [1.0, 0.0])
    run(lake, project, "b", [None, None])
    found = trend(lake, project=project, suite="refunds")
    written = save(found.chart(), tmp_path / "trend.svg")
    texts = [node.text for node in ElementTree.parse(written).getroot().iter()]
    assert "no score" in texts
    assert found.sparkline == "▄·"


def test_names_of_releases_cannot_break_the_chart(lake: Lake, project: str, tmp_path: Path) -> None:
    name = 'v"1"\\ <b>&'
    run(lake, project, name, [1.0, 0.0])
    written = save(trend(lake, project=project, suite="refunds").chart(), tmp_path / "trend.svg")
    texts = [node.text for node in ElementTree.parse(written).getroot().iter()]
    assert name in texts


def test_the_frame_is_typed_even_where_nothing_is_shared(lake: Lake, project: str) -> None:
    run(lake, project, "a", [None])
    frame = trend(lake, project=project, suite="refunds").frame
    assert frame.schema["shared_mean"] == pl.Float64
    assert frame["compared"].to_list() == [False]
