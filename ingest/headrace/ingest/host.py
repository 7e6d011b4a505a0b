"""The host that a request is addressed to, which tells a page of a stranger from a client here."""

import ipaddress
import re

from starlette.requests import Request

from headrace.ingest.errors import Misdirected
from headrace.lake.settings import Settings

_HOST = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::[0-9]*)?")


async def addressed(request: Request) -> None:
    """Raises Misdirected where the request's Host is not this machine; without one it passes.

    While there are no keys, this alone stops a web page whose name was made to point here.
    """
    settings: Settings = request.app.state.settings
    for host in request.headers.getlist("host"):
        if host and not (is_local(host) or _name(host) == settings.host.lower()):
            raise Misdirected(f"Host {host[:100]!r} is not this machine: ask for 127.0.0.1")


def is_local(host: str) -> bool:
    """Whether a Host value, with or without a port, is a loopback address or `localhost`."""
    name = _name(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """The host without its port and brackets, lower case; empty where it has another form."""
    found = _HOST.fullmatch(host)
    return (found["six"] or found["name"] or "").lower().removesuffix(".") if found else ""
