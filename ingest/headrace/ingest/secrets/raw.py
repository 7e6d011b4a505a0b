"""Secrets in bytes that nobody could decode: covered in place, so that lengths still hold."""

import re

from headrace.ingest.secrets import keyname, text

_FILL = b"*"
# a telling attribute and its text, in OTLP/JSON and on the protobuf wire (KeyValue of AnyValue)
_NAMED = re.compile(
    rb"(?i)(?:%s)(?:\\*\"\s*,\s*\\*\"value\\*\"\s*:\s*\{\s*\\*\"stringValue\\*\"\s*:\s*\\*\"([^\"\\]+)"
    rb"|\x12(?:[\x02-\x7f]|[\x80-\xff]{1,3}[\x00-\x7f])\n([\x01-\x7f]|[\x80-\xff]{1,3}[\x00-\x7f]))"
    % keyname.ANY.encode()
)


def covered(payload: bytes) -> bytes:
    """The bytes with every secret that can be seen in them overwritten, to the same length."""
    out = bytearray(payload)
    if text.suspicious(payload):
        for start, end, kind in text.found(payload):
            name = text.placed(kind).encode()
            name = name if len(name) <= end - start else b""
            out[start:end] = name.ljust(end - start, _FILL)
    for named in _NAMED.finditer(payload):
        start, end = named.span(1) if named[1] else (named.end(), named.end() + _varint(named[2]))
        out[start:end] = _FILL * (min(end, len(out)) - start)
    return bytes(out)


def _varint(raw: bytes) -> int:
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(raw))
