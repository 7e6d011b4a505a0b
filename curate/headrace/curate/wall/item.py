"""A case as far as it is matched: what it asks, in the forms that an episode could repeat."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headrace.curate import unit
from headrace.curate.conversation import decoded
from headrace.curate.near.mask import masked_norm
from headrace.curate.near.textunit import TextUnit
from headrace.lake.message import Body, digest

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
        told = decoded(row["origin"] or "{}")
        return cls.of(
            row["case_id"],
            decoded(row["input"]).get("messages") or [],
            origin=row["origin_episode_id"],
            brought=told.get("from") not in GROWN,
            content=digest(row["input"]),
        )

    @property
    def key(self) -> str:
        """What `done` knows it by."""
        return f"case:{self.case_id}@{self.content}"
