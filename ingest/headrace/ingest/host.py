"""The host that a request is addressed to, which tells a page of a stranger from a client here."""

import ipaddress
import re
from functools import lru_cache

_HOST = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::[0-9]*)?")


@lru_cache(maxsize=64)
def is_local(host: str) -> bool:
    """Whether a Host value, with or without a port, is a loopback address or `localhost`."""
    name = name_of(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def name_of(host: str) -> str:
    """The host without its port and brackets, lower case; empty where it has another form."""
    found = _HOST.fullmatch(host)
    return (found["six"] or found["name"] or "").lower().removesuffix(".") if found else ""
