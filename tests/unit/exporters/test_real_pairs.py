"""Pairs mined from real runs of one agent before and after its training."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.curate.conversation import Conversation
from headrace.exporters.eligibility import Standing
from headrace.exporters.pair import pairs, side
from headrace.lake.message import Body

RUNS = (
    Path(__file__).resolve().parents[4] / "shared" / "data" / "tau2" / "sft_before_after.jsonl.gz"
)


def message(native: dict[str, Any]) -> Body:
    calls = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
        }
        for call in native.get("tool_calls") or ()
    ]
    fields = {
        "role": native["role"],
        "content": native["content"],
        "tool_calls": calls or None,
        "tool_call_id": native.get("id"),
    }
    return {key: value for key, value in fields.items() if value is not None}


@pytest.mark.skipif(not RUNS.is_file(), reason="the runs are not beside this checkout")
def test_six_pairs_differ_first_in_what_the_agent_said(
    episode: Callable[..., Conversation], standing: Callable[..., Standing]
) -> None:
    sides = []
    for line in gzip.open(RUNS, "rt", encoding="utf-8"):
        run = json.loads(line)
        meta = run["_meta"]
        made = episode(
            f"{meta['run']}/{meta['group']}",
            messages=[message(native) for native in run["messages"]],
            tools=None,
            resolution="success" if meta["outcome"] else "failure",
        )
        sides.append(side(made, standing(request=meta["group"]), "train"))
    pairing = pairs(sides)
    assert len(sides) == 120
    assert len(pairing.rows) == 6
    assert all(row.prompt[-1]["role"] == "user" for row in pairing.rows)
    assert Counter(found.reason for found in pairing.alone.values()) == {
        "no_partner": 2 * 39,
        "other_prompt": 2 * 15,
    }
