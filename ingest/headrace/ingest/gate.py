"""The gate: who may pass, decided from the headers before a body is read."""

import time
from collections.abc import Callable

import msgspec
from starlette.requests import Request

from headrace.ingest import credential, naming
from headrace.ingest.errors import BadHeader, KeyNeeded, Misdirected, ScopeMissing
from headrace.ingest.host import is_local, name_of
from headrace.ingest.key import Scope
from headrace.ingest.keyring import Keyring
from headrace.ingest.limit import Limit
from headrace.ingest.verifier import Verifier
from headrace.lake.settings import Settings


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever a request is from."""

    project: str | None  # the key's, else the header's; None: the payload says, else `default`
    key: str | None = None  # the key's id


class Gate:
    """Lets requests pass that have a key; while there are none, those addressed to this machine."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises BadKeys."""
        self._host = settings.host.lower()
        demanded = settings.keys is not None
        self._ring = Keyring(settings.keys_path, demanded=demanded, clock=clock)
        self._verifier = Verifier(self._ring)
        self._limit = Limit.of(settings, clock)

    @property
    def keyed(self) -> bool:
        """Whether every request needs a key; once so it stays so."""
        return self._ring.required

    async def admit(self, request: Request, scope: Scope | None) -> Caller:
        """Who asks; scope None is for questions that everybody may ask.

        Raises Misdirected, BadHeader, KeyNeeded, KeyRefused, KeysBusy, ScopeMissing, TooFast.
        """
        self._ring.look()
        if not self._ring.required:
            self._addressed(request)
            caller = Caller(project=_project_of(request))
        elif scope is None:
            return Caller(project=None)
        else:
            caller = await self._keyed(request, scope)
        if self._limit is not None and scope is not None:
            self._limit.charge(caller.key, request)
        return caller

    def metered(self, request: Request, caller: Caller) -> Request:
        """The request, whose bytes are charged as they come where their number is not told."""
        return request if self._limit is None else self._limit.metered(caller.key, request)

    async def _keyed(self, request: Request, scope: Scope) -> Caller:
        given = credential.presented(request.scope["headers"])
        if given is None:
            raise KeyNeeded("this sidecar needs an API key: send Authorization: Bearer hr_...")
        key = await self._verifier.holder(*given)
        if not key.allows(scope):
            raise ScopeMissing(f"this API key lacks the scope {scope!r}")
        # a key of every project leaves the choice to the request
        return Caller(project=key.project or _project_of(request), key=key.id)

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
