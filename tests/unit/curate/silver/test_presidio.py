"""Presidio as a second finder, with its real engine and recognizers that need no model."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headrace.curate.errors import FinderError
from headrace.curate.scrub.episode import Finder, scrub
from headrace.curate.silver import presidio
from headrace.curate.silver.cleaner import Cleaner
from headrace.lake.errors import MissingExtra

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def find() -> Finder:
    analyzer = pytest.importorskip("presidio_analyzer", reason="needs headrace[presidio]")
    spacy = pytest.importorskip("spacy")
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    engine: Any = SpacyNlpEngine()
    engine.nlp = {"en": spacy.blank("en")}
    people = analyzer.PatternRecognizer("PERSON", deny_list=["Jane", "Roe", "Kelvadun"])
    street = analyzer.Pattern("street", r"\d+ [A-Z]\w+ (?:Road|Lane)|Berlin", 0.9)
    places = analyzer.PatternRecognizer("LOCATION", patterns=[street])
    order = analyzer.PatternRecognizer("US_PASSPORT", deny_list=["123456789"])
    registry = analyzer.RecognizerRegistry(recognizers=[people, places, order])
    return presidio.finder(analyzer.AnalyzerEngine(registry=registry, nlp_engine=engine))


def talk() -> list[dict[str, Any]]:
    call = {"name": "book", "arguments": json.dumps({"who": "jane", "order": 123456789})}
    return [
        {"role": "user", "content": "This is Jane, at 12 Acacia Road in Berlin, order 123456789."},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": call}]},
        {"role": "assistant", "content": "Done, JANE: 12 acacia road."},
    ]


def test_names_and_streets_in_prose_get_surrogates_in_every_message(find: Finder) -> None:
    done = scrub(talk(), KEY, find)
    told = json.dumps(done.messages).lower()
    assert "jane" not in told
    assert "acacia" not in told
    assert (done.found["name"], done.found["address"]) == (3, 2)
    assert scrub(talk(), KEY).found == {}  # nothing of it is found without


def test_what_tells_no_house_and_what_is_not_asked_for_stays(find: Finder) -> None:
    [asked, call, _] = scrub(talk(), KEY, find).messages
    assert asked["content"].endswith("in Berlin, order 123456789.")
    assert json.loads(call["tool_calls"][0]["function"]["arguments"])["order"] == 123456789


def test_a_name_in_prose_has_the_surrogate_that_its_key_would_give(find: Finder) -> None:
    prose = scrub([{"role": "user", "content": "Jane asked"}], KEY, find)
    keyed = scrub([{"role": "user", "content": '{"first_name": "Jane"}'}], KEY)
    assert (
        prose.messages[0]["content"].split()[0]
        == json.loads(keyed.messages[0]["content"])["first_name"]
    )
    assert prose.surrogates == keyed.surrogates


def test_scrubbing_twice_with_a_second_finder_changes_nothing(find: Finder) -> None:
    once = scrub(talk(), KEY, find)
    again = scrub(once.messages, KEY, find)
    assert (again.messages, dict(again.found)) == (once.messages, {})
    assert list(find("Kelvadun")) == []  # a surrogate that a model takes for a name


def test_the_rules_are_others_with_a_second_finder() -> None:
    assert Cleaner(key=KEY).version != Cleaner(key=KEY, extra="presidio").version


@pytest.fixture
def fresh() -> Iterator[None]:
    from headrace.curate.silver import cleaner

    cleaner._finder.cache_clear()
    yield
    cleaner._finder.cache_clear()


@pytest.mark.parametrize(
    ("absent", "error", "cure"),
    [
        ("presidio_analyzer", MissingExtra, r"pip install 'headrace\[presidio\]'"),
        (presidio.MODEL, FinderError, f"python -m spacy download {presidio.MODEL}"),
    ],
)
def test_what_is_missing_is_told_before_an_episode_is_touched(
    absent: str, error: type[Exception], cure: str, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    known: Callable[[str], object] = lambda name: None if name == absent else object()  # noqa: E731
    monkeypatch.setattr(presidio, "find_spec", known)
    with pytest.raises(error, match=cure):
        Cleaner(key=KEY, extra="presidio").ready()
