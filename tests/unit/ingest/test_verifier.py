"""Whose key it is: scrypt once for each key, and nobody can have it computed at will."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest import keyfile
from headrace.ingest.errors import KeyRefused, KeysBusy
from headrace.ingest.key import Cost, Key, Seal, minted, parted
from headrace.ingest.keyring import LOOK_S, Keyring
from headrace.ingest.verifier import AT_ONCE, Verifier

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
WRONG = "0" * 48


class Desk:
    """Keys in a file, and a verifier of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0.0
        self.computed: list[str] = []  # secrets that scrypt was computed of
        self.gate = threading.Event()  # scrypt ends when it is open
        self.gate.set()
        self.ring = Keyring(path, demanded=False, clock=lambda: self.now)
        self.verifier = Verifier(self.ring)

    def key(self, name: str = "ci") -> tuple[str, str]:
        entry, text = minted(name, ("ingest",), None, NOW, Cost(n=2, r=1))
        keyfile.add(self.path, entry)
        self.look()
        parts = parted(text)
        assert parts is not None
        return parts

    def look(self) -> None:
        self.now += LOOK_S
        self.ring.look()

    def ask(self, parts: tuple[str, str]) -> Coroutine[Any, Any, Key]:
        return self.verifier.holder(*parts)

    def refuses(self, *parts: str) -> str:
        with pytest.raises(KeyRefused) as told:
            asyncio.run(self.ask((parts[0], parts[1])))
        return str(told.value)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path / "keys.json")
    fits = Seal.fits

    def watched(seal: Seal, secret: str) -> bool:
        made.computed.append(secret)
        assert made.gate.wait(60)
        return fits(seal, secret)

    monkeypatch.setattr(Seal, "fits", watched)
    yield made
    made.gate.set()


