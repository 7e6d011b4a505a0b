"""Inspect's own view opens the logs that a run leaves behind."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from inspect_ai._view.fastapi_server import view_server_app
from inspect_ai.log import bundle_log_dir

from headrace.evals.case import build
from headrace.evals.run import run
from headrace.evals.runs.evaluation import Terms
from headrace.evals.runs.setup import Setup
from headrace.evals.solvers import agent as agents


@pytest.fixture
def logs(product: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A right answer, one of a product that failed, one that was not measured."""
    for name in ("r1", "r2", "r3"):
        product.episode(f"e{name}", request=name)
    build(product.lake, product.project, now=product.now)

    def act(asked: Any) -> str:
        question = asked["messages"][-1]["content"]
        if question == "ask r2":
            raise KeyError("answer")
        if question == "ask r3":
            raise ConnectionResetError("reset")
        return "Paris"

    monkeypatch.setattr(agents, "named", lambda *_: act)
    run(
        product.lake,
        product.project,
        release="v1",
        setup=Setup(agent="my.module:act"),
        terms=Terms(retries=0),
        log_dir=tmp_path / "logs",
        now=product.now,
    )
    return tmp_path / "logs"


def test_the_server_of_the_view_lists_and_opens_them(logs: Path) -> None:
    [file] = logs.iterdir()
    with TestClient(view_server_app(default_dir=str(logs))) as client:
        listed = client.get("/log-files").json()["files"]
        assert [Path(row["name"]).name for row in listed] == [file.name]
        opened = client.get("/logs/" + quote(str(file), safe="")).json()
    assert (opened["status"], opened["eval"]["task"]) == ("success", "headrace/suite")
    assert opened["eval"]["tags"] == ["release:v1"]
    scores = [(sample.get("scores") or {}).get("case_scorer", {}) for sample in opened["samples"]]
    assert "the agent failed: KeyError: 'answer'" in [score.get("explanation") for score in scores]
    assert sorted(bool(s.get("error")) for s in opened["samples"]) == [False, False, True]


def test_a_bundle_for_a_web_server_lists_them(logs: Path, tmp_path: Path) -> None:
    [file] = logs.iterdir()
    bundle_log_dir(str(logs), str(tmp_path / "www"))
    listing = json.loads((tmp_path / "www" / "logs" / "listing.json").read_text())
    assert list(listing) == [file.name]
    assert listing[file.name]["task"] == "headrace/suite"
    assert (tmp_path / "www" / "index.html").exists()
    assert (tmp_path / "www" / "logs" / file.name).read_bytes() == file.read_bytes()
