"""Reading bodies: once to validate and count before the spool, once more in the drain."""

import msgspec

from headrace.ingest.batch import Batch, Body, Signal
from headrace.ingest.errors import Undecodable


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What may be acknowledged of one request."""

    accepted: int  # spans, log records, episodes or outcomes
    rejected: int
    error: str  # names line, field and cure of what was refused; empty: no complaint
    kept: bytes  # what to spool
    ids: tuple[str, ...]  # of posted episodes or outcomes, in their order


def check(signal: Signal, content_type: str, payload: bytes, project: str | None) -> Accepted:
    """Validate a decompressed body before it is spooled.

    Raises Undecodable where nothing of it can be kept.
    """
    raise Undecodable(f"no reader for {signal} yet")


def read(body: Body) -> Batch:
    """The rows of a spooled body: the same body gives the same rows.

    Raises Undecodable.
    """
    raise Undecodable(f"no reader for {body.signal} yet")
