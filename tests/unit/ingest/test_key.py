"""API keys: what their text looks like, what is kept of it, and what it costs to know it again."""

import hashlib
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.ingest.key import COST, Cost, Key, Scope, Seal, minted, parted

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
CHEAP = Cost(n=2, r=1)
SCOPES: tuple[Scope, ...] = get_args(Scope)


def key(*scopes: Scope) -> Key:
    return Key(id="0" * 12, name="k", scopes=scopes, project=None, created=NOW)


def test_a_key_is_known_by_its_prefix_and_holds_192_secret_bits() -> None:
    entry, text = minted("ci", ("ingest",), "support", NOW, CHEAP)
    parts = parted(text)
    assert parts is not None
    assert text == f"hr_{entry.key.id}_{parts[1]}"
    assert len(bytes.fromhex(parts[1])) * 8 == 192
    assert entry.key == Key(
        id=parts[0], name="ci", scopes=("ingest",), project="support", created=NOW
    )


def test_no_two_keys_are_alike() -> None:
    made = [minted("ci", ("ingest",), None, NOW, CHEAP) for _ in range(50)]
    assert len({text for _, text in made}) == 50
    assert len({entry.key.id for entry, _ in made}) == 50
    assert len({entry.seal.salt for entry, _ in made}) == 50


def test_what_is_kept_does_not_hold_the_secret() -> None:
    entry, text = minted("ci", ("ingest",), None, NOW, CHEAP)
    kept = msgspec.json.encode(entry).decode()
    assert text[16:] not in kept
    assert msgspec.json.decode(kept, type=type(entry)) == entry


def test_a_seal_fits_its_secret_alone() -> None:
    seal = Seal.of("a" * 48, b"salt" * 4, CHEAP)
    assert seal.may_fit("a" * 48) and seal.fits("a" * 48)
    assert not seal.may_fit("b" * 48) and not seal.fits("b" * 48)
    assert not Seal.of("a" * 48, b"SALT" * 4, CHEAP).hash == seal.hash


def test_a_seal_is_scrypt_as_others_compute_it() -> None:
    """The third vector of RFC 7914, section 12, cut to 32 bytes; with its n, r and p."""
    seal = Seal.of("pleaseletmein", b"SodiumChloride", Cost(n=16384, r=8, p=1))
    assert seal.hash.hex() == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"


def test_the_mark_tells_four_bytes_of_a_hash_of_another_kind() -> None:
    seal = Seal.of("a" * 48, b"salt" * 4, CHEAP)
    assert seal.mark == hashlib.sha256(b"salt" * 4 + b"a" * 48).digest()[:4]


def test_by_default_a_hash_takes_16_mib() -> None:
    assert 128 * COST.n * COST.r == 16 * 1024 * 1024
    assert minted("ci", ("ingest",), None, NOW)[0].seal.cost == COST


@pytest.mark.parametrize(
    ("n", "r", "p"),
    [(0, 8, 1), (1, 8, 1), (3, 8, 1), (-4, 8, 1), (2, 0, 1), (2, 8, 0), (2, 8, 17)]
    + [(2**30, 8, 1), (2**17, 8, 1), (2, 2**30, 1)],
)
def test_a_cost_that_scrypt_or_the_machine_cannot_bear_is_refused(n: int, r: int, p: int) -> None:
    with pytest.raises(ValueError, match="scrypt"):
        Cost(n=n, r=r, p=p)


@pytest.mark.parametrize("n", [2, 2**10, 2**15])
def test_a_cost_that_may_be_stored_can_be_computed(n: int) -> None:
    assert Seal.of("s", b"s", Cost(n=n)).fits("s")


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_allows_itself_and_admin_allows_all(scope: Scope) -> None:
    assert key(scope).allows(scope)
    assert key("admin").allows(scope)
    for other in set(SCOPES) - {scope}:
        assert key(other).allows(scope) == (other == "admin")
    assert not key().allows(scope)


@pytest.mark.parametrize(
    "text",
    ["", "hr_", "hr_0_1", f"hr_{'0' * 12}_{'1' * 47}", f"hr_{'0' * 12}_{'1' * 49}",
     f"HR_{'0' * 12}_{'1' * 48}", f"hr_{'0' * 12}_{'A' * 48}", f"hr_{'0' * 12}_{'1' * 48}\n",
     f" hr_{'0' * 12}_{'1' * 48}", f"hr_{'0' * 12}_{'１' * 48}", f"sk_{'0' * 12}_{'1' * 48}"],
)  # fmt: skip
def test_what_has_another_form_is_no_key(text: str) -> None:
    assert parted(text) is None


@given(st.binary(min_size=6, max_size=6), st.binary(min_size=24, max_size=24))
def test_id_and_secret_are_told_apart(identity: bytes, secret: bytes) -> None:
    assert parted(f"hr_{identity.hex()}_{secret.hex()}") == (identity.hex(), secret.hex())
