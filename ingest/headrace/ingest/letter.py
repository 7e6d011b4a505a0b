"""Dead letters: bodies that could not be read, with the reason and without their secrets."""

from datetime import datetime

import msgspec

from headrace.ingest import reader
from headrace.ingest.batch import Body
from headrace.ingest.secrets import export as secrets
from headrace.ingest.secrets import raw
from headrace.ingest.secrets.tree import Stripper
from headrace.lake.record import DeadLetter

REASON_CHARS = 1000


def letter(body: Body, why: str, *, spool: str, at: datetime, deadly: bool = False) -> DeadLetter:
    """The dead letter of a body; one that is deadly is not decoded once more."""
    kept = _covered(body) if deadly else _stripped(body)
    return DeadLetter(
        project=body.project or "default",
        spool=spool,
        seq=body.seq,
        signal=body.signal,
        reason=reason(why),
        content_type=kept.content_type,
        body=kept.payload,
        received_at=body.received_at,
        at=at,
    )


def reason(why: str) -> str:
    """Why a body could not be read; errors quote what they met."""
    return Stripper().text(why)[:REASON_CHARS]


def _stripped(body: Body) -> Body:
    """The body without secrets: as it was decoded where that can be done, else covered in place.

    One without any stays byte for byte.
    """
    bare = _covered(body)
    try:
        if body.signal in ("episodes", "outcomes"):
            lines = reader.lines(body.content_type, body.payload)
            payload = b"\n".join(secrets.stripped_line(line)[0] for _, line in lines)
            return _covered(msgspec.structs.replace(body, payload=payload))
        export = reader.decoded(body.signal, body.content_type, body.payload)
    except Exception:  # a body that trips the decoder is why there are dead letters
        return bare
    if bare.payload == body.payload and not any(one.removed for one in export.spans + export.logs):
        return body
    payload, kind = msgspec.msgpack.encode(export), reader.STRIPPED
    return msgspec.structs.replace(body, payload=payload, content_type=kind)


def _covered(body: Body) -> Body:
    return msgspec.structs.replace(body, payload=raw.covered(body.payload))
