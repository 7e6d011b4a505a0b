"""Secrets that have no shape of their own: known by what stands around them in a text."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping

import msgspec

from headrace.ingest.secrets import keyname
from headrace.ingest.secrets.value import chosen, harmless, random

Groups = Mapping[str, str]  # of a match; a group that took no part is empty
Judge = Callable[[Groups], str | None]  # the kind of secret, or None: it is none


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """A place where secrets stand: its group `v`, or the `v1`, `v2` ... that took part."""

    pattern: str  # RE2 over Latin-1, whatever the case
    hint: str
    judge: Judge


# JSON in JSON escapes quotes, slashes and line breaks, once or many times over
_QUOTE = r"""\\*["'`]"""
_SPACE = r"(?:\s|\\+[nrt])*"
_BARE = r"[^\s\"'`<>,;&|(){}\[\]\\]+"
_QUOTED = (
    r'\\*"(?P<v1>(?:[^"\\\r\n]|\\+[^"nrt\\\r\n])+)'
    r"|\\*'(?P<v2>(?:[^'\\\r\n]|\\+[^'nrt\\\r\n])+)"
    r"|\\*`(?P<v3>[^`\\\r\n]+)"
)
_KEY = rf"(?P<before>[?&])?(?P<key>[A-Za-z0-9_.\-]*(?:{keyname.ANY}))"
_START = r"[^\s\"'`\\,;)\]}<>{(|]"  # of a value


def _assigned(found: Groups) -> str | None:
    """`password=x`, `api_key: "x"`, `?token=x`, `SECRET=x` of an environment."""
    telling, value = keyname.telling(found["key"]), found["v"]
    if telling is None or harmless(value):
        return None
    if not telling.sure:
        return telling.kind if random(value) else None
    query = bool(found["before"]) and not found["bare"].startswith("=")
    quoted = not found["bare"]
    variable = found["key"].isupper() and found["sep"] == "="
    if len(value) >= 4 and (quoted or query or variable or chosen(value)):
        return telling.kind
    return None


def _header(found: Groups) -> str | None:
    value = found["v"]
    if harmless(value) or len(value) < 4:
        return None
    return "authorization" if found["scheme"] or random(value) else None


def _scheme(found: Groups) -> str | None:
    """`Bearer x` alone: prose says "bearer authentication" too."""
    value = found["v"]
    if found["scheme"].lower() == "basic":
        return "authorization" if _is_pair(value) else None
    return None if harmless(value) or not random(value) else "authorization"


def _is_pair(value: str) -> bool:
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _in_url(found: Groups) -> str | None:
    value = found["v"]
    return None if not value or harmless(value) else "url_password"


def _user_in_url(found: Groups) -> str | None:
    return "url_password" if random(found["v"]) else None


def _signed(found: Groups) -> str | None:
    return None if harmless(found["v"]) else "url_signature"


def _cookie(found: Groups) -> str | None:
    value = found["v"].partition("=")[2]
    return None if len(value) < 4 or harmless(value) else "cookie"


def _option(found: Groups) -> str | None:
    telling, value = keyname.telling(found["key"]), found["v"]
    if telling is None or len(value) < 4 or value.startswith("-") or harmless(value):
        return None
    return telling.kind if telling.sure or random(value) else None


def _given(found: Groups) -> str | None:
    value = found["v"]
    return None if len(value) < 3 or harmless(value) or value.isdigit() else "password"


def _told(found: Groups) -> str | None:
    """A sentence that tells it: only what is no word, number or date."""
    telling = keyname.telling(found["key"])
    value = found["v"].rstrip(".:!?)")
    if telling is None or len(value) < 6 or harmless(value) or _DATE.match(value):
        return None
    told = chosen(value) and any(c.isalpha() for c in value)
    return telling.kind if told and any(c.isdigit() for c in value) else None


_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|v?\d+\.\d+")
_OPTIONS = rf"--?(?P<key>[A-Za-z0-9-]*(?:{keyname.ANY}))"

CONTEXTS: tuple[Context, ...] = (
    Context(
        pattern=r"[a-z][a-z0-9+.\-]*:\\*/\\*/[^\s:/@\"'<>\\]*:(?P<v>[^\s/\"'<>\\]+)@",
        hint=r":(?:\\*/){2}[^\s:/@\"'<>\\]*:[^\s/\"'<>\\]+@",
        judge=_in_url,
    ),
    Context(
        pattern=r"[a-z][a-z0-9+.\-]*:\\*/\\*/(?P<v>[A-Za-z0-9_.~\-]{20,})(?::x-oauth-basic)?@",
        hint=r":(?:\\*/){2}[A-Za-z0-9_.~\-]{20,}(?::x-oauth-basic)?@",
        judge=_user_in_url,
    ),
    Context(
        pattern=r"[?&](?:sig|signature|x-amz-signature|x-amz-security-token|x-goog-signature)="
        r"(?P<v>[A-Za-z0-9%+/=_.\-]{16,})",
        hint=r"(?:\bsig|signature|x-amz-security-token)=[A-Za-z0-9%+/=_.\-]{16}",
        judge=_signed,
    ),
    Context(
        pattern=rf"authorization\\*[\"']?\]?\s*[:=,]\s*(?:[bfru]{{0,2}}\\*[\"'])?"
        r"(?:(?P<scheme>bearer|basic|token|digest|negotiate|apikey|api-key|key)\s+)?"
        rf"(?P<bare>{_BARE})",
        hint=rf"authorization\\*[\"']?\]?{_SPACE}[:=,]",
        judge=_header,
    ),
    Context(
        pattern=r"\b(?P<scheme>bearer|basic)\s+(?P<v>[A-Za-z0-9+/=._~\-]{12,})",
        hint=r"(?:bearer|basic)\s+[A-Za-z0-9+/=._~\-]{12}",
        judge=_scheme,
    ),
    Context(
        pattern=r"\b(?:set-)?cookie\\*[\"']?\s*:\s*\\*[\"']?(?P<v>[\w.\-]+=[^\r\n\"'\\)]{4,})",
        hint=rf"cookie\\*[\"']?{_SPACE}:{_SPACE}\\*[\"']?[\w.\-]+=",
        judge=_cookie,
    ),
    Context(
        pattern=rf"{_KEY}\\*[\"'`]?\]?[ \t]*(?P<sep>=>|:=|[:=])"
        rf"(?:{_SPACE}[bfru]{{0,2}}(?:{_QUOTED})|[ \t]*(?P<bare>{_BARE}))",
        hint=rf"(?:{keyname.ANY})\\*[\"'`]?\]?{_SPACE}[:=]>?=?{_SPACE}[\[\s]*(?:{_QUOTE})?{_START}",
        judge=_assigned,
    ),
    Context(
        pattern=rf"(?:^|[\s\"'`\[]){_OPTIONS}(?:[ \t]+|=){_QUOTE}?(?P<bare>{_BARE})",
        hint=rf"--?[A-Za-z0-9-]*(?:{keyname.ANY})[ \t=]+{_QUOTE}?{_START}",
        judge=_option,
    ),
    Context(
        pattern=rf"\bcurl\b[^\n]*?\s(?:-u|--user)[ \t=]*{_QUOTE}?[^\s:\"'\\]*:(?P<v>[^\s\"'\\]+)",
        hint=r"(?:-u|--user)[ \t=]*\\*[\"']?[^\s:\"'\\]+:[^\s\"'\\]{3}",
        judge=_given,
    ),
    Context(
        pattern=r"\b(?:identified\s+by|password)\s+(?:'(?P<v1>[^'\s]+)'|\\+'(?P<v2>[^'\s\\]+))",
        hint=r"(?:identified\s+by|password)\s+\\*'",
        judge=_given,
    ),
    Context(
        pattern=r"\blogin\s+\S+\s+password\s+(?P<v>[^\s\"'`)]+)",
        hint=r"login\s+\S+\s+password\s",
        judge=_given,
    ),
    Context(
        pattern=rf"\b(?P<key>{keyname.ANY})\s+(?:is|was|to|are)\s*:?\s+{_QUOTE}?(?P<bare>{_BARE})",
        hint=rf"(?:{keyname.ANY})\s+(?:is|was|to|are)\s",
        judge=_told,
    ),
)

# what only a walk of the decoded JSON can judge: a name in one field, its value in another
PAIRED = (
    rf"{_QUOTE}(?:name|key|header|field|variable){_QUOTE}{_SPACE}:{_SPACE}{_QUOTE}"
    rf"[A-Za-z0-9_.\- ]*(?:{keyname.ANY}){_QUOTE}"
    rf"|(?:{keyname.ANY}){_QUOTE}{_SPACE},{_SPACE}{_QUOTE}"
    rf"|(?:{keyname.ANY}){_QUOTE}{_SPACE}:{_SPACE}[\[{{]{_SPACE}{_QUOTE}"
)
# escaped ASCII letters could be anything: Go and PHP escape & < > / so
ESCAPED = r"\\u00[2-7]"
