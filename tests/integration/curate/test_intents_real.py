"""Intents of real requests: conversations of airline, retail, banking and office agents."""

import gzip
import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from headrace.curate.intents.cluster import middles, nearest
from headrace.curate.near.mask import masked
from headrace.curate.semantic.encoder import Encoder
from headrace.curate.semantic.weights import MODEL
from headrace.curate.unit import request_text

DATA = Path(__file__).parents[3].parent / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real data is not on this machine"),
]


def tau() -> Iterator[tuple[str, str]]:
    """Request and task, as `airline/12`."""
    for name in ("agents", "sft_before_after"):
        with gzip.open(DATA / "tau2" / f"{name}.jsonl.gz", "rt") as lines:
            for row in map(json.loads, lines):
                yield asked(row["messages"]), row["_meta"]["task"]


def dojo() -> Iterator[tuple[str, str]]:
    """Request and task, as `banking/user_task_3`."""
    file = DATA / "agentdojo" / "banking_slack_2024h1_models.jsonl.zst"
    done = subprocess.run(
        ["zstd", "-dc", "--long=27", str(file)], capture_output=True, check=True, text=True
    )
    for row in map(json.loads, done.stdout.splitlines()):
        if row["injection_task_id"] is None:
            yield asked(row["messages"]), row["_meta"]["task"]


def asked(messages: Sequence[dict[str, Any]]) -> str:
    told = [{**message, "content": plain(message.get("content"))} for message in messages]
    return masked(request_text(told, [message["role"] == "assistant" for message in told]))


def plain(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or part.get("content") or "") for part in content)
    return str(content or "")


def found(rows: Sequence[tuple[str, str]]) -> tuple[list[int], list[str], int]:
    """The intent of each episode, its task, and how many intents there are."""
    texts, at = np.unique([text for text, _ in rows], return_inverse=True)
    vectors = Encoder.of(MODEL).encode(texts.tolist())
    centres = middles(vectors, np.bincount(at))
    places = nearest(vectors, centres).places[at]
    return places.tolist(), [task for _, task in rows], len(centres)


def purity(places: Sequence[int], truth: Sequence[str]) -> float:
    both = Counter(zip(places, truth, strict=True))
    best: dict[int, int] = {}
    for (place, _), count in both.items():
        best[place] = max(best.get(place, 0), count)
    return sum(best.values()) / len(places)


@pytest.mark.parametrize(("rows", "least"), [(tau, 0.65), (dojo, 0.75)])
def test_intents_keep_domains_apart_and_follow_tasks(rows: Any, least: float) -> None:
    """The cut was chosen on the first; the second is what it does elsewhere."""
    places, tasks, count = found(list(rows()))
    domains = [task.partition("/")[0] for task in tasks]
    of_task = float(normalized_mutual_info_score(tasks, places))
    print(
        f"{count} intents, purity of domain {purity(places, domains):.3f}, NMI with task "
        f"{of_task:.3f}, {places.count(-1) / len(places):.1%} in none"
    )
    assert purity(places, domains) >= 0.95
    assert of_task >= least
    assert places.count(-1) / len(places) <= 0.1
    assert count <= len(set(tasks))
