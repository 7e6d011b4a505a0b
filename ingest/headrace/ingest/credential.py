"""The API key that a request presents, in each of the ways that exporters have."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from headrace.ingest import key

_NAMES = (b"authorization", b"x-api-key", b"api_key")
_CHARS = 4_000  # of a header; a key has 64

Headers = Iterable[tuple[bytes, bytes]]  # names in lower case, as ASGI gives them


def presented(headers: Headers) -> tuple[str, str] | None:
    """Id and secret of the first key among the headers; None: there is no text of a key's form.

    Taken are `Authorization: Bearer KEY`, `Basic` with the key as user or password, the bare key,
    and the headers `x-api-key` and `api_key`. A value may be URL-encoded: not every exporter
    decodes what OTEL_EXPORTER_OTLP_HEADERS holds.
    """
    for name, value in headers:
        if name in _NAMES and len(value) <= _CHARS:
            for text in _texts(value.decode("latin-1")):
                if parts := key.parted(text):
                    return parts
    return None


def _texts(value: str) -> Iterator[str]:
    plain = unquote(value) if "%" in value else value
    scheme, _, rest = plain.strip().partition(" ")
    if scheme.lower() == "basic":
        yield from _basic(rest.strip())
    else:
        yield rest.strip() or scheme


def _basic(text: str) -> tuple[str, ...]:
    try:
        user, _, password = base64.b64decode(text, validate=True).decode("latin-1").partition(":")
    except (binascii.Error, ValueError):
        return ()
    return password, user
