"""The gate: who may pass, decided from the headers before a body is read."""

from typing import Literal

import msgspec
from starlette.requests import Request

from headrace.ingest import naming
from headrace.ingest.errors import BadHeader, Misdirected
from headrace.ingest.host import is_local, name_of
from headrace.lake.settings import Settings

Scope = Literal["ingest", "read", "admin"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever a request is from."""

    project: str | None  # of the header; None: the payload says, else `default`


class Gate:
    """Lets requests pass that are addressed to this machine."""

    def __init__(self, settings: Settings) -> None:
        self._host = settings.host.lower()

    async def admit(self, request: Request, scope: Scope | None) -> Caller:
        """Who asks; scope None is for questions that everybody may ask.

        Raises Misdirected, BadHeader.
        """
        self._addressed(request)
        return Caller(project=_project_of(request))

    def _addressed(self, request: Request) -> None:
        # while there are no keys, this alone stops a web page whose name was made to point here
        for host in request.headers.getlist("host"):
            if host and not (is_local(host) or name_of(host) == self._host):
                raise Misdirected(f"Host {host[:100]!r} is not this machine: ask for 127.0.0.1")


def _project_of(request: Request) -> str | None:
    project = request.headers.get("x-headrace-project", "").strip()
    if not naming.usable(project, naming.PROJECT_CHARS):
        raise BadHeader(
            f"x-headrace-project: give at most {naming.PROJECT_CHARS} printable characters"
        )
    return project or None