def everybody_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had guessed 32 bits."""
    monkeypatch.setattr(Seal, "may_fit", lambda seal, secret: True)


def test_a_key_is_computed_once_and_then_remembered(desk: Desk) -> None:
    parts = desk.key()
    held = [asyncio.run(desk.ask(parts)) for _ in range(5)]
    assert {key.name for key in held} == {"ci"}
    assert desk.computed == [parts[1]]


def test_another_secret_or_another_id_is_refused_in_the_same_words(desk: Desk) -> None:
    one, two = desk.key("one"), desk.key("two")
    fresh = [desk.refuses(one[0], WRONG), desk.refuses(one[0], two[1]), desk.refuses(WRONG, one[1])]
    asyncio.run(desk.ask(one))
    known = [
        desk.refuses(one[0], WRONG),
        desk.refuses(one[0], two[1]),
        desk.refuses(two[0], one[1]),
    ]
    assert len({*fresh, *known}) == 1
    assert not any(part in fresh[0] for part in (*one, *two))
    assert desk.computed == [one[1]]


def test_wrong_secrets_cost_no_scrypt(desk: Desk) -> None:
    parts = desk.key()
    for number in range(200):
        desk.refuses(parts[0], f"{number:048x}")
    assert desk.computed == []


def test_a_wrong_secret_whose_mark_fits_is_computed_and_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = desk.key()
    everybody_fits(monkeypatch)
    desk.refuses(parts[0], WRONG)
    desk.refuses(parts[0], WRONG)
    assert desk.computed == [WRONG, WRONG]  # what is wrong is not remembered
    assert asyncio.run(desk.ask(parts)).name == "ci"
    desk.refuses(parts[0], WRONG)
    assert desk.computed == [WRONG, WRONG, parts[1]]  # once the right one is known, none is


def test_many_that_begin_with_one_key_wait_for_one_computation(desk: Desk) -> None:
    parts = desk.key()

    async def crowd() -> list[Key]:
        desk.gate.clear()
        asks = [asyncio.create_task(desk.ask(parts)) for _ in range(50)]
        while not desk.computed:
            await asyncio.sleep(0)
        desk.gate.set()
        return await asyncio.gather(*asks)

    assert {key.name for key in asyncio.run(crowd())} == {"ci"}
    assert desk.computed == [parts[1]]


def test_more_keys_at_once_than_the_machine_should_bear_are_put_off(desk: Desk) -> None:
    keys = [desk.key(f"k{number}") for number in range(AT_ONCE + 1)]

    async def crowd() -> None:
        desk.gate.clear()
        asks = [asyncio.create_task(desk.ask(parts)) for parts in keys[:AT_ONCE]]
        await asyncio.sleep(0)  # they begin
        with pytest.raises(KeysBusy):
            await desk.ask(keys[AT_ONCE])
        desk.gate.set()
        await asyncio.gather(*asks)
        assert (await desk.ask(keys[AT_ONCE])).name == f"k{AT_ONCE}"

    asyncio.run(crowd())


def test_while_others_are_computed_the_known_pass(desk: Desk) -> None:
    known, *others = [desk.key(f"k{number}") for number in range(AT_ONCE + 1)]

    async def crowd() -> None:
        await desk.ask(known)
        desk.gate.clear()
        asks = [asyncio.create_task(desk.ask(parts)) for parts in others]
        await asyncio.sleep(0)
        assert (await desk.ask(known)).name == "k0"
        desk.gate.set()
        await asyncio.gather(*asks)

    asyncio.run(crowd())


def test_one_that_hangs_up_takes_no_answer_from_the_others(desk: Desk) -> None:
    parts = desk.key()

    async def crowd() -> Key:
        desk.gate.clear()
        gone, stays = (asyncio.create_task(desk.ask(parts)) for _ in range(2))
        while not desk.computed:
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        desk.gate.set()
        return await stays

    assert asyncio.run(crowd()).name == "ci"
    assert desk.computed == [parts[1]]


def test_a_revoked_key_is_refused_though_it_was_known(desk: Desk) -> None:
    parts, other = desk.key("ci"), desk.key("other")
    asyncio.run(desk.ask(parts))
    asyncio.run(desk.ask(other))
    keyfile.revoke(desk.path, "ci")
    desk.look()
    desk.refuses(*parts)
    asyncio.run(desk.ask(other))
    assert desk.computed == [parts[1], other[1]]  # what stays needs no second computation


def test_a_key_revoked_while_it_is_computed_is_refused(desk: Desk) -> None:
    parts = desk.key()

    async def crowd() -> None:
        desk.gate.clear()
        ask = asyncio.create_task(desk.ask(parts))
        while not desk.computed:
            await asyncio.sleep(0)
        keyfile.revoke(desk.path, "ci")
        desk.look()
        desk.gate.set()
        with pytest.raises(KeyRefused):
            await ask

    asyncio.run(crowd())


def test_a_key_that_comes_back_with_another_secret_is_another_key(desk: Desk) -> None:
    parts = desk.key()
    asyncio.run(desk.ask(parts))
    [old] = desk.ring.entries.values()
    keyfile.revoke(desk.path, "ci")
    entry = type(old)(key=old.key, seal=Seal.of(WRONG, b"salt", Cost(n=2, r=1)))
    keyfile.add(desk.path, entry)
    desk.look()
    desk.refuses(*parts)
    assert asyncio.run(desk.ask((parts[0], WRONG))).name == "ci"


def test_what_is_remembered_is_bounded_by_the_keys_in_force(desk: Desk) -> None:
    for number in range(5):
        asyncio.run(desk.ask(desk.key(f"k{number}")))
        keyfile.revoke(desk.path, f"k{number}")
        desk.look()
    asyncio.run(desk.ask(desk.key("last")))
    assert [known[0].key.name for known in desk.verifier._known.values()] == ["last"]


def test_no_secret_is_kept_in_memory_as_it_is(desk: Desk) -> None:
    parts = desk.key()
    asyncio.run(desk.ask(parts))
    assert parts[1] not in repr(vars(desk.verifier))
    assert vars(Verifier(desk.ring))["_salt"] != vars(desk.verifier)["_salt"]
