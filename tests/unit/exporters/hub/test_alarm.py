import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters.hub.alarm import alarm
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.lake.message import Body
from tests.corpus import corpus


def say(text: str) -> tuple[Body, ...]:
    return ({"role": "user", "content": text},)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln", "signed token"),
        ("postgres://ada:hunter2x@db.internal/prod", "password in an address"),
        ("my password: correct-horse", "password"),
        ("curl -H 'Authorization: Bearer abcdefghijklmnopqrst'", "authorization"),
        ("AKIAIOSFODNN7EXAMPLE is it", "key of a provider"),
        ("use hf_abcdefghijklmnopqrstuv", "key of a provider"),
        ("x = wJalrXUtnFEMI7K7MDENGbPxRfiCYEXAMPLEKEY", "random text"),
    ],
)
def test_what_looks_like_a_secret_is_named_by_its_kind(text: str, kind: str) -> None:
    assert alarm(say(f"Look: {text} and more")) == kind


@given(seed=st.integers(0, 2**32))
def test_a_key_drawn_at_random_is_found_wherever_it_stands(seed: int) -> None:
    rng = random.Random(seed)
    drawn = "aZ9" + "".join(rng.choices(string.ascii_letters + string.digits, k=37))
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": f'{{"k":"{drawn}"}}'},
    }
    assert alarm(({"role": "assistant", "content": None, "tool_calls": [call]},)) is not None
    assert alarm(({"role": "tool", "tool_call_id": "c", "content": f"({drawn})"},)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The quick brown fox jumps over the lazy dog, 1234567890 times.",
        "order 4bf92f3577b34da6a3ce929d0e0e4736 of 2026-03-02T10:00:00.000Z",
        "https://shop.example.com/orders/A1?lang=de&page=2#top",
        "getOrderDetailsByCustomerIdAndDate2 failed",
        "550e8400-e29b-41d4-a716-446655440000",
        "Your password was reset. Choose a new one.",
        "password: [secret:password], token=[secret:api_key] and https://ada:[secret:password]@x.y",
        "eyJ-" * 25_000,
        "a" * 100_000,
    ],
)
def test_language_names_and_numbers_are_let_through(text: str) -> None:
    assert alarm(say(text)) is None


def test_ids_that_providers_give_are_not_looked_at() -> None:
    drawn = "call_aB3dE6gH9jK2mN5pQ8sT1vW4xY7z"
    assert alarm(({"role": "tool", "tool_call_id": drawn, "content": "ok"},)) is None


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_ordinary_rows_are_let_through(objective: Objective) -> None:
    for row in corpus(objective):
        assert alarm((*row.messages, *row.prompt, *row.completion)) is None
