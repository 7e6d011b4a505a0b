"""Whose key it is: scrypt once for each key, microseconds ever after."""

import asyncio
import hashlib
import hmac
import secrets

from headrace.ingest.errors import KeyRefused, KeysBusy
from headrace.ingest.key import Entry, Key
from headrace.ingest.keyring import Keyring

AT_ONCE = 2  # of 16 MiB and one core each


class Verifier:
    """Belongs to one event loop.

    What was verified is remembered as a hash that only this process can compute. A key has one
    secret, so that from then on a wrong one is known at once too. Before that a wrong one is all
    but always stopped by the seal's mark. An unknown id is refused a little faster than a wrong
    secret: ids are no secrets.
    """

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._salt = secrets.token_bytes(32)
        self._known: dict[str, tuple[Entry, bytes]] = {}  # by id
        self._running: dict[tuple[str, bytes], asyncio.Task[bool]] = {}

    async def holder(self, identity: str, secret: str) -> Key:
        """The key that an id and a secret are of. Raises KeyRefused, KeysBusy."""
        entry = self._ring.entries.get(identity)
        if entry is None:
            raise _refused()
        digest = hashlib.blake2b(secret.encode(), key=self._salt, digest_size=32).digest()
        known = self._known.get(identity)
        if known is not None and known[0] is entry:
            if not hmac.compare_digest(known[1], digest):
                raise _refused()
            return entry.key
        return await self._verified(entry, secret, digest)

    async def _verified(self, entry: Entry, secret: str, digest: bytes) -> Key:
        if not entry.seal.may_fit(secret):
            raise _refused()
        # many connections that begin with one key wait for one computation
        task = self._running.get((entry.key.id, digest)) or self._begun(entry, secret, digest)
        fits = await asyncio.shield(task)
        entries = self._ring.entries
        if not fits or entries.get(entry.key.id) is not entry:  # or revoked in between
            raise _refused()
        self._known = {name: known for name, known in self._known.items() if name in entries}
        self._known[entry.key.id] = entry, digest
        return entry.key

    def _begun(self, entry: Entry, secret: str, digest: bytes) -> "asyncio.Task[bool]":
        if len(self._running) >= AT_ONCE:
            raise KeysBusy("many keys are being used for the first time: send again in a moment")
        task = asyncio.create_task(asyncio.to_thread(entry.seal.fits, secret))
        name = entry.key.id, digest
        self._running[name] = task
        task.add_done_callback(lambda _: self._running.pop(name, None))
        return task


def _refused() -> KeyRefused:
    return KeyRefused("this API key is not in force: it was revoked, or never was one")
