"""Secrets at the door: what may be spooled."""

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.ingest import reader
from headrace.ingest.batch import Body
from headrace.ingest.spool import Spool
from headrace.lake import Lake
from headrace.lake.settings import Settings

KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9"
UNSEEN = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
JSON = "application/json"
TRACE = "5b8efff798038103d269b633813fc60c"


def exported(**attributes: str) -> dict[str, Any]:
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    span = {"traceId": TRACE, "spanId": "2" * 16, "name": "chat", "attributes": pairs}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [{**span, "unknownField": UNSEEN}]}]}]}


EPISODE = {
    "messages": [{"role": "user", "content": f"use {KEY}"}, {"role": "assistant", "content": "ok"}],
    "metadata": {"password": "mill-wheel"},
}


def test_in_strict_mode_no_secret_is_spooled_and_all_else_is(
    tmp_path: Path, spool: Spool, lake: Lake, opened: Any
) -> None:
    settings = Settings(home=tmp_path, strict_secrets=True)
    record = {"eventName": "gen_ai.choice", "body": {"stringValue": KEY}}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    with opened(settings, spool, lake) as door:
        told = exported(note=f"use {KEY}", password="mill-wheel")
        assert door.post("/v1/traces", json=told).status_code == 200
        assert door.post("/v1/logs", json=logs).status_code == 200
        assert door.post("/v1/episodes", json=EPISODE).status_code == 200
        bodies = door.spooled()
    for secret in (KEY, UNSEEN, "mill-wheel"):
        assert all(secret.encode() not in body.payload for body in bodies)
    [span] = reader.read(bodies[0]).spans
    assert span.trace_id == TRACE
    assert span.defects == ("secret_removed:openai_key", "secret_removed:password")
    [event] = reader.read(bodies[1]).log_events
    assert event.body == '"[secret:openai_key]"'


def test_what_is_spooled_strictly_is_read_as_what_is_not(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted([*recorded.glob("*/*/*traces.bin"), *recorded.glob("*/*/*logs.bin")])
    assert files
    for file in files:
        signal: Any = "logs" if "logs" in file.name else "traces"
        payload, kind = file.read_bytes(), "application/x-protobuf"
        plain = reader.check(signal, kind, payload, None)
        strict = reader.check(signal, kind, payload, None, strict=True)
        assert (plain.accepted, plain.rejected) == (strict.accepted, strict.rejected)
        assert strict.content_type == reader.STRIPPED
        read = [
            reader.read(
                Body(
                    seq=1,
                    signal=signal,
                    content_type=one.content_type,
                    payload=one.kept,
                    received_at=reader._EPOCH,
                )
            )
            for one in (plain, strict)
        ]
        assert read[0] == read[1], file


def test_a_body_that_trips_the_reader_is_refused_in_strict_mode_and_kept_otherwise(
    tmp_path: Path, spool: Spool, lake: Lake, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(reader, "check", broken)
    for strict, status, depth in ((True, 503, 0), (False, 200, 1)):
        settings = Settings(home=tmp_path, strict_secrets=strict)
        with opened(settings, spool, lake) as door:
            answer = door.post("/v1/traces", json=exported(note=KEY))
            assert (answer.status_code, len(door.spooled())) == (status, depth)


def test_nobody_may_send_what_we_spool(door: Any) -> None:
    sent = door.post("/v1/traces", content=b"\x80", headers={"content-type": reader.STRIPPED})
    assert sent.status_code == 415


def test_posted_lines_lose_their_secrets_before_they_get_an_id(door: Any) -> None:
    first = door.post("/v1/episodes", json=EPISODE).json()["ids"]
    stripped = json.loads(json.dumps(EPISODE).replace(KEY, "[secret:openai_key]"))
    stripped["metadata"]["password"] = "[secret:password]"
    assert door.post("/v1/episodes", json=stripped).json()["ids"] == first
    for body in door.spooled():
        assert KEY.encode() not in body.payload
        [episode] = reader.read(body).episodes
        assert episode.defects == ("secret_removed:openai_key", "secret_removed:password")
