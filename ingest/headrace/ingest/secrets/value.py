"""What stands where a secret would: whether it is one, or a word, a reference, a mask."""

import re

_TYPES = "str|string|text|int|integer|number|bool|boolean|bytes|any|object|null|none|nil|undefined"
_STATES = (
    "true|false|yes|no|n/?a|required|optional|hidden|redacted|masked|filtered|removed|empty|missing"
    "|unset|not[ _-]?set|set|changeme?|change[_-]me|default|disabled|enabled|example|placeholder"
    "|test|testing|dummy|sample|foo|bar|baz|abc|xyz|todo|tbd|unknown|valid|invalid|expired|ok"
)
_NAMES = (
    r"(?:(?:the|an?|my|your|user|new|old|some|db|admin|root)[ _-]?)*(?:password|passwd|passphrase"
    r"|pass|pwd|pw|secret|token|(?:api|access|secret|private)[ _-]?key|key|value|credentials?)"
    r"(?:[ _-]?(?:here|value|goes here|\d))?"
)
# null, a type, a mask, a template, a reference to where the secret lies, a path
_HARMLESS = re.compile(
    rf"(?:{_TYPES}|{_STATES}|{_NAMES}"
    r"|[*x.•#_?0-]*|[<\[{(][\w :./-]*[>\]})]|<.*>|\$.*|\{\{?.*|%\(?\w+\)?[sdv%]?|%[sdv]"
    r"|your[ _-].*|insert[ _-].*|replace[ _-].*"
    r"|(?:os\.|process\.env|env[.\[(]|getenv|config[.\[]|settings[.\[]|self\.|this\.|req\.|st\.).*"
    r"|(?:op|ssm|vault|env|file|arn|gcp|awssm|keyring|secretref):.*"
    r"|(?:[a-z]:\\|\.{0,2}/|~/)[^\s]*"
    r"|.*(?:\*{3}|\.{3}|…|x{6}).*)",
    re.IGNORECASE | re.DOTALL,
)
_PROSE = re.compile(
    r"\b(?:must|required|requires?|should|field|invalid|incorrect|wrong|characters?|enter|your|"
    r"please|cannot|missing|blank|empty|not|of|the|is|are|for|to|with|and|or)\b",
    re.IGNORECASE,
)
_MIXED = re.compile(r"[A-Za-z0-9]{8,}")
_SWITCHES = re.compile(r"[a-z](?=[A-Z])|[A-Z](?=[a-z])")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|www\.", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*(?:[(\[].*)?", re.DOTALL)
_SPECIAL = set("!@#$%^&*+=?~")
_LONGEST = 8_192  # of a value that is looked at; tokens are shorter


def harmless(value: str) -> bool:
    """Whether a value is none: empty, a type, a mask, a template, a path, a sentence."""
    text = value.strip()
    if _HARMLESS.fullmatch(text[:_LONGEST]):
        return True
    return " " in text and _PROSE.search(text[:200]) is not None


def random(value: str) -> bool:
    """Whether a value looks drawn at random, as tokens do: long, in one piece, mixed."""
    text = value.strip()
    if not 12 <= len(text) <= _LONGEST or any(c.isspace() for c in text) or _ADDRESS.match(text):
        return False
    return any(_drawn(run) for run in _MIXED.findall(text))


def chosen(value: str) -> bool:
    """Whether a bare word after `password=` may be one: not a name, a call or a type."""
    if len(value) < 4 or _CODE.fullmatch(value[:_LONGEST]):
        return False
    return any(c.isdigit() or c in _SPECIAL for c in value)


def _drawn(run: str) -> bool:
    digits = sum(c.isdigit() for c in run)
    if 0 < digits < len(run):
        return True
    return not digits and len(run) >= 20 and len(_SWITCHES.findall(run)) >= 6
