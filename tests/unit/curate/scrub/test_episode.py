import json
from typing import Any

import pytest

from headrace.curate.errors import ScrubKeyError
from headrace.curate.scrub.episode import Scrubbed, scrub
from headrace.lake.message import Body
from tests.unit.curate.conftest import result, said, system, user

KEY = b"a key that only tests have......"


def scrubbed(*messages: Body) -> Scrubbed:
    return scrub(messages, KEY)


def arguments(done: Scrubbed, place: int) -> Any:
    return json.loads(done.messages[place]["tool_calls"][0]["function"]["arguments"])


def test_one_email_has_one_surrogate_in_message_argument_and_result() -> None:
    done = scrubbed(
        user("I am jane@gmail.com"),
        said(None, ("c", "find", json.dumps({"email": "Jane@Gmail.com"}))),
        result("c", json.dumps({"found": {"email": "jane@gmail.com", "note": "<jane@gmail.com>"}})),
    )
    fresh = arguments(done, 1)["email"]
    assert fresh.endswith("@example.com")
    assert done.messages[0]["content"] == f"I am {fresh}"
    assert json.loads(done.messages[2]["content"]) == {
        "found": {"email": fresh, "note": f"<{fresh}>"}
    }
    assert done.found == {"email": 4} and list(done.surrogates.values()) == [fresh]


def test_another_project_has_another_surrogate() -> None:
    ours, theirs = (scrub([user("jane@gmail.com")], key * 32) for key in (b"1", b"2"))
    assert ours.messages != theirs.messages
    assert ours.surrogates.keys().isdisjoint(theirs.surrogates)


def test_what_a_result_tells_of_a_customer_goes_from_the_whole_episode() -> None:
    told = {"customer": {"name": "Jane Okafor", "address": "12 Main St, Graz", "zip": "94110"}}
    done = scrubbed(
        user("It's Okafor, JANE, at 12 main st, 94110"),
        said(None, ("c", "find", "{}")),
        result("c", json.dumps(told)),
        said("Hello Jane, is it still 12 Main St?"),
    )
    text = json.dumps(done.messages).lower()
    assert not any(word in text for word in ("okafor", "jane", "main st", "94110"))
    fresh = json.loads(done.messages[2]["content"])["customer"]
    assert fresh["name"].split()[0] in done.messages[3]["content"]
    assert fresh["address"] in done.messages[0]["content"]
    assert fresh["address"] in done.messages[3]["content"]


def test_arguments_keep_their_keys_their_order_and_their_types() -> None:
    given = {"z": "jane@gmail.com", "phone": 4158675309, "n": 1.5, "ok": True, "a": [None, 7]}
    done = scrubbed(said(None, ("c", "f", json.dumps(given))))
    fresh = arguments(done, 0)
    assert list(fresh) == list(given)
    assert [type(v) for v in fresh.values()] == [type(v) for v in given.values()]
    assert (fresh["n"], fresh["ok"], fresh["a"]) == (1.5, True, [None, 7])
    assert fresh["z"] != given["z"] and fresh["phone"] != given["phone"]


def test_what_holds_nothing_stays_to_the_byte() -> None:
    texts = ['{ "a" :1,\n"b":[ 2.50,1e3 ]}', "order 4158675309 of 2026-01-02", "call_1234567890123"]
    given = [*map(user, texts), said(None, ("call_4111111111111111", "f", '{"x" : 1}'))]
    done = scrub(given, KEY)
    assert list(done.messages) == given
    assert done.found == {} and done.surrogates == {}


@pytest.mark.parametrize(
    "kept",
    [
        "123e4567-e89b-42d3-a456-426614174000",
        "#W1234567",
        "127.0.0.1",
        "4111111111111112",
        "call_4158675309",
        "1764547200000",
        "I will mark it",
    ],
)
def test_what_only_looks_personal_stays_among_what_is(kept: str) -> None:
    done = scrubbed(user(f"jane@gmail.com {kept}"), user('{"name": "Will Mark", "email": ""}'))
    assert done.messages[0]["content"].endswith(f"@example.com {kept}")


def test_json_in_json_in_json_stays_json() -> None:
    inner = json.dumps({"text": json.dumps([{"email": "jane@gmail.com"}])})
    done = scrubbed(result("c", json.dumps({"body": inner})))
    email = json.loads(json.loads(json.loads(done.messages[0]["content"])["body"])["text"])[0][
        "email"
    ]
    assert email.endswith("@example.com")


def test_keys_that_are_data_are_scrubbed_and_fields_are_not() -> None:
    given = {"jane@gmail.com": 1, "first_name": "Name", "Jane Okafor": 2}
    told = json.dumps({"first_name": "Jane", "last_name": "Okafor"})
    done = scrubbed(result("c", json.dumps(given)), result("d", told))
    keys = list(json.loads(done.messages[0]["content"]))
    assert keys[1] == "first_name"
    assert keys[0].endswith("@example.com") and keys[2] != "Jane Okafor"


def test_parts_are_scrubbed_and_pictures_are_not() -> None:
    picture = "data:image/png;base64,aaaa4111111111111111+jane@gmail.com"
    parts = [
        {"type": "text", "text": "jane@gmail.com"},
        {"type": "image_url", "image_url": {"url": picture}},
    ]
    done = scrubbed({"role": "user", "content": parts})
    text, image = done.messages[0]["content"]
    assert text["text"].endswith("@example.com")
    assert image["image_url"]["url"] == picture


def test_secrets_that_the_drain_missed_are_removed_and_counted() -> None:
    done = scrubbed(said("", ("c", "login", '{"user": "x", "password": "tr0ub4dor&3"}')))
    assert arguments(done, 0) == {"user": "x", "password": "[secret:password]"}
    assert done.found == {"secret": 1}
    assert scrub(done.messages, KEY).found == {}


def test_placeholders_of_secrets_are_not_rewritten() -> None:
    done = scrubbed(user("[secret:token] for Token"), user('{"last_name": "Token"}'))
    assert done.messages[0]["content"].startswith("[secret:token] for ")
    assert not done.messages[0]["content"].endswith("Token")


def test_numbers_that_no_json_can_hold_do_not_stop_it() -> None:
    done = scrubbed(result("c", '{"a": 1e999, "b": "jane@gmail.com"}'))
    assert "gmail" not in done.messages[0]["content"]


def test_nothing_is_said_of_names_and_addresses_under_no_key() -> None:
    text = "Bartholomew Quimby of 5 Nowhere Avenue wrote"
    assert scrubbed(system(text)).messages[0]["content"] == text


def test_messages_that_were_given_are_not_changed() -> None:
    given = [said(None, ("c", "f", '{"email": "jane@gmail.com"}'))]
    before = json.dumps(given)
    assert scrub(given, KEY).messages[0] != given[0]
    assert json.dumps(given) == before


def test_no_episode_is_scrubbed_with_a_short_key() -> None:
    with pytest.raises(ScrubKeyError):
        scrub([], b"short")
