"""Secrets in decoded JSON: keys first, then every text, JSON inside texts too."""

import re
from collections.abc import Mapping, Sequence

from headrace.ingest.jsontext import parse, written
from headrace.ingest.secrets import keyname, text
from headrace.ingest.secrets.keyname import Telling
from headrace.ingest.secrets.value import harmless, random

DEPTH = 64  # of lists and objects, those inside texts included; below that texts are texts

_NAME = ("name", "key", "header", "field", "variable")  # of an object that names its value
_VALUE = ("value", "val")
_SHORT = 40  # characters of a text that is remembered to hold no secret
_KNOWN = 20_000  # such texts
_SCHEME = re.compile(r"(?:basic|bearer|token|digest|negotiate|apikey|aws4-\S+)\s+\S", re.I)
_OPAQUE = re.compile(r"\S*\d\S*")  # not "granted"
_CRUMBS = re.compile(r"[^=;\s]+=[^;]{4,}")

# keys and short texts come again and again: what is known to hold and to tell nothing
_plain_keys: set[str] = set()
_plain_texts: set[str] = set()


class Stripper:
    """Strips values and remembers what it removed, or found removed already."""

    def __init__(self) -> None:
        self.removed: list[str] = []  # a kind for each place

    def value(self, value: object, depth: int = DEPTH) -> object:
        """A value without secrets; the same object where there is none."""
        if isinstance(value, str):
            return self.text(value, depth)
        if isinstance(value, dict) and depth:
            return self.mapping(value, depth)
        if isinstance(value, list | tuple) and depth:
            return self._list(value, depth)
        return value

    def text(self, given: str, depth: int = DEPTH) -> str:
        if len(given) < text.LEAST or given in _plain_texts:
            return given
        raw = given.encode("utf-8", "surrogatepass")
        if not text.suspicious(raw):
            if len(given) <= _SHORT:
                _remember(_plain_texts, given)
            return given
        if depth and given.lstrip()[:1] in ("{", "[", '"') and (inside := parse(given)) is not None:
            return self._json(given, inside, depth - 1)
        bare = text.stripped(raw)
        self.removed += text.placeholders(bare)
        return given if bare == raw else bare.decode("utf-8", "surrogatepass")

    def mapping(self, given: Mapping[str, object], depth: int = DEPTH) -> Mapping[str, object]:
        """An object: what its keys tell, what its pairs of fields tell, then its values."""
        told = _named(given) if "value" in given or "val" in given else None
        out: dict[str, object] = {}
        changed = False
        for key, value in given.items():
            if key in _plain_keys and (told is None or key not in _VALUE):
                name, bare = key, self.value(value, depth - 1)
            else:
                name = _free(self.text(key, 0), out)
                telling = told if told and key in _VALUE else _telling(key)
                bare = self._held(telling, value, depth - 1)
            changed = changed or bare is not value or name is not key
            out[name] = bare
        return out if changed else given

    def _list(self, given: Sequence[object], depth: int) -> object:
        told = None
        if len(given) == 2 and isinstance(first := given[0], str):  # a header as a pair
            told = keyname.telling(first)
        out: list[object] = []
        changed = False
        for place, value in enumerate(given):
            bare = self._held(told if place else None, value, depth - 1)
            changed = changed or bare is not value
            out.append(bare)
        return out if changed else given

    def _held(self, told: Telling | None, value: object, depth: int) -> object:
        """A value below a telling key."""
        if told is None or value is None or isinstance(value, bool):
            return self.value(value, depth)
        if isinstance(value, str):
            return self._judged(told, value, depth)
        if isinstance(value, int | float):
            return self._placed(told.kind) if told.sure and told.kind == "password" else value
        if depth > 0 and isinstance(value, list | tuple):
            out = [self._held(told, item, depth - 1) for item in value]
            same = all(new is old for new, old in zip(out, value, strict=True))
            return value if same else out
        if depth > 0 and told.kind == "cookie" and isinstance(value, Mapping):
            crumb = Telling("cookie", False)
            held = {key: self._held(crumb, item, depth - 1) for key, item in value.items()}
            return held if any(held[key] is not value[key] for key in held) else value
        return self.value(value, depth)

    def _judged(self, told: Telling, value: str, depth: int) -> str:
        """All of the value where it is a secret; its own shape names it, else the key does."""
        before = len(self.removed)
        bare = self.text(value, depth)
        if harmless(value) or not (told.sure or _fits(told, value)):
            return bare
        kind = (self.removed[before:] or [told.kind])[0]
        del self.removed[before:]
        return self._placed(kind)

    def _placed(self, kind: str) -> str:
        self.removed.append(kind)
        return text.placed(kind)

    def _json(self, given: str, inside: object, depth: int) -> str:
        before = len(self.removed)
        bare = self.value(inside, depth)
        if bare is inside:
            return given
        try:
            return written(bare)
        except ValueError:  # what only Python can hold, NaN for one
            del self.removed[before:]
            raw = text.stripped(given.encode("utf-8", "surrogatepass"))
            self.removed += text.placeholders(raw)
            return raw.decode("utf-8", "surrogatepass")


def _fits(told: Telling, value: str) -> bool:
    if told.kind == "authorization" and (_SCHEME.match(value) or _OPAQUE.fullmatch(value)):
        return True
    if told.kind == "cookie" and _CRUMBS.match(value):
        return True
    return random(value)


def _telling(key: str) -> Telling | None:
    told = keyname.telling(key)
    if told is None and len(key) <= _SHORT and not text.suspicious(key.encode("utf-8", "replace")):
        _remember(_plain_keys, key)
    return told


def _remember(known: set[str], word: str) -> None:
    if len(known) >= _KNOWN:
        known.clear()
    known.add(word)


def _named(given: Mapping[str, object]) -> Telling | None:
    """What `{"name": "DB_PASSWORD", "value": ...}` tells of its value."""
    names = [name for key in _NAME if isinstance(name := given.get(key), str)]
    return next((told for name in names if (told := keyname.telling(name))), None)


def _free(name: str, taken: Mapping[str, object]) -> str:
    """A key that is not taken: two keys may become the same placeholder."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free
