"""Dead letters: what is kept of a body that could not be read."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from headrace.ingest import reader
from headrace.ingest.batch import Body
from headrace.ingest.errors import Undecodable
from headrace.ingest.letter import letter, reason

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9"


def body(payload: bytes, **fields: Any) -> Body:
    plain: dict[str, Any] = {
        "seq": 7,
        "signal": "traces",
        "content_type": "application/json",
        "received_at": NOON,
    }
    return Body(payload=payload, **plain | fields)


def kept(payload: bytes, *, deadly: bool = False, **fields: Any) -> Body:
    made = letter(body(payload, **fields), "why", spool="s", at=NOON, deadly=deadly)
    return body(made.body, signal=made.signal, content_type=made.content_type)


def exported(**attributes: str) -> bytes:
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "name": "chat", "attributes": pairs}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


@pytest.mark.parametrize("payload", [b"", b"\xff\x00", b"no json", exported(model="mill")])
def test_a_body_without_secrets_is_kept_byte_for_byte(payload: bytes) -> None:
    assert kept(payload).payload == payload


def test_telemetry_that_can_be_decoded_is_kept_without_its_secrets_and_can_be_read_again() -> None:
    made = kept(exported(note=f"use {KEY}", password="mill-wheel"))
    assert KEY.encode() not in made.payload and b"mill-wheel" not in made.payload
    assert made.content_type == reader.STRIPPED
    [span] = reader.read(made).spans
    assert span.defects == ("secret_removed:openai_key", "secret_removed:password")
    assert json.loads(span.attributes)["note"] == "use [secret:openai_key]"


def test_telemetry_that_cannot_be_decoded_is_covered_in_place() -> None:
    whole = exported(note=f"use {KEY}", password="mill-wheel")
    for payload, deadly in ((whole[:-4], False), (whole, True)):
        made = kept(payload, deadly=deadly)
        assert KEY.encode() not in made.payload and b"mill-wheel" not in made.payload
        assert (len(made.payload), made.content_type) == (len(payload), "application/json")


def test_a_body_that_ended_the_process_is_not_decoded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def deadly(*_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(reader, "decoded", deadly)
    assert kept(exported(a="b"), deadly=True).payload == exported(a="b")


def test_posted_lines_lose_their_secrets_one_by_one() -> None:
    lines = [
        json.dumps({"id": "a", "sucess": True, "comment": KEY}),
        f"no json but {KEY} all the same",
        '{ "id":"b" }',
    ]
    made = kept("\n".join(lines).encode(), signal="outcomes", content_type="application/x-ndjson")
    first, second, third = made.payload.decode().split("\n")
    assert json.loads(first) == {"id": "a", "sucess": True, "comment": "[secret:openai_key]"}
    assert second.startswith("no json but [secret:openai_key]***") and len(second) == len(lines[1])
    assert third == lines[2]


def test_a_pretty_object_is_one_line() -> None:
    pretty = json.dumps({"id": "a", "metadata": {"password": "mill"}}, indent=2).encode()
    made = kept(pretty, signal="episodes")
    assert json.loads(made.payload) == {"id": "a", "metadata": {"password": "[secret:password]"}}


def test_a_reason_quotes_no_secret_and_is_short() -> None:
    assert (
        reason(f"source is '{KEY}': give one of") == "source is '[secret:openai_key]': give one of"
    )
    assert len(reason("why " * 1000)) == 1000


@pytest.mark.parametrize("payload", [b"", b"\xff", msgspec.msgpack.encode([1]), b"\x81" * 5000])
def test_what_is_no_stripped_telemetry_says_so(payload: bytes) -> None:
    with pytest.raises(Undecodable, match="no stripped telemetry"):
        reader.read(body(payload, content_type=reader.STRIPPED))
