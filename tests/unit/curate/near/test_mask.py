"""What differs between two fillings of one request is masked; what carries its intent is not."""

import pytest

from headrace.curate.near.mask import leaves, masked, slots


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use [secret:openai_key], then", "use <secret>, then"),
        ("mail Bob.O@x-y.co.uk.", "mail <email>."),
        ("card 4111 1111 1111 1111", "card <card>"),
        ("to DE89 3704 0044 0532 0130 00.", "to <iban>."),
        ("from 10.0.0.1 and 2001:db8:0:0:0:0:0:1", "from <ip> and <ip>"),
        ("ssn 123-45-6789", "ssn <ssn>"),
        ("+1 555-010-1234 or (415) 555-0100", "<phone> or <phone>"),
        ("on 2026-11-02T10:30:00Z", "on <date>"),
        (
            "on the 3rd of March 2026, May 5, 12/31/2026, 5pm",
            "on the <date>, <date>, <date>, <date>",
        ),
        ("id 550e8400-e29b-41d4-a716-446655440000, #A-17", "id <id>, #<id>"),
        ("$3,000.50 for 2", "$<num> for <num>"),
        ("a 24-hour pass, 10gb, the 12th", "a <num>-hour pass, <num>gb, the <num>th"),
    ],
)
def test_each_kind_has_its_mask(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_what_only_looks_like_a_date_or_an_id_stays() -> None:
    assert masked("I may march on, log s3 and h1") == "i may march on, log s3 and h1"


def test_values_of_tool_arguments_are_masked_as_whole_words_in_any_case() -> None:
    values = slots([{"to": "Rome", "who": {"name": "Ann Lee"}}], [])
    assert (
        masked("ann lee flies to ROME, not Romeo", values) == "<value> flies to <value>, not romeo"
    )


def test_values_are_found_in_a_script_without_spaces() -> None:
    assert masked("明日東京駅へ行きたいです", ["東京駅"]) == "明日<value>へ行きたいです"


def test_booleans_enum_values_and_short_values_stay() -> None:
    values = slots([{"class": "Economy", "on": True, "code": "ab", "none": None}], ["economy"])
    assert values == frozenset()
    text = "economy class true ab please"
    assert masked(text, values) == text


def test_a_value_of_many_words_or_most_of_the_request_stays() -> None:
    query = "how do I cancel my flight"
    assert slots([{"query": query}], []) == frozenset()
    assert masked("reset password", slots([{"query": "reset password"}], [])) == "reset password"


def test_a_shape_has_one_mask_whether_a_tool_was_called_with_it_or_not() -> None:
    text = "Where is order W-1234567 of 2026-11-02?"
    values = slots([{"order": "W-1234567", "on": "2026-11-02"}], [])
    assert masked(text, values) == masked(text) == "where is order <id> of <date>?"


def test_a_value_never_changes_a_mask() -> None:
    assert masked("mail to x@y.org by email", ["email"]) == "mail to <email> by <value>"


def test_masks_tell_by_shape_not_by_check_digit() -> None:
    assert masked("card 4111 1111 1111 1111") == masked("card 4111 1111 1111 1112")


def test_fillings_of_one_template_become_one_text() -> None:
    fillings = [("Anna", 3, "anna@a.org"), ("Bernd", 40, "b.b@web.de"), ("Chloé", 555, "c@c.io")]
    texts = {
        masked(f"I am {who}: send {count} tickets to {mail} please", [who.lower()])
        for who, count, mail in fillings
    }
    assert texts == {"i am <value>: send <num> tickets to <email> please"}


def test_leaves_are_texts_and_numbers_at_any_depth() -> None:
    found = leaves({"a": [1, {"b": "x"}], "c": True, "d": None, "e": 2.5})
    assert sorted(map(str, found)) == ["1", "2.5", "x"]


@pytest.mark.parametrize("part", ["a", "1", "a1", "a-", "1-", "1.a", "+1 ", "1:", "ab:", "a@", "_"])
def test_long_runs_are_read_once(part: str) -> None:
    """A pattern that began anew at each character would take hours, not a blink."""
    assert masked(part * 50_000)
