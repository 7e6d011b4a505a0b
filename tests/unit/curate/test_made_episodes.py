"""The episodes that benchmarks of curation are run on: what is said of them holds."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headrace.curate.near.textunit import Units
from headrace.curate.scrub.episode import scrub
from headrace.ingest.messages import canonical
from headrace.lake.message import dump

COUNT = 200


@pytest.fixture(scope="module")
def module() -> Iterator[ModuleType]:
    """Benchmarks are scripts: they find each other in their own folder."""
    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    yield importlib.import_module("episodes")
    sys.path.pop(0)


@pytest.fixture(scope="module")
def made(module: ModuleType) -> list[Any]:
    return list(module.episodes(COUNT))


@pytest.fixture(scope="module")
def masked(module: ModuleType, made: list[Any]) -> list[str]:
    """The request of each, scrubbed and masked as a night does it."""
    texts = []
    for one in made:
        clean = scrub(one.messages, bytes(range(32))).messages
        unit = Units.of(clean, one.trainable, module.tools(one.project)).request
        texts.append("" if unit is None else unit.text)
    return texts


def test_an_episode_follows_from_seed_and_number(module: ModuleType, made: list[Any]) -> None:
    assert list(module.episodes(20, start=150)) == made[150:170]
    assert list(module.episodes(20, seed=8)) != made[:20]


def test_messages_are_canonical_and_results_answer_calls(made: list[Any]) -> None:
    for one in made[:50]:
        assert canonical(one.messages) == one.messages
        calls = [call["id"] for m in one.messages for call in m.get("tool_calls") or ()]
        assert calls == [m["tool_call_id"] for m in one.messages if m["role"] == "tool"]
        for message in one.messages:
            for call in message.get("tool_calls") or ():
                json.loads(call["function"]["arguments"])


def test_an_episode_is_about_eight_kilobytes(made: list[Any]) -> None:
    sizes = [sum(len(dump(body)) for body in one.messages[1:]) for one in made]
    assert 7_000 < sum(sizes) / COUNT < 9_000


def test_half_of_the_requests_are_new_once_they_are_masked(masked: list[str]) -> None:
    assert "" not in masked
    assert 0.45 < len(set(masked)) / COUNT < 0.6


def test_a_filling_has_the_masked_request_of_what_it_fills(
    made: list[Any], masked: list[str]
) -> None:
    fillings = [one for one in made if one.how == "filled"]
    assert len(fillings) > 60
    assert all(masked[one.number] == masked[one.of] for one in fillings)


def test_an_edit_is_like_what_it_edits_but_not_the_same(made: list[Any], masked: list[str]) -> None:
    edits = [(masked[one.of], masked[one.number]) for one in made if one.how == "edited"]
    shares = [len(_grams(a) & _grams(b)) / len(_grams(a) | _grams(b)) for a, b in edits]
    assert len(edits) > 10
    assert all(0.3 < share < 1 for share in shares)


def _grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}
