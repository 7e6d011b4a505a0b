"""A second look for secrets, by other means than the first, before traces leave the house.

The first goes by the names of keys and the shapes of known tokens while traces come in. This one
looks for what is too random to be language, and for the few forms that always are a credential.
It would rather stop a harmless text than let one through.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import re2

from headrace.ingest.secrets.text import PLACEHOLDER
from headrace.lake.message import Body

# kind -> what is enough for it; in linear time, whatever somebody has written
_FORMS: Mapping[str, Any] = {
    "private key": re2.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY"),
    "signed token": re2.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}"),
    "password in an address": re2.compile(r"://[^\s/:@<>]{1,80}:[^\s/:@<>]{3,80}@"),
    "password": re2.compile(
        r"(?i)\b(?:password|passwd|pwd|secret)\b\W{0,4}[:=]\W{0,3}[^\s<\"',;]{6,}"
    ),
    "authorization": re2.compile(r"(?i)\b(?:bearer|basic) +[\w+/.=-]{16,}"),
    "key of a provider": re2.compile(
        r"\b(?:AKIA[A-Z0-9]{12,}|gh[a-z]_\w{20,}|hf_\w{20,}|sk-[\w-]{16,}|xox[a-z]-[\w-]{10,}|AIza[\w-]{20,})"
    ),
}
_RUN = re2.compile(r"[A-Za-z0-9+/_-]{20,200}={0,2}")
_MIXED = (re2.compile(r"[a-z]"), re2.compile(r"[A-Z]"), re2.compile(r"[0-9]"))
_BITS = 4.2  # a sign: random base64 of 24 signs has 4.3 and more, words run together below 4
_REMOVED = re2.compile(PLACEHOLDER)  # what the first look has put in the place of a secret
_NAMES = frozenset({"id", "tool_call_id", "role", "type"})  # given by providers, never typed


def alarm(messages: tuple[Body, ...]) -> str | None:
    """The kind of the first thing in a conversation that looks like a secret."""
    return next((kind for text in _texts(messages) for kind in _kinds(text)), None)


def _texts(value: Any) -> Iterator[str]:
    """Every text that was said, handed to a tool or given back by one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, held in value.items():
            if key not in _NAMES:
                yield from _texts(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _texts(held)


def _kinds(said: str) -> Iterator[str]:
    text = _REMOVED.sub(" ", said)
    for kind, form in _FORMS.items():
        if form.search(text):
            yield kind
    if any(_is_random(run) for run in _RUN.findall(text)):
        yield "random text"


def _is_random(run: str) -> bool:
    """Letters of both kinds and digits, spread as chance spreads them."""
    if not all(kind.search(run) for kind in _MIXED):
        return False
    counts = Counter(run.rstrip("="))
    whole = counts.total()
    return -sum(n / whole * math.log2(n / whole) for n in counts.values()) >= _BITS
