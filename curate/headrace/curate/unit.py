"""The texts an episode is compared by: request (U1), transcript (U3), context (U4).

Whole conversations share system prompts and tool results, so that everything would resemble
everything; each unit holds only the part that one question is about.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from headrace.curate.conversation import decoded
from headrace.lake.message import Body, digest, dump, text_of

NORM = "norm/1"  # part of every key made from a normalised text

# Chinese and Japanese put no spaces between words: there a character counts as one.
_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W\u3040-\u30ff\u4e00-\u9fff]+")

_FOREIGN = re.compile(r"[^\x00-\x7f]")
_SIGNS = "’‘“”–—•→…"  # in English texts too; their normal forms hold no letter

_APART = str.maketrans({sign: " " for sign in map(chr, range(128)) if not re.match(r"\w", sign)})

MARKS = 30  # combining marks in a row; no script stacks more
_JOINER = "\u034f"  # combining grapheme joiner: of no class, so that sorting of marks ends there
_PLANES = 0x20000  # no combining mark lies above


def norm(text: str) -> str:
    """`norm/1`: NFKC, lower case, runs of white space as one space."""
    if text.isascii():  # is its own NFKC
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", stream_safe(text)).lower().split())


def stream_safe(text: str) -> str:
    """A text with runs of more than `MARKS` combining marks broken (UAX #15, section 13).

    Normalising sorts each run in quadratic time. A text without such a run is unchanged.
    """
    if text.isascii() or not any(map(_is_mark_again, set(_FOREIGN.findall(text)))):
        return text
    return _long_run().sub(rf"\g<0>{_JOINER}", text)


def words(text: str) -> list[str]:
    """The words of a text, normalised, without punctuation."""
    return spaced(text).split()


def spaced(text: str) -> str:
    """The same words as one text, with nothing but spaces between them and around them."""
    plain = unsigned(text)
    if plain.isascii():  # most texts are, and this is three times as fast
        return plain.lower().translate(_APART)
    return " ".join(_WORD.findall(norm(text)))


def is_numbered(word: str) -> bool:
    """Whether a word has a digit in it."""
    return not word.isalpha() and any(map(str.isdigit, word))


def request_text(messages: Sequence[Body], trainable: Sequence[bool]) -> str:
    """U1: the user turns before the first trained action; all of them where none is trained."""
    return _user_text(_before(messages, trainable))


def opening_text(messages: Sequence[Body]) -> str:
    """The user turns before the first assistant action, whoever wrote that one."""
    return _user_text(_before(messages, [m["role"] == "assistant" for m in messages]))


def request_hash(text: str) -> str | None:
    """The key of a request; None where there is no text to compare."""
    return _key("request", norm(text)) if norm(text) else None


def named_request(text: str) -> str | None:
    """The cluster of a request that no product named; None where nothing was asked."""
    name = request_hash(text)
    return None if name is None else f"rq_{name}"


def transcript(messages: Iterable[Body]) -> str:
    """U3: what was said and done, tool calls included, without the system prompt."""
    return dump([_line(message) for message in messages if message["role"] != "system"])


def transcript_hash(messages: Sequence[Body]) -> str | None:
    """The key of a transcript; None where nothing was said."""
    spoken = any(message["role"] != "system" and _says(message) for message in messages)
    return _key("transcript", transcript(messages)) if spoken else None


def context_hash(messages: Iterable[Body], tools: Iterable[Body] | None) -> str:
    """U4: the key of the system prompt and the tool definitions, whatever their order."""
    system = [text_of(message["content"]) for message in messages if message["role"] == "system"]
    return _key("context", dump([system, sorted(dump(tool) for tool in tools or ())]))


def learnt_text(messages: Iterable[Body]) -> str:
    """The user and tool text, in which an eval item could hide."""
    heard = (m for m in messages if m["role"] in ("user", "tool"))
    return "\n".join(text_of(message.get("content")) for message in heard)


def arguments(text: str) -> str:
    """The arguments of a tool call so that key order and spaces do not count."""
    try:
        return dump(decoded(text))
    except (ValueError, RecursionError):
        return text.strip()


def unsigned(text: str) -> str:
    """A text whose `words` are the same, in ASCII where only signs stood in the way."""
    if text.isascii():
        return text
    for sign in _SIGNS:
        text = text.replace(sign, " ")
    return text


@cache
def _long_run() -> re.Pattern[str]:
    """As many marks as may stand in a row, where another follows."""
    mark = "[" + "".join(filter(_is_mark, map(chr, range(_PLANES)))) + "]"
    return re.compile(f"{mark}{{{MARKS}}}(?={mark})")


@lru_cache(4096)
def _is_mark_again(char: str) -> bool:
    """`_is_mark` of the characters that texts are made of."""
    return _is_mark(char)


def _is_mark(char: str) -> bool:
    """Whether a character is a combining mark or becomes some, as U+0F73 and U+FF9E do."""
    return unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) > 0


def _before(messages: Sequence[Body], own: Iterable[bool]) -> Sequence[Body]:
    """What stands before the first own turn that acts: a greeting before any user turn does not."""
    asked = False
    for i, (message, is_own) in enumerate(zip(messages, own, strict=True)):
        if is_own and (asked or message.get("tool_calls")):
            return messages[:i]
        asked = asked or message["role"] == "user"
    return messages


def _user_text(messages: Iterable[Body]) -> str:
    return "\n".join(text_of(m.get("content")) for m in messages if m["role"] == "user")


def _line(message: Mapping[str, Any]) -> list[object]:
    calls = [
        [call["function"]["name"], norm(arguments(call["function"]["arguments"]))]
        for call in message.get("tool_calls") or ()
    ]
    return [message["role"], norm(text_of(message.get("content"))), calls]


def _says(message: Mapping[str, Any]) -> bool:
    return bool(norm(text_of(message.get("content"))) or message.get("tool_calls"))


def _key(kind: str, text: str) -> str:
    return digest(f"{NORM}/{kind}\n{text}")
