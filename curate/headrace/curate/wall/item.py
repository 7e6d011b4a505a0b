"""A case as far as it is matched: what it asks, in the forms that an episode could repeat."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from headrace.curate import unit
from headrace.curate.conversation import decoded
from headrace.curate.errors import ScrubKeyError
from headrace.curate.near.mask import masked_norm
from headrace.curate.near.textunit import TextUnit
from headrace.curate.scrubbing import alike
from headrace.lake.message import Body, digest, dump
from headrace.lake.store import Lake

log = logging.getLogger(__name__)

GROWN = ("production", "promoted")  # ways in which a case came from this product's own traffic


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A case; texts and hashes are of what it asks first and of its whole user side."""

    case_id: str
    hashes: frozenset[str]  # of the requests as they are worded
    shapes: frozenset[str]  # of the requests as they are masked
    asked: str  # the opening, else the whole user side
    shape: str  # the opening, masked
    words: tuple[str, ...]  # of the whole user side
    origin: str | None = None  # the episode that it was grown from
    brought: bool = True  # False: grown from this product's own traffic
    content: str = ""  # another one is another case
    likeness: str = ""  # of its words with surrogates, where it holds personal data

    @classmethod
    def of(cls, case_id: str, messages: Sequence[Body], **about: Any) -> "Item":
        whole = unit.request_text(messages, [False] * len(messages))
        texts = {whole, unit.opening_text(messages)}
        hashes = (unit.request_hash(text) for text in texts)
        shapes = (masked_norm(unit.norm(text)) for text in texts)
        asked = unit.opening_text(messages) or whole
        return cls(
            case_id=case_id,
            hashes=frozenset(name for name in hashes if name is not None),
            shapes=frozenset(TextUnit(kind="request", text=t).text_hash for t in shapes if t),
            asked=asked,
            shape=masked_norm(unit.norm(asked)),
            words=tuple(unit.words(whole)),
            **about,
        )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Item":
        """A row of `cases`."""
        return cls.of(
            row["case_id"],
            _messages(row),
            origin=row["origin_episode_id"],
            brought=_brought(row),
            content=digest(row["input"]),
        )

    def scrubbed(self, messages: Sequence[Body]) -> "Item":
        """The same with surrogates, as episodes have them; equal without them counts too."""
        other = Item.of(self.case_id, messages)
        return msgspec.structs.replace(
            self,
            hashes=self.hashes | other.hashes,
            shapes=self.shapes | other.shapes,
            asked=other.asked,
            shape=other.shape,
            words=other.words,
            likeness=digest(dump(list(messages))),
        )

    @property
    def key(self) -> str:
        """What `done` knows it by."""
        return self.plain_key + (f"~{self.likeness}" if self.likeness else "")

    @property
    def plain_key(self) -> str:
        """What it goes by whatever its surrogates are."""
        return f"case:{self.case_id}@{self.content}"


class Items(msgspec.Struct, frozen=True, kw_only=True):
    """Cases, as they are held against episodes."""

    items: tuple[Item, ...]
    guessed: bool = False  # the key is gone: nobody can tell which surrogates they would have

    @classmethod
    def of(cls, lake: Lake, project: str, rows: Iterable[Mapping[str, Any]]) -> "Items":
        """Rows of `cases`. Those from elsewhere get the surrogates of this project's episodes."""
        given = list(rows)
        items = tuple(map(Item.from_row, given))
        talks = {
            str(at): _messages(row)
            for at, row in enumerate(given)
            if row["origin_episode_id"] is None and _brought(row)
        }
        try:
            found = alike(lake, project, talks)
        except ScrubKeyError as error:
            log.warning("cases are held against episodes as they are: %s", error)
            return cls(items=items, guessed=True)
        changed = {int(at): told for at, told in found.items() if list(told) != talks[at]}
        return cls(
            items=tuple(
                item.scrubbed(changed[at]) if at in changed else item
                for at, item in enumerate(items)
            )
        )

    def fresh(self, known: Iterable[str]) -> list[Item]:
        """Those that `done` does not know yet."""
        keys = set(known)
        if self.guessed:  # what was found with surrogates stands
            keys |= {key.partition("~")[0] for key in keys}
        return [item for item in self.items if item.key not in keys]


def _messages(row: Mapping[str, Any]) -> list[Body]:
    messages: list[Body] = decoded(row["input"]).get("messages") or []
    return messages


def _brought(row: Mapping[str, Any]) -> bool:
    return decoded(row["origin"] or "{}").get("from") not in GROWN
