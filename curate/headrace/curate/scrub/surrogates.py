"""What stands in for values: drawn from HMACs under the key of the project."""

import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

import msgspec

from headrace.curate.errors import ScrubKeyError
from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Kind
from headrace.ingest.memo import Memo

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
        self._drawn = _drawn(key)
        self._made: dict[tuple[str, str], str] = {}
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
        drawn = self._drawn([kind.name, written], kind)
        self._kinds[drawn.name] = kind.name
        self._index[drawn.name] = drawn.canonical
        return drawn.written


class Drawn(msgspec.Struct, frozen=True):
    """What stands in for a value."""

    name: str  # HMAC of the value, in hex
    canonical: str
    written: str  # in the form in which the value was


@lru_cache(maxsize=64)
def _drawn(key: bytes) -> Memo[Drawn]:
    """Under one key, of kinds and spellings: people and places come again in other episodes."""

    def draw(told: Sequence[str], kind: Kind) -> Drawn:
        value = kind.canonical(told[1])
        digest = digest_of(kind, value, key)
        canonical = kind.surrogate(value, Draw(digest))
        written = canonical if told[1] == value else kind.surrogate(told[1], Draw(digest))
        return Drawn(digest.hex(), canonical, written)

    return Memo(draw)


def digest_of(kind: Kind, value: str, key: bytes) -> bytes:
    """HMAC of a canonical value of a kind: its name in the index."""
    made = _keyed(key).copy()
    made.update(f"{kind.name}\0{value}".encode("utf-8", "surrogatepass"))
    return made.digest()


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> hmac.HMAC:
    """To be copied: a key costs more than a value."""
    return hmac.new(key, digestmod="sha256")
