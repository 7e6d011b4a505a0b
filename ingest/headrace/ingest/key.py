"""API keys: what one may do, and how its secret is known again without being kept."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Literal

import msgspec

Scope = Literal["ingest", "read", "admin"]

_TEXT = re.compile("hr_([0-9a-f]{12})_([0-9a-f]{48})")  # a secret of 192 bits
_MEMORY = 64 * 1024 * 1024  # that one scrypt may take


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be known of a key."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    project: str | None  # None: every project
    created: datetime

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes


class Cost(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one scrypt takes: 128 * n * r bytes of memory, p times over (RFC 7914)."""

    n: int = 2**14  # with r: 16 MiB and about 50 ms
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError where scrypt is undefined or would take more than `_MEMORY`."""
        sound = self.n > 1 and self.n & (self.n - 1) == 0 and min(self.r, self.p) > 0
        if not sound or 128 * self.r * (self.n + self.p + 2) > _MEMORY or self.p > 16:
            raise ValueError("scrypt cannot have such n, r and p here")


COST = Cost()


class Seal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of a secret: enough to know it again, too little to use it."""

    cost: Cost
    salt: bytes
    hash: bytes
    # Four bytes of a fast hash: a wrong secret is known for free but once in 2**32, so nobody can
    # make the sidecar compute scrypt at will. Of 192 secret bits they give away 32 at most.
    mark: bytes

    @classmethod
    def of(cls, secret: str, salt: bytes, cost: Cost = COST) -> "Seal":
        return cls(cost=cost, salt=salt, hash=_hash(secret, salt, cost), mark=_mark(secret, salt))

    def may_fit(self, secret: str) -> bool:
        """Whether `fits` is worth its cost; takes microseconds."""
        return hmac.compare_digest(self.mark, _mark(secret, self.salt))

    def fits(self, secret: str) -> bool:
        """Whether this is the secret; takes what `cost` says."""
        return hmac.compare_digest(self.hash, _hash(secret, self.salt, self.cost))


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key with its seal, as it stands in the file."""

    key: Key
    seal: Seal


def minted(
    name: str, scopes: tuple[Scope, ...], project: str | None, now: datetime, cost: Cost = COST
) -> tuple[Entry, str]:
    """A new key: what to keep, and the text that its holder alone gets to see."""
    identity, secret = secrets.token_hex(6), secrets.token_hex(24)
    key = Key(id=identity, name=name, scopes=scopes, project=project, created=now)
    entry = Entry(key=key, seal=Seal.of(secret, secrets.token_bytes(16), cost))
    return entry, f"hr_{identity}_{secret}"


def parted(text: str) -> tuple[str, str] | None:
    """Id and secret of a key's text; None where a text has another form."""
    found = _TEXT.fullmatch(text)
    return (found[1], found[2]) if found else None


def _hash(secret: str, salt: bytes, cost: Cost) -> bytes:
    return hashlib.scrypt(
        secret.encode(), salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=2 * _MEMORY, dklen=32
    )


def _mark(secret: str, salt: bytes) -> bytes:
    return hashlib.sha256(salt + secret.encode()).digest()[:4]
