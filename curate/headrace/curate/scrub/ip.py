"""IP addresses that lead to somebody: global ones alone."""

import ipaddress
import re
from collections.abc import Iterator

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Kind, Span

_V4 = re.compile(r"(?<![\w.-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\w|\.\w)")
_V6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.\w)")
# what every address holds: these are found without trying each place, and times of day are none
_DOTTED = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_GROUPS = re.compile(":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:")
_VERSION = re.compile(r"(?:version|release|build|\bver|\bv)\.?[ :=]{0,2}\Z", re.IGNORECASE)
_UNICAST = ipaddress.ip_network("2000::/3")
_DOCUMENTED = ("192.0.2.", "198.51.100.", "203.0.113.")  # RFC 5737, and 2001:db8:: of RFC 3849


def find(text: str) -> Iterator[Span]:
    if _DOTTED.search(text):
        yield from _found(_V4, text)
    if "::" in text or _GROUPS.search(text):
        yield from _found(_V6, text)


def _found(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for found in pattern.finditer(text):
        if _leads_somewhere(found[0]) and not _VERSION.search(
            text, max(0, found.start() - 12), found.start()
        ):
            yield found.span()


def _leads_somewhere(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    unicast = address.version == 4 or address in _UNICAST
    return address.is_global and unicast and not address.is_multicast


def _canonical(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _surrogate(written: str, draw: Draw) -> str:
    if ":" in written:
        groups = (f"{1 + draw.below(0xFFFF):x}" for _ in range(3))
        return f"2001:db8::{':'.join(groups)}"
    return f"{_DOCUMENTED[draw.below(3)]}{1 + draw.below(254)}"


IP = Kind(
    name="ip",
    about="IP addresses that are routed globally",
    hint=r"[0-9]\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]:[0-9A-Fa-f]*:",
    find=find,
    typed=find,
    canonical=_canonical,
    surrogate=_surrogate,
)
