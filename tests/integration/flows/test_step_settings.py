"""The step `resolve` under the waiting and the thresholds of its project."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.evals.errors import EvalError
from headrace.flows.context import Context
from headrace.flows.step import STEPS
from headrace.ingest.load import load
from headrace.ingest.picks import Picks
from headrace.lake import Lake

JUDGE = """
[judges.quality]
model = "mockllm/model"
[projects.b]
judge_similar = "qualiti"
"""
NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULES = """
[thresholds]
loaded = ">= 0.5"
[projects.b]
waiting_days = 1
[projects.b.thresholds]
loaded = "< 0.5"
"""


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """Projects `a` and `b`, each with a run of 0.25, one of 0.75, and one without a score."""
    file = tmp_path / "runs.jsonl"
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]
    file.write_text("\n".join(json.dumps({"s": s, "m": said}) for s in (0.25, 0.75, None)))
    with Lake.open(tmp_path / "home") as opened:
        for project in "ab":
            load(opened, [file], Picks(messages="m", score="s"), project=project, now=NOW)
        yield opened


def dropped(lake: Lake, project: str, *, days: int) -> dict[str, int]:
    """What the step drops, with how many succeeded and failed."""
    now = NOW + timedelta(days=days)
    line = STEPS["resolve"](Context(lake=lake, project=project, now=now, out=Path()))
    states = {name: line.notes[name] for name in ("success", "failure") if line.notes[name]}
    return {**states, **line.dropped}


def test_each_project_is_resolved_by_what_its_section_says(lake: Lake) -> None:
    assert dropped(lake, "a", days=2) == {"pending": 3}
    (lake.settings.home / "headrace.toml").write_text(RULES)
    rows = "select score, resolution from current_episodes where project = $project order by score"
    both = {
        project: (
            dropped(lake, project, days=2),
            [row["resolution"] for row in lake.rows(rows, {"project": project})],
        )
        for project in "ab"
    }
    assert both["a"] == (
        {"success": 1, "failure": 1, "pending": 1},
        ["failure", "success", "pending"],
    )
    assert both["b"] == (
        {"success": 1, "failure": 1, "unmarked": 1},
        ["success", "failure", "unmarked"],
    )


def test_a_project_says_which_judge_is_asked_about_rephrased_cases(lake: Lake) -> None:
    def at(project: str) -> Context:
        return Context(lake=lake, project=project, now=NOW, out=Path())

    (lake.settings.home / "headrace.toml").write_text(JUDGE)
    assert STEPS["decontaminate"](at("a")).dropped == {}
    with pytest.raises(EvalError, match=r"no judge 'qualiti', there are: quality"):
        STEPS["decontaminate"](at("b"))
    (lake.settings.home / "headrace.toml").write_text(JUDGE.replace("qualiti", "quality"))
    assert STEPS["decontaminate"](at("b")).dropped == {}
