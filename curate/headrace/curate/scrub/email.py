"""E-mail addresses: a local part and a domain that could exist."""

import re
from collections.abc import Iterator

from headrace.curate.scrub import fiction
from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Kind, Span

_AT = re.compile("@|%40")
_LOCAL = re.compile(r"[\w.+'&=~-]{1,64}\Z")  # RFC 5321: 64 octets
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-]|@)")
_RESERVED = re.compile(  # RFC 2606
    r"(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost)$", re.IGNORECASE
)
# ends of file names: logo@2x.png is a picture for screens of twice the density
_FILES = frozenset(
    "css gif html jpeg jpg js json jsx md pdf png py svg ts tsx txt webp xml".split()
)
_ROBOTS = frozenset(("git", "hg", "svn"))  # git@github.com:owner/repository


def find(text: str) -> Iterator[Span]:
    end = 0
    for at in _AT.finditer(text):
        local = _LOCAL.search(text, max(end, at.start() - 64), at.start())
        domain = _DOMAIN.match(text, at.end())
        if local is None or domain is None or not _reaches(local[0].strip(".'=&"), domain[0]):
            continue
        start = local.start() + len(local[0]) - len(local[0].lstrip(".'=&"))
        end = domain.end()
        yield start, end


def _reaches(local: str, domain: str) -> bool:
    top = domain.rpartition(".")[2].lower()
    if not local or local in _ROBOTS or top in _FILES:
        return False
    return _RESERVED.search(domain) is None


def _canonical(text: str) -> str:
    return text.replace("%40", "@").casefold()


def _surrogate(written: str, draw: Draw) -> str:
    local = f"{fiction.name(draw)}.{fiction.name(draw)}{draw.digits(2)}".lower()
    return f"{local}{'%40' if '%40' in written else '@'}example.com"


EMAIL = Kind(
    name="email",
    about="e-mail addresses, but those of domains that are reserved for examples",
    hint="@|%40",
    find=find,
    typed=find,
    canonical=_canonical,
    surrogate=_surrogate,
)
