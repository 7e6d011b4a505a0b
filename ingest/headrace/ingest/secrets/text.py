"""Secrets in a text: one look says whether there can be any, rules say where."""

import re
from collections.abc import Iterator
from functools import cache

import msgspec
import re2

from headrace.ingest.secrets.context import CONTEXTS, ESCAPED, PAIRED, Context
from headrace.ingest.secrets.shape import SHAPES, Shape

PLACEHOLDER = r"\[secret:[a-z_]+\]"
LEAST = 8  # bytes; nothing shorter is looked at
PASSES = 8  # what a removed secret leaves may be one by itself: again until nothing changes

AWS_ACCESS_KEY = "aws_access_key"
BESIDE = 300  # bytes around an AWS access key where its secret may stand

_AWS_SECRET = r"(?:^|[^A-Za-z0-9+/])([A-Za-z0-9+/]{40})(?:[^A-Za-z0-9+/=]|\z)"
_ESCAPE_BYTES = 8
# of a line break, of any character in JSON, Python or a URL, of a terminal's colours
_ESCAPE = re.compile(
    rb"(?:\\[nrtbf]|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|%[0-9a-f]{2}|\[[0-9;]{0,5}m)\Z", re.IGNORECASE
)
_LONGER = re.compile(rb"(?:&(?![\w.-]+=)[^\s\"'`&;,|(){}\[\]<>\\]+)+")
_NOWHERE = (-1, -1)
_VALUES = ("v", "v1", "v2", "v3", "bare")
# of scripts that put no space behind them
_FULL_STOPS = tuple(stop.encode() for stop in "，。；：！？、）」』”’»")
_MEMORY = 256 * 1024 * 1024  # upper bound; what is used grows with the texts that come

Span = tuple[int, int, str]  # start and end in bytes, kind of secret


