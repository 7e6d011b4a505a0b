"""`headrace load --success-at`, and what headrace.toml says of a project."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.lake import Lake

Headrace = Callable[..., Any]

PICKS = ("--messages", "messages", "--id", "id", "--score", "reward")


@pytest.fixture
def rewarded(tmp_path: Path) -> Path:
    """Four runs with 0, 0.5, 1 and no reward."""
    path = tmp_path / "runs.jsonl"
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]
    lines = [
        {"id": name, "reward": reward, "messages": said}
        for name, reward in {"a": 0, "b": 0.5, "c": 1, "d": None}.items()
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.fixture
def project(request: pytest.FixtureRequest) -> tuple[str, str]:
    return "--project", str(request.node.name)


@pytest.fixture
def config(home: Path) -> Iterator[Path]:
    yield home / "headrace.toml"
    (home / "headrace.toml").unlink()


def found(lake: Lake, project: tuple[str, str]) -> dict[str, tuple[str, float | None]]:
    rows = lake.rows(
        "select episode_id, resolution, score from current_episodes where project = $project",
        {"project": project[1]},
    )
    return {row["episode_id"]: (row["resolution"], row["score"]) for row in rows}


def test_a_score_alone_is_no_success_until_a_rule_says_so(
    headrace: Headrace, rewarded: Path, project: tuple[str, str], lake: Lake
) -> None:
    assert headrace("load", rewarded, *PICKS, *project).code == 0
    assert {state for state, _ in found(lake, project).values()} == {"pending"}
    assert headrace("load", rewarded, *PICKS, *project, "--success-at", ">= 1").code == 0
    known: dict[str, tuple[str, float | None]] = {"a": ("failure", 0.0), "b": ("failure", 0.5)}
    assert found(lake, project) == known | {"c": ("success", 1.0), "d": ("pending", None)}
    assert headrace("load", rewarded, *PICKS, *project, "--success-at", "> 0").code == 0
    assert found(lake, project)["b"] == ("success", 0.5)


def test_a_rule_of_the_project_is_for_its_loaded_scores_too(
    headrace: Headrace,
    rewarded: Path,
    project: tuple[str, str],
    lake: Lake,
    config: Path,
) -> None:
    config.write_text(f'[projects.{project[1]}.thresholds]\nloaded = "<= 0.5"')
    headrace("load", rewarded, *PICKS, *project)
    states = {name: state for name, (state, _) in found(lake, project).items()}
    assert states == {"a": "success", "b": "success", "c": "failure", "d": "pending"}
    config.write_text("waiting = 1")
    refused = headrace("load", rewarded, *PICKS, *project)
    assert refused.code == 1
    assert "no setting 'waiting'" in " ".join(refused.err.split())


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ((*PICKS, "--success-at", "1"), 2, "'1' is no rule: write a comparator"),
        ((*PICKS[:4], "--success-at", ">= 1"), 1, "needs a score: pick it with --score"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(
    given: tuple[str, ...], code: int, said: str, headrace: Headrace, rewarded: Path
) -> None:
    ran = headrace("load", rewarded, *given)
    assert ran.code == code
    assert said in " ".join(ran.err.replace("│", " ").split())
