"""Names that products give: ids, projects and what else becomes a key in the lake."""

import re

from headrace.ingest.errors import Undecodable

ID_CHARS = 1_000
PROJECT_CHARS = 200

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")  # the lake's catalog cannot compare with these
_UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # nor can UTF-8 hold half a character


def usable(text: str, limit: int = ID_CHARS) -> bool:
    """Whether a text can be a key: no control character, at most `limit` characters."""
    return len(text) <= limit and not _CONTROL.search(text)


def checked(field: str, text: str | None, limit: int = ID_CHARS) -> None:
    """Raises Undecodable naming the field where its text cannot be a key; None can."""
    if text is None or usable(text, limit):
        return
    fault = (
        "holds a control character" if _CONTROL.search(text) else f"has {len(text):,} characters"
    )
    raise Undecodable(f"{field} {fault}: give at most {limit:,} printable characters")


def mended(text: str) -> str:
    """A text of telemetry, which must not get lost: U+FFFD for what no key may hold."""
    return text if text.isprintable() else _UNUSABLE.sub("\ufffd", text)