class _Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A shape or a context, compiled."""

    shape: Shape | None
    context: Context | None
    pattern: "re2._Regexp"
    group: int  # that holds the secret of a shape
    groups: dict[str, int]  # by name


class _Rules(msgspec.Struct, frozen=True, kw_only=True):
    any: "re2.Set"  # of all hints in one pattern: its answer is made faster than a match
    which: "re2.Set"  # of the patterns, in the order of `all`
    all: tuple[_Rule, ...]
    placeholder: "re2._Regexp"
    aws_secret: "re2._Regexp"


def placed(kind: str) -> str:
    """What stands in the place of a secret."""
    return f"[secret:{kind}]"


def suspicious(text: bytes) -> bool:
    """Whether there can be a secret or a placeholder, in JSON of any depth too; linear time."""
    return _rules().any.Match(text) is not None


def placeholders(text: bytes) -> list[str]:
    """The kinds of secrets that were removed from a text, in their order."""
    return [found.group()[8:-1].decode() for found in _rules().placeholder.finditer(text)]


def stripped(text: bytes) -> bytes:
    """A text, UTF-8, that is no JSON, with a placeholder for every secret; itself without one."""
    for _ in range(PASSES):
        again = _pass(text)
        if again == text:
            break
        text = again
    return text


def _pass(text: bytes) -> bytes:
    out: list[bytes] = []
    at = 0
    for found in _rules().placeholder.finditer(text):
        out += [_piece(text[at : found.start()]), found.group()]
        at = found.end()
    return b"".join([*out, _piece(text[at:])]) if out else _piece(text)


def found(text: bytes) -> list[Span]:
    """Where secrets stand in a text, none over another; the first rule takes its place."""
    hit = _rules().which.Match(text)
    if not hit:
        return []
    taken = bytearray(len(text))
    spans: list[Span] = []
    for index in sorted(hit):
        for span in _spans(_rules().all[index], text, taken):
            if taken.find(1, span[0], span[1]) < 0:
                taken[span[0] : span[1]] = b"\1" * (span[1] - span[0])
                spans.append(span)
    return sorted(spans)


def _piece(text: bytes) -> bytes:
    """A text without placeholders: no rule may reach over one."""
    spans = found(text)
    return _spliced(text, spans) if spans else text


def _spliced(text: bytes, spans: list[Span]) -> bytes:
    out: list[bytes] = []
    at = 0
    for start, end, kind in spans:
        out += [text[at:start], placed(kind).encode()]
        at = end
    return b"".join([*out, text[at:]])


def _spans(rule: _Rule, text: bytes, taken: bytearray) -> Iterator[Span]:
    shape = rule.shape
    for found in rule.pattern.finditer(text):
        if shape is None:
            span = _told(rule, found, text, taken)
        else:
            span = _shaped(rule, shape, found, text)
            if span is not None and shape.name == AWS_ACCESS_KEY:
                yield from _beside(span, text)
        if span is not None:
            yield span


def _shaped(rule: _Rule, shape: Shape, found: "re2._Match", text: bytes) -> Span | None:
    if not _apart(text, found.start(), shape.apart):
        return None
    start, end = found.span(rule.group)
    if start < 0:  # the alternative without a group
        start, end = found.span()
    return (start, end, shape.name) if shape.check(text[start:end].decode("latin-1")) else None


def _apart(text: bytes, start: int, apart: bytes) -> bool:
    """Whether no longer word ends in what was found; an escaped character is no part of one."""
    if start == 0 or text[start - 1] not in apart:
        return True
    return _ESCAPE.search(text, max(0, start - _ESCAPE_BYTES), start) is not None


def _beside(span: Span, text: bytes) -> Iterator[Span]:
    """The secret half of an AWS key, which has no prefix: 40 characters, not all of one kind."""
    start, end = max(0, span[0] - BESIDE), span[1] + BESIDE
    for found in _rules().aws_secret.finditer(text, start, end):
        secret = found.group(1).decode()
        if len(set(secret)) > 16 and _mixed(secret):
            yield (*found.span(1), "aws_secret_key")


def _mixed(secret: str) -> bool:
    return any(c.isupper() for c in secret) and any(c.islower() for c in secret)


def _told(rule: _Rule, found: "re2._Match", text: bytes, taken: bytearray) -> Span | None:
    groups = {name: found.span(index) for name, index in rule.groups.items()}
    place = next((groups[v] for v in _VALUES if groups.get(v, _NOWHERE) != _NOWHERE), None)
    if rule.context is None or place is None or taken.find(1, *place) >= 0:
        return None
    start, end = place
    if groups.get("bare", _NOWHERE) != _NOWHERE:
        query = groups.get("before", _NOWHERE) != _NOWHERE
        end = start + len(_ended(text[start : _end(text, start, end, query=query)]))
    told = {
        name: "" if at == _NOWHERE else text[at[0] : at[1]].decode("utf-8", "replace")
        for name, at in groups.items()
    }
    kind = rule.context.judge(told | {"v": text[start:end].decode("utf-8", "replace")})
    return (start, end, kind) if kind else None


def _end(text: bytes, start: int, end: int, *, query: bool) -> int:
    """Where a bare word ends: `&` parts the fields of a query, and belongs to a word elsewhere."""
    if not query and (more := _LONGER.match(text, end)):
        return more.end()
    return end if (mark := text.find(b"#", start, end)) < 0 or not query else mark


def _ended(word: bytes) -> bytes:
    """A bare word without the end of its sentence."""
    for stop in _FULL_STOPS:
        word = word.partition(stop)[0]
    return word.rstrip(b".:")


@cache
def _rules() -> _Rules:
    shaped = [(shape, None, shape.pattern) for shape in SHAPES]
    told = [(None, context, f"(?i){context.pattern}") for context in CONTEXTS]
    rules = [_rule(*row) for row in (*shaped, *told)]
    near = "|".join([*(context.hint for context in CONTEXTS), PAIRED])
    hints = "|".join([*(shape.hinted for shape in SHAPES), f"(?i:{near})", ESCAPED, PLACEHOLDER])
    return _Rules(
        any=_set([hints]),
        which=_set([pattern for _, _, pattern in (*shaped, *told)]),
        all=tuple(rules),
        placeholder=_compiled(PLACEHOLDER),
        aws_secret=_compiled(_AWS_SECRET),
    )


def _rule(shape: Shape | None, context: Context | None, pattern: str) -> _Rule:
    made = _compiled(pattern)
    groups = {name.decode(): index for name, index in made.groupindex.items()}
    return _Rule(
        shape=shape, context=context, pattern=made, group=min(made.groups, 1), groups=groups
    )


def _compiled(pattern: str) -> "re2._Regexp":
    return re2.compile(pattern.encode(), _options())


def _set(patterns: list[str]) -> "re2.Set":
    made = re2.Set.SearchSet(_options())
    for pattern in patterns:
        made.Add(pattern.encode())
    made.Compile()
    return made


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    return options
