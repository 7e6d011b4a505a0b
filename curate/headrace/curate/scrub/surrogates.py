"""What stands in for values: drawn from HMACs under the key of the project."""

import hmac
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from headrace.curate.errors import ScrubKeyError
from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Kind

LEAST = 16  # bytes of a key


class Surrogates:
    """Surrogates of one project: the same value has the same one in every episode.

    Without the key nobody can test a guess of a value; destroying it cuts the last tie to them.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < LEAST:
            raise ScrubKeyError(
                f"a key of {len(key)} bytes to scrub with: give {LEAST} random bytes or more, such"
                " as secrets.token_bytes(32), and the same ones every night"
            )
        self._key = key
        self._made: dict[tuple[str, str], str] = {}
        self._digests: dict[tuple[str, str], bytes] = {}
        self._index: dict[str, str] = {}
        self._kinds: dict[str, str] = {}

    @property
    def index(self) -> Mapping[str, str]:
        """HMAC of each value that was replaced, in hex, to its surrogate in canonical form."""
        return MappingProxyType(self._index)

    @property
    def kinds(self) -> Mapping[str, str]:
        """HMAC of each value that was replaced, in hex, to the name of its kind."""
        return MappingProxyType(self._kinds)

    def of(self, kind: Kind, written: str) -> str:
        """The surrogate of a value, in the form in which it was written."""
        made = self._made.get((kind.name, written))
        if made is None:
            made = self._made[kind.name, written] = self._new(kind, written)
        return made

    def _new(self, kind: Kind, written: str) -> str:
        value = kind.canonical(written)
        digest = self._digests.get((kind.name, value))
        if digest is None:
            digest = digest_of(kind, value, self._key)
            self._digests[kind.name, value] = digest
            self._kinds[digest.hex()] = kind.name
            self._index[digest.hex()] = kind.surrogate(value, Draw(digest))
        if written == value:
            return self._index[digest.hex()]
        return kind.surrogate(written, Draw(digest))


def digest_of(kind: Kind, value: str, key: bytes) -> bytes:
    """HMAC of a canonical value of a kind: its name in the index."""
    made = _keyed(key).copy()
    made.update(f"{kind.name}\0{value}".encode("utf-8", "surrogatepass"))
    return made.digest()


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> hmac.HMAC:
    """To be copied: a key costs more than a value."""
    return hmac.new(key, digestmod="sha256")
