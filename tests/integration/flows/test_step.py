"""Each step of a night on its own, without Prefect, over a lake loaded by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.exporters.errors import NothingToExport
from headrace.exporters.manifest import Manifest
from headrace.flows.context import Context
from headrace.flows.night import Line
from headrace.flows.step import OBJECTIVES, STEPS, SUITE
from headrace.ingest.load import load
from headrace.ingest.picks import Picks
from headrace.lake import Lake
from headrace.lake.errors import HeadraceError

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EPISODES = 60  # the first twenty tasks, three releases each
PICKS = Picks(
    messages="messages",
    tools="tools",
    success="passed",
    release="release",
    started_at="started_at",
    task="task",
)


@pytest.fixture(scope="module")
def context(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    folder = tmp_path_factory.mktemp("steps")
    few = folder / "few.jsonl"
    few.write_text("".join(runs.read_text().splitlines(keepends=True)[:EPISODES]))
    with Lake.open(folder / "home") as lake:
        load(lake, [few], PICKS, project="mill", now=NOW)
        yield Context(lake=lake, project="mill", now=NOW, out=folder / "sets")


@pytest.fixture(scope="module")
def night(context: Context) -> dict[str, Line]:
    """Every step once, in order."""
    return {title: step(context) for title, step in STEPS.items()}


def test_each_step_tells_of_itself_and_its_project(night: dict[str, Line]) -> None:
    assert [(line.step, line.project) for line in night.values()] == [(t, "mill") for t in STEPS]
    assert all(line.said and line.state == "done" for line in night.values())


@pytest.mark.parametrize("title", ["resolve", "dedupe", "split", "decontaminate"])
def test_what_a_step_of_curation_saw_it_kept_or_dropped_for_a_reason(
    night: dict[str, Line], title: str
) -> None:
    line = night[title]
    assert line.seen == EPISODES
    assert line.kept is not None
    assert line.seen == line.kept + sum(line.dropped.values())
    assert all(line.dropped)


def test_nothing_is_assembled_where_no_span_came(night: dict[str, Line]) -> None:
    assert (night["assemble"].seen, night["assemble"].dropped) == (0, {})


def test_the_suite_has_a_case_for_every_request_held_out(
    night: dict[str, Line], context: Context
) -> None:
    [held] = context.lake.rows("select count(*) as n from splits where split = 'eval'")
    assert night["cases"].kept == held["n"] > 0
    assert night["cases"].said == f"suite '{SUITE}': {held['n']} cases added, 0 kept"


def test_production_is_scored_once_a_case_and_release(night: dict[str, Line]) -> None:
    line, cases = night["replay"], night["cases"].kept or 0
    assert line.said == "production scored on the suite, 3 releases"
    assert line.seen == 3 * cases
    assert line.kept == (line.seen or 0) - sum(line.dropped.values())


def test_trend_and_verdict_are_sentences_and_the_verdict_is_kept(
    night: dict[str, Line], context: Context
) -> None:
    assert night["trend"].seen == night["cases"].kept, "cases that all releases share"
    assert night["verdict"].said.startswith(("Not yet.", "Cannot tell yet."))
    [row] = context.lake.rows("select state, \"at\" from verdicts where kind = 'readiness'")
    assert (row["state"], row["at"]) == ("not_yet", NOW)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_objective_has_a_folder_and_a_line_that_adds_up(
    night: dict[str, Line], context: Context, objective: str
) -> None:
    line, made = night[objective], Manifest.load(context.out / "mill" / objective)
    assert (line.kept, made.name) == (len(made.rows), f"mill-{objective}")
    assert made.version in line.said and str(context.out) in line.said
    used = {name for row in made.rows for name in row.episode_ids}
    assert len(used) + sum(line.dropped.values()) == EPISODES


def test_a_case_that_stands_is_kept_and_not_added_again(
    night: dict[str, Line], context: Context
) -> None:
    again = STEPS["cases"](context)
    assert again.said == f"suite '{SUITE}': 0 cases added, {night['cases'].kept} kept"
    assert again.kept == night["cases"].kept


def test_the_same_step_again_says_the_same(night: dict[str, Line], context: Context) -> None:
    assert STEPS["dedupe"](context) == night["dedupe"]
    assert STEPS["sft"](context) == night["sft"]


@pytest.mark.parametrize(
    ("title", "cure"),
    [
        ("cases", "no episode in the eval split"),
        ("trend", "suites with runs: none yet"),
        ("sft", "headrace eval build"),
        ("kto", "headrace eval build"),
        ("dpo", "headrace eval build"),
    ],
)
def test_a_project_that_is_not_so_far_is_refused_with_what_is_missing(
    context: Context, title: str, cure: str
) -> None:
    nobody = Context(lake=context.lake, project="nobody", now=NOW, out=context.out)
    with pytest.raises(HeadraceError, match=cure) as refused:
        STEPS[title](nobody)
    assert not isinstance(refused.value, NothingToExport), "the suite is asked for first"
    assert not (context.out / "nobody").exists()


@pytest.mark.parametrize("title", ["assemble", "resolve", "dedupe", "split", "decontaminate"])
def test_curation_of_a_project_without_episodes_is_no_error(context: Context, title: str) -> None:
    nobody = Context(lake=context.lake, project="nobody", now=NOW, out=context.out)
    line = STEPS[title](nobody)
    assert (line.seen, line.kept, line.dropped) == (0, 0, {})
