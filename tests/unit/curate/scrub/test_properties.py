"""Whatever an episode holds: what is planted goes, and what holds the episode together stays."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.scrub.episode import scrub
from headrace.curate.scrub.tree import Embedded, opened
from headrace.ingest.jsontext import written
from headrace.lake.message import Body
from tests.unit.curate.conftest import result, said, user

KEY = b"a key that only tests have......"
PLANTED = {
    "email": ["jane.okafor@gmail.com", "x.y+z@web.de"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"],
    "card_number": ["4716 9359 3602 1231", "371449635398431"],
    "ssn": ["219-09-9999"],
    "phone": ["(415) 867-5309", "+442079460018", "+1 212 736 5000"],
    "ip": ["81.2.69.142", "2a02:8070:ab1::7"],
}
TYPED = {  # found everywhere once a key told
    "first_name": ["Mia", "Will"],
    "last_name": ["Okafor", "Li"],
    "address": ["12 Alder Street, Graz"],
    "dob": ["1985-03-25"],
    "zip": ["94110-0007"],
}
VALUES = [value for held in PLANTED.values() for value in held]
TOLD = [value for held in TYPED.values() for value in held]
LOOKALIKES = [
    "#W1234567",
    "127.0.0.1",
    "call_4158675309",
    "4111111111111112",
    "I will",
    "mia_li",
    "Mia Will Li",
    "{",
    '"',
    "a:",
]

scraps = st.one_of(
    st.sampled_from([*VALUES, *TOLD, *LOOKALIKES]),
    st.text(max_size=8),
    st.sampled_from(
        ["DOB: ", "phone ", "Name: Will Marsh\n", "my name is ", "password=", "[secret:token]"]
    ),
)
# apart, so that no value is a part of something longer that is none
prose = st.lists(scraps, max_size=6).map(" , ".join)
keys = st.one_of(
    st.sampled_from(
        [*PLANTED, *TYPED, "name", "customer", "user", "note", "password", "jane@web.de"]
    ),
    st.text(max_size=6),
)
leaves = st.one_of(
    prose,
    st.integers(-(10**12), 10**12),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=3).map(lambda v: json.dumps(v, allow_nan=True)),
    ),
    max_leaves=8,
)
objects = st.dictionaries(keys, values, max_size=4)


@st.composite
def episodes(draw: st.DrawFn) -> list[Body]:
    told = {key: draw(st.sampled_from(held)) for key, held in TYPED.items()}
    return [
        user(draw(prose)),
        said(draw(prose), ("call_1", "find", json.dumps(draw(objects)))),
        result("call_1", json.dumps({"customer": {"city": "Graz", **told}, "more": draw(values)})),
        said(draw(prose)),
    ]


def shape(value: object) -> object:
    """The types and the fields of a value, without what stands in them; texts with JSON opened."""
    if isinstance(value, Embedded):
        return ["json", shape(value.value)]
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)


@settings(deadline=None)
@given(episodes())
def test_scrubbing_twice_changes_nothing(episode: list[Body]) -> None:
    once = scrub(episode, KEY)
    twice = scrub(once.messages, KEY)
    assert twice.messages == once.messages
    assert twice.found == {} and twice.surrogates == {}


@settings(deadline=None)
@given(episodes())
def test_an_episode_keeps_its_turns_its_calls_and_their_ids(episode: list[Body]) -> None:
    def frame(body: Body) -> object:
        calls = [(c["id"], c["type"], c["function"]["name"]) for c in body.get("tool_calls") or ()]
        return list(body), body["role"], body.get("tool_call_id"), calls

    done = scrub(episode, KEY)
    assert [frame(body) for body in done.messages] == [frame(body) for body in episode]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*PLANTED, *TYPED, "name", "note"]), leaves, max_size=5))
def test_arguments_stay_json_with_the_same_fields_and_types(given_: dict[str, Any]) -> None:
    done = scrub([said(None, ("c", "f", json.dumps(given_)))], KEY)
    fresh = json.loads(done.messages[0]["tool_calls"][0]["function"]["arguments"])
    assert shape(fresh) == shape(given_)


@settings(deadline=None)
@given(episodes(), st.sampled_from(VALUES))
def test_no_planted_value_survives(episode: list[Body], value: str) -> None:
    planted = [*episode, user(f"It is {value} , thanks"), result("x", json.dumps({"note": value}))]
    held = "\n".join(_texts([opened(body["content"]) for body in scrub(planted, KEY).messages]))
    assert value not in held


@settings(deadline=None)
@given(st.sampled_from([*TYPED.items()]), st.booleans())
def test_no_value_that_a_key_told_survives(told: tuple[str, list[str]], in_text: bool) -> None:
    key, value = told[0], told[1][0]
    field = written({"user": {key: value}}) if not in_text else f"{key}: {value}"
    done = scrub([user(f"with {value}."), said(f"({value})"), result("c", field)], KEY)
    assert value not in json.dumps(done.messages)


@settings(deadline=None)
@given(episodes())
def test_the_same_episode_and_key_give_the_same(episode: list[Body]) -> None:
    assert scrub(episode, KEY) == scrub(list(episode), KEY)


@pytest.mark.parametrize("value", VALUES)
def test_two_projects_share_no_surrogate(value: str) -> None:
    ours, theirs = (scrub([user(value)], key * 32).surrogates for key in (b"1", b"2"))
    assert set(ours.values()).isdisjoint(theirs.values())


def _texts(value: object) -> list[str]:
    if isinstance(value, Embedded):
        return _texts(value.value)
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)] + list(value)
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [str(value)]
