"""Scrubbing runs of an airline's agent that other people recorded: its customers are profiles."""

import gzip
import json
import re
from itertools import islice
from pathlib import Path

import pytest

from headrace.curate.scrub.episode import scrub
from headrace.ingest.messages import canonical
from headrace.lake.message import Body

RUNS = Path(__file__).parents[4] / "shared/data/taubench/gpt4o_airline_tasks_0_34.jsonl.gz"
KEY = b"a key that only tests have......"


@pytest.fixture(scope="module")
def episodes() -> list[list[Body]]:
    if not RUNS.exists():
        pytest.skip("the larger data sets are not beside this checkout")
    with gzip.open(RUNS, "rt") as lines:
        return [canonical(json.loads(line)["traj"]) for line in islice(lines, 30)]


def told(episode: list[Body]) -> set[str]:
    """What the profiles in tool results say of customers."""
    found: set[str] = set()
    for body in episode:
        if body["role"] == "tool" and '"dob"' in str(body["content"]):
            profile = json.loads(body["content"])
            own = [profile.get("name") or {}, *profile.get("passengers", ())]
            found |= {one["last_name"] for one in own if "last_name" in one}
            found |= {one["dob"] for one in [profile, *own] if "dob" in one}
            found |= {profile["address"]["address1"]} if "address" in profile else set()
    return found


def test_nothing_that_a_profile_told_is_left(episodes: list[list[Body]]) -> None:
    values = 0
    for episode in episodes:
        text = json.dumps(scrub(episode, KEY).messages)
        words = set(re.findall("[A-Za-z]+", text))
        for value in told(episode):
            assert value not in (words if value.isalpha() else text)
            values += 1
    assert values > 50


def test_what_is_scrubbed_is_canonical_and_clean(episodes: list[list[Body]]) -> None:
    for episode in episodes[:10]:
        done = list(scrub(episode, KEY).messages)
        assert canonical(done) == done
        assert list(scrub(done, KEY).messages) == done
