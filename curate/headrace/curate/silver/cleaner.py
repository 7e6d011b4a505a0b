"""Episodes scrubbed one by one: pure work that any process can do."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, Self

import msgspec

from headrace.curate.conversation import Conversation
from headrace.curate.scrub.catalogue import VERSION
from headrace.curate.scrub.episode import Finder, Scrubbed, scrub
from headrace.curate.silver import echo, presidio
from headrace.curate.unit import request_text
from headrace.lake.message import Body, Message, dump

log = logging.getLogger(__name__)

Extra = Literal["presidio"]

_ABOUT = "metadata"  # role of what is scrubbed beside the messages


class Clean(msgspec.Struct, frozen=True, kw_only=True):
    """An episode without personal data."""

    episode_id: str
    revision: int
    messages: tuple[str, ...] = ()  # hashes
    request: str = ""
    metadata: str = "{}"
    found: str | None = None  # JSON: kind of data -> places; None: it could not be scrubbed
    values: tuple[tuple[str, str], ...] = ()  # kind and HMAC of what was replaced


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Some episodes, and their messages once each."""

    episodes: tuple[Clean, ...]
    messages: tuple[Message, ...]

    def __reduce__(self) -> Any:
        """Pickled as one text: thousands of small objects take five times as long."""
        try:
            return _part, (msgspec.msgpack.encode(self),)
        except UnicodeEncodeError:  # half a character
            return super().__reduce__()


def _part(packed: bytes) -> Part:
    return msgspec.msgpack.decode(packed, type=Part)


class Cleaner(msgspec.Struct, frozen=True, kw_only=True):
    """Scrubs under a key."""

    key: bytes
    extra: Extra | None = None  # a second finder

    @property
    def version(self) -> str:
        """Of the rules: under others every episode is scrubbed again."""
        return VERSION if self.extra is None else f"{VERSION} {presidio.VERSION}"

    def ready(self) -> Self:
        """The same, once it is known that it can work. Raises MissingExtra, FinderError."""
        _finder(self.extra)
        return self

    def __call__(self, episodes: Iterable[Conversation]) -> Part:
        """The episodes in their order. One that cannot be scrubbed holds up no other."""
        shelf: dict[str, Message] = {}
        done = tuple(self._tried(episode, shelf) for episode in episodes)
        return Part(episodes=done, messages=tuple(shelf.values()))

    def beside(
        self, messages: Sequence[Body], value: object, known: echo.Known = MappingProxyType({})
    ) -> object:
        """A value that belongs to an episode, without personal data: a correction, say.

        `known` is what stood in messages that are gone.
        """
        told = echo.told(value, known, self.key)
        return self._scrubbed([*messages, *told], value).messages[-1]["content"]

    def alike(self, messages: Sequence[Body], names: Sequence[str] = ()) -> tuple[Body, ...]:
        """Messages without personal data, nor these names of people."""
        people = {"customers": [{"name": name} for name in names]}
        told: Body = {"role": "tool", "content": dump(people)}
        return self._scrubbed([told, *messages], None).messages[1:-1]

    def _tried(self, episode: Conversation, shelf: dict[str, Message]) -> Clean:
        try:
            return self._cleaned(episode, shelf)
        except Exception as error:  # whatever a product may have said
            log.warning("not scrubbed: %s: %s", episode.episode_id, type(error).__name__)
            return Clean(episode_id=episode.episode_id, revision=episode.revision or 1)

    def _cleaned(self, episode: Conversation, shelf: dict[str, Message]) -> Clean:
        bare = self._scrubbed(episode.messages, episode.metadata)
        *bodies, about = bare.messages
        rows = [Message.of(body) for body in bodies]
        clean = Clean(
            episode_id=episode.episode_id,
            revision=episode.revision or 1,
            messages=tuple(row.hash for row in rows),
            request=request_text(bodies, episode.trainable),
            metadata=dump(about["content"]),
            found=dump(dict(bare.found)),
            values=tuple(sorted((kind, name) for name, kind in bare.kinds.items())),
        )
        for row in rows:
            shelf.setdefault(row.hash, row)
        return clean

    def _scrubbed(self, messages: Sequence[Body], value: object) -> Scrubbed:
        """Messages and what goes with them, of which the last is the value."""
        beside: Mapping[str, Any] = {"role": _ABOUT, "content": value}
        return scrub([*messages, beside], self.key, _finder(self.extra))


@cache
def _finder(extra: Extra | None) -> Finder | None:
    """One for each process: a model takes long to load."""
    return None if extra is None else presidio.installed()
