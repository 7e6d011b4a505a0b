"""Who is to blame where no answer came: the product, which is a zero, or what carried it.

Raise ProductFailed or Unmeasured in an agent of your own to say it yourself.
"""

from collections.abc import Iterator

import httpx

_OURS = frozenset({401, 403, 404, 405, 407, 415})  # a key, an address, a method: the set-up
_PASSING = frozenset({402, 408, 425, 429})  # another time, or with money, it would be answered
_CONNECTION = frozenset({"APIConnectionError", "APITimeoutError", "ServiceUnavailableError"})


class ProductFailed(Exception):
    """The product under test failed at a case: it scores 0."""


class Unmeasured(Exception):
    """Something beside the product failed: the score is absent."""

    @property
    def message(self) -> str:
        """What Inspect puts into its log, which would else be a repr."""
        return str(self)


def is_outside(error: BaseException) -> bool:
    """Whether an agent failed for something beside it: its provider, the network, the set-up.

    What it raised, what that came from and what a group holds are looked at: 429, 5xx and refused
    keys of any client that tells the status, and lost connections. Whatever else an agent raises
    is its own fault.
    """
    chain = list(_chain(error, set()))
    if any(isinstance(item, ProductFailed) for item in chain):
        return False
    return any(isinstance(item, Unmeasured) or _is_outside(item) for item in chain)


def is_outside_status(status: int) -> bool:
    """Whether an HTTP status tells of something beside the product that was asked."""
    return status in _OURS or status in _PASSING or status >= 500 or status < 400


def may_pass(status: int) -> bool:
    """Whether the same request may be answered at another time."""
    return status in (408, 425, 429) or status >= 500


def _is_outside(error: BaseException) -> bool:
    status = _status(error)
    if status is not None:
        return is_outside_status(status)
    if type(error).__name__ in _CONNECTION:  # of the SDKs of model providers, each its own class
        return True
    return isinstance(error, ConnectionError | httpx.TransportError)


def _status(error: BaseException) -> int | None:
    """The HTTP status that clients keep in an error or in its response."""
    response = getattr(error, "response", None)
    for holder in (error, response):
        found = getattr(holder, "status_code", None)
        if isinstance(found, int):
            return found
    return None


def _chain(error: BaseException, seen: set[int]) -> Iterator[BaseException]:
    if id(error) in seen:
        return
    seen.add(id(error))
    yield error
    held = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    for item in (*held, *([before] if before else [])):
        yield from _chain(item, seen)
