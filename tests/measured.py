"""Real per-case results of real releases, for whoever has the shared data beside the checkout."""

import gzip
import io
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
import zstandard

DATA = Path(__file__).parents[1].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no shared data beside the checkout")


class Meta(msgspec.Struct):
    """What was added to a row about its origin."""

    release: str = ""
    task: str = ""
    run: str = ""
    outcome: bool | None = None


class Row(msgspec.Struct):
    """The fields that tell what was asked, of which release, and whether it was right."""

    _meta: Meta = msgspec.field(name="_meta", default_factory=Meta)
    model: str = ""
    question_id: int = 0
    category: str = ""
    correct: bool = False
    suite_name: str = ""
    pipeline_name: str = ""
    user_task_id: str = ""
    injection_task_id: str | None = None
    attack_type: str | None = None
    utility: bool = False

    @property
    def is_benign(self) -> bool:
        quiet = self.injection_task_id is None and self.attack_type is None
        return quiet and self.user_task_id.startswith("user_task")


def pairs() -> list[Mapping[str, Any]]:
    """The paired comparisons whose reading is known; none without the data."""
    file = DATA / "verdicts.json"
    return list(json.loads(file.read_text())) if file.is_file() else []


@cache
def results(suite: str) -> pl.DataFrame:
    """Every result of a suite: `release`, `case_id`, `value`, `slice`."""
    rows = [_result(suite, row) for row in _rows(_FILES[suite])]
    return pl.DataFrame(
        [row for row in rows if row is not None],
        schema=["release", "case_id", "value", "slice"],
        orient="row",
    )


def of(suite: str, release: str) -> pl.DataFrame:
    """The results of one release."""
    return results(suite).filter(pl.col("release") == release).drop("release", "slice")


_FILES = {
    "tau2/airline": "tau2/sft_before_after.jsonl.gz",
    "tau2/retail": "tau2/sft_before_after.jsonl.gz",
    "tau2/airline_agents": "tau2/agents.jsonl.gz",
    "mmlu_pro": "mmlu_pro/items.jsonl.gz",
    "reflexion/humaneval-py": "reflexion/code_humaneval_py.jsonl.gz",
    "reflexion/alfworld": "reflexion/trials_alfworld.jsonl.gz",
    "agentdojo_benign": "agentdojo/banking_slack_2024h1_models.jsonl.zst",
}


def _result(suite: str, row: Row) -> tuple[str, str, float, str | None] | None:
    meta = row._meta
    if suite == "mmlu_pro":
        return row.model, str(row.question_id), float(row.correct), row.category
    if suite == "agentdojo_benign":
        case = f"{row.suite_name}/{row.user_task_id}"
        return (row.pipeline_name, case, float(row.utility), None) if row.is_benign else None
    domain = suite.removeprefix("tau2/")
    if domain in ("airline", "retail") and not meta.task.startswith(domain):
        return None
    release = meta.run if suite == "tau2/airline_agents" else meta.release
    return release, meta.task, float(meta.outcome or False), None


def _rows(file: str) -> Iterator[Row]:
    decode = msgspec.json.Decoder(Row).decode
    with (DATA / file).open("rb") as raw:
        if file.endswith(".zst"):
            whole = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw)
            yield from map(decode, io.BufferedReader(whole))
        else:
            yield from map(decode, gzip.open(raw))
