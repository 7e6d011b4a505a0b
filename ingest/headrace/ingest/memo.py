"""A memo: what a pure function made of a value, found again by the value's content.

Histories, system prompts, tool definitions and resources come again with every span.
"""

import marshal
from collections.abc import Callable
from typing import Any, Generic, TypeVar

R = TypeVar("R")

MOST_BYTES = 2 * 1024 * 1024  # of contents remembered by one function; twice as many at times

_WITHOUT_REFERENCES = 2  # version of marshal in which equal contents give equal bytes
_SHARE = 8  # no value takes more than this part of the room
_MISSING: Any = object()


class Memo(Generic[R]):
    """A function that remembers the results for JSON values of late; any thread may call it.

    Only its first argument decides the result, the rest may show in errors, which are not
    remembered. Results are shared: whoever changes one copies it first.
    """

    def __init__(self, work: Callable[..., R], most_bytes: int = MOST_BYTES) -> None:
        self._work = work
        self._most = most_bytes
        self._bytes = 0
        self._young: dict[str | bytes, R] = {}
        self._old: dict[str | bytes, R] = {}

    def __call__(self, value: Any, *rest: object) -> R:
        try:
            content = value if type(value) is str else marshal.dumps(value, _WITHOUT_REFERENCES)
        except ValueError:  # no JSON, or deeper than anything that is read
            return self._work(value, *rest)
        found: R = self._young.get(content, _MISSING)
        if found is _MISSING:
            found = self._old.get(content, _MISSING)
            if found is _MISSING:
                found = self._work(value, *rest)
            self._keep(content, found)
        return found

    def _keep(self, content: str | bytes, result: R) -> None:
        if len(content) * _SHARE > self._most:
            return
        self._bytes += len(content)
        if self._bytes > self._most:  # what was not asked for again since the last time goes
            self._old, self._young, self._bytes = self._young, {}, len(content)
        self._young[content] = result
