"""The API key of a request, in each of the ways that exporters have."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.ingest.credential import presented

ID, SECRET = "0123456789ab", "f" * 48
KEY = f"hr_{ID}_{SECRET}"
OTHER = f"hr_{ID}_{'e' * 48}"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def found(*headers: tuple[str, str]) -> tuple[str, str] | None:
    return presented([(name.encode(), value.encode("latin-1")) for name, value in headers])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", f"Bearer {KEY}"),
        ("authorization", f"bearer {KEY}"),
        ("authorization", f"BEARER   {KEY} "),
        ("authorization", f"Bearer%20{KEY}"),
        ("authorization", f"Bearer%20{KEY.replace('_', '%5F')}%0A"),
        ("authorization", KEY),
        ("authorization", basic("pk-lf-1", KEY)),
        ("authorization", basic(KEY, "sk-lf-1")),
        ("authorization", basic(KEY, "")),
        ("authorization", basic("", KEY)),
        ("authorization", basic("user", KEY).replace(" ", "%20").replace("=", "%3D")),
        ("x-api-key", KEY),
        ("x-api-key", f"Bearer {KEY}"),
        ("api_key", KEY),
        ("api_key", f" {KEY} "),
    ],
)
def test_each_way_of_presenting_a_key_is_read(name: str, value: str) -> None:
    assert found(("host", "localhost"), (name, value), ("accept", "*/*")) == (ID, SECRET)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", ""),
        ("authorization", "Bearer"),
        ("authorization", "Bearer sk-proj-1"),
        ("authorization", f"Bearer {KEY}0"),
        ("authorization", f"Bearer {KEY} {KEY}"),
        ("authorization", "Basic"),
        ("authorization", "Basic !!!"),
        ("authorization", f"Basic {KEY}"),
        ("authorization", basic("user", "password")),
        ("authorization", "Basic " + base64.b64encode(KEY[:40].encode()).decode()),
        ("authorization", "%"),
        ("authorization", "Bearer %ff%00"),
        ("authorization", f"Bearer {' ' * 5000}{KEY}"),
        ("x-headrace-key", KEY),
        ("cookie", KEY),
        ("x-api-key", "\xff\xfe"),
    ],
)
def test_what_is_no_key_is_none(name: str, value: str) -> None:
    assert found((name, value)) is None


def test_a_credential_for_somebody_else_hides_no_key() -> None:
    """A proxy in front may take the Authorization header for itself."""
    assert found(("authorization", basic("proxy", "word")), ("x-api-key", KEY)) == (ID, SECRET)
    assert found(("x-api-key", "ls-1"), ("authorization", f"Bearer {KEY}")) == (ID, SECRET)


def test_of_many_keys_the_first_counts() -> None:
    assert found(("x-api-key", KEY), ("authorization", f"Bearer {OTHER}")) == (ID, SECRET)
    assert found(("x-api-key", OTHER), ("x-api-key", KEY)) == (ID, "e" * 48)


def test_no_header_is_no_key() -> None:
    assert presented([]) is None


@given(st.sampled_from([b"authorization", b"x-api-key", b"api_key"]), st.binary(max_size=200))
def test_no_header_breaks_it(name: bytes, value: bytes) -> None:
    for prefix in (b"", b"Basic ", b"Bearer ", b"Basic " + base64.b64encode(value) + b" "):
        assert presented([(name, prefix + value)]) is None


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_whatever_stands_beside_it_basic_finds_the_key(user: bytes, rest: bytes) -> None:
    told = base64.b64encode(user.replace(b":", b"") + b":" + KEY.encode())
    assert presented([(b"cookie", rest), (b"authorization", b"Basic " + told)]) == (ID, SECRET)


def test_a_real_secret_is_read_back() -> None:
    secret = os.urandom(24).hex()
    assert found(("authorization", f"Bearer hr_{ID}_{secret}")) == (ID, secret)
