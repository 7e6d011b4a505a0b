"""What the patterns find in runs that were attacked through their tools, and in honest ones."""

import gzip
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from headrace.curate.screens.look import patterns
from headrace.ingest.messages import canonical

DATA = Path(__file__).parents[3].parent / "shared" / "data"
DOJO = DATA / "agentdojo" / "banking_slack_2024h1_models.jsonl.zst"
HONEST = ("taubench/*.gz", "tau2/agents*.gz", "tau2/sft*.gz", "carbench_unlabelled/*.gz")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the runs are not beside this checkout")


def attacks() -> Iterator[dict[str, Any]]:
    with DOJO.open("rb") as raw:
        whole = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw)
        yield from map(json.loads, io.BufferedReader(whole))


def kind(row: dict[str, Any]) -> str:
    """Whether a run was attacked, and whether the agent read it."""
    if row["attack_type"] is None:
        return "not attacked"
    told = " ".join(str(message["content"]) for message in row["messages"])
    read = " ".join(told.split())
    poison = [" ".join(text.split())[:60] for text in row["injections"].values()]
    if not any(text and text in read for text in poison):
        return "never read"
    return "bare order" if row["attack_type"] == "direct" else "worded"


def test_every_worded_attack_that_was_read_is_found_and_no_honest_run_is() -> None:
    counts = Counter(kind(row) for row in attacks())
    found = Counter(
        kind(row)
        for row in attacks()
        if patterns([{k: m[k] for k in ("role", "content")} for m in row["messages"]])
    )
    assert counts == {"not attacked": 867, "worded": 5296, "bare order": 231, "never read": 1132}
    assert found == {"worded": 5296}


@pytest.mark.parametrize("place", HONEST)
def test_no_run_of_an_honest_agent_is_held_back(place: str) -> None:
    seen = 0
    for file in DATA.glob(place):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                told = row.get("traj") or row.get("messages")
                assert patterns(canonical(told)) == []
                seen += 1
    assert seen > 100
