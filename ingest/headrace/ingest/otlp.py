"""OTLP requests of both encodings, bounded before they are trusted."""

from headrace.ingest import otlp_json, otlp_protobuf
from headrace.ingest.errors import Undecodable
from headrace.ingest.telemetry import Export, Limits

_READERS = {
    ("traces", "application/x-protobuf"): otlp_protobuf.traces,
    ("traces", "application/json"): otlp_json.traces,
    ("logs", "application/x-protobuf"): otlp_protobuf.logs,
    ("logs", "application/json"): otlp_json.logs,
}

_NO_VALID_SPAN = (
    "no span has a valid trace and span id (16 and 8 bytes, not all zero); "
    "a logs export belongs to /v1/logs"
)


def decode(signal: str, content_type: str, payload: bytes, limits: Limits | None = None) -> Export:
    """The spans or log records of a decompressed request; an empty one is legal.

    Raises Undecodable where it is no OTLP, over a cap, or without a single valid span.
    """
    reader = _READERS.get((signal, content_type))
    if reader is None:
        raise Undecodable(
            f"{content_type!r} is no encoding of OTLP {signal}: "
            "send application/x-protobuf or application/json"
        )
    export = reader(payload, limits or Limits())
    _some(len(export.spans), export.invalid)
    return export


def survey(content_type: str, payload: bytes) -> tuple[int, int]:
    """How many valid and invalid spans `decode` would give, for a fraction of its cost.

    Raises Undecodable where `decode` does.
    """
    if content_type == "application/x-protobuf":
        valid, invalid = otlp_protobuf.survey(payload, Limits())
        _some(valid, invalid)
        return valid, invalid
    export = decode("traces", content_type, payload)
    return len(export.spans), export.invalid


def _some(valid: int, invalid: int) -> None:
    if invalid and not valid:
        raise Undecodable(_NO_VALID_SPAN)
