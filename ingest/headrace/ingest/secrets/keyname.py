"""Key names that tell: what `password`, `x-api-key` or `DB_PASS` hold is a secret."""

import re
from functools import lru_cache

import msgspec

_MORE = "(?:value|secret|text|[0-9]+)"
_PASSWORD = (
    "(?:passw(?:or)?d|passwort|pwd|passphrase|passcode)"
    f"(?:s|_?(?:hash|confirm|confirmation|repeat|again|old|new|current|{_MORE}))?"
)
_KEY = (
    "(?:api|access|secret|private|master|encryption|signing|subscription|admin|secret_?access)"
    f"_?keys?(?:_?{_MORE})?"
)
_GIVEN = (  # tokens that can be nothing else; `next_token` and `pad_token` are not among them
    "(?:access|auth|authentication|refresh|id|session|security|bearer|csrf|xsrf|jwt|oauth2?|api"
    f"|bot|private)_?tokens?(?:_?{_MORE})?"
)
_SHARED = (
    "(?:client|app|api|consumer|webhook|signing|jwt|shared|oauth2?|session|cookie|totp|hmac)"
    f"_?secrets?(?:_?(?:key|{_MORE}))?"
)
_MAYBE_KEY = "(?:account|service|shared|deploy|app|ssh|hmac|webhook|server|storage|license)_?key"
_OTHER_TOKEN = re.compile(
    "(?:^|_)(?:next|previous|prev|page|paging|pagination|continuation|sync|cancel|cancellation"
    "|resume|pad|eos|bos|unk|mask|sep|cls|stop|start|end|first|last|special|image|audio)_?token$"
)

# kind of secret, names that end so, and whether whatever they hold is one
_ENDINGS: tuple[tuple[str, str, bool], ...] = (
    ("password", _PASSWORD, True),
    ("api_key", _KEY, True),
    ("token", _GIVEN, True),
    ("shared_secret", _SHARED, True),
    ("authorization", "headers?_?(?:proxy_?)?authorization", True),
    ("cookie", "headers?_?(?:set_?)?cookie", True),
    ("cookie", "(?:set_?)?cookies?2?", False),
    ("authorization", "authorization", False),
    ("token", f"token(?:_?{_MORE})?", False),
    ("shared_secret", f"secrets?(?:_?(?:key|{_MORE}))?", False),
    ("api_key", _MAYBE_KEY, False),
    ("credential", "credentials?|creds|auth", False),
    ("password", "pass", False),
)
_NAMES = tuple((re.compile(f"(?:^|_)(?:{ending})$"), kind, sure) for kind, ending, sure in _ENDINGS)
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_PLACE = re.compile(r"(?:_[0-9]+)+$")  # of a list that was flattened
_CHARS = 128  # of a name that are looked at, from its end

# any telling name, written in any way: for texts that were not taken apart
ANY = "(?:{})(?:[_.][0-9]+)?".format(
    "|".join(ending for _, ending, _ in _ENDINGS).replace("_?", "[_. -]?")
)


class Telling(msgspec.Struct, frozen=True):
    """What a name says of its value."""

    kind: str
    sure: bool  # whatever the value looks like


@lru_cache(maxsize=8_192)
def telling(key: str) -> Telling | None:
    """What a key, an attribute's or a variable's name says; None where it says nothing."""
    name = _PLACE.sub("", _WORDS.sub("_", key[-_CHARS:]).lower())
    found = next(((kind, sure) for p, kind, sure in _NAMES if p.search(name)), None)
    if found is None or (found[0] == "token" and _OTHER_TOKEN.search(name)):
        return None
    return Telling(*found)
