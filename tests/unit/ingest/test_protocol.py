"""OTLP/HTTP and the native JSON protocol at the door: statuses, headers, words, one by one."""

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from headrace.ingest import answer, keyfile
from headrace.ingest.key import Cost, minted
from headrace.ingest.reader import LINES, Accepted
from headrace.ingest.spool import Spool
from headrace.lake import Lake
from headrace.lake.settings import MIB, Settings

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
MARK = {"conversation": "c", "success": True}
PAGE = "https://app.example.com"
ASKED = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,authorization,x-api-key,traceparent,"
    "x-headrace-project",
}


def export(**fields: Any) -> dict[str, Any]:
    span = {"traceId": TRACE, "spanId": SPAN, "name": "chat", **fields}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def asked(door: Any, method: str, path: str, **given: Any) -> httpx.Response:
    answered: httpx.Response = door.runner.run(door.http.request(method, path, **given))
    return answered


# What no fixture of a test suite should weigh is made here.


def test_a_bomb_is_too_large_and_deep_json_is_a_bad_request(door: Any) -> None:
    bomb = gzip.compress(bytes(MIB)) * 256
    packed = {**PROTOBUF, "content-encoding": "gzip"}
    assert door.post("/v1/traces", content=bomb, headers=packed).status_code == 413
    for deep in (b"[" * 100_000, b'{"resourceSpans":' + b"[" * 100_000 + b"]" * 100_000 + b"}"):
        for path in ("/v1/traces", "/v1/logs", "/v1/episodes", "/v1/outcomes"):
            refused = door.post(path, content=deep, headers=JSON)
            assert (refused.status_code, refused.headers.get("retry-after")) == (400, None)
    assert door.spooled() == []


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/x-protobuf", 200),
        ("application/x-ndjson", 415),
        ("application/protobuf", 415),
        ("text/plain", 415),
        ("multipart/form-data", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_every_signal_has_two_content_types(
    door: Any, content_type: str | None, status: int
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    content = b"{}" if status == 200 and "json" in str(content_type).lower() else b""
    for signal in ("traces", "logs", "metrics"):
        told = door.post(f"/v1/{signal}", content=content, headers=headers)
        assert told.status_code == status
        if status == 200:
            assert told.headers["content-type"] == str(content_type).partition(";")[0].lower()
            assert told.content == content
        else:
            assert "application/x-protobuf or application/json" in told.json()["detail"]


@pytest.mark.parametrize(
    "encoding", ["br", "gzip, gzip", "gzip,deflate", "identity;q=1", "x" * 500]
)
def test_one_known_encoding_is_all_a_body_may_have(door: Any, encoding: str) -> None:
    headers = {**JSON, "content-encoding": encoding}
    for signal in ("traces", "logs", "metrics", "episodes", "outcomes"):
        told = door.post(f"/v1/{signal}", content=gzip.compress(b"{}"), headers=headers)
        assert (told.status_code, len(told.content) < 1000) == (415, True)
        assert "identity, gzip, deflate, zstd" in told.json()["detail"]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0)),  # a layer below the first
        ("gzip", gzip.compress(b"{}", mtime=0)[:-1]),
        ("gzip", zlib.compress(b"{}")),
        ("deflate", zlib.compress(b"{}")[2:-4]),  # the bare stream without the frame of zlib
        ("deflate", gzip.compress(b"{}", mtime=0)),
        ("zstd", b"{}"),
    ],
)
def test_what_its_encoding_does_not_give_is_a_bad_request(
    door: Any, encoding: str, body: bytes
) -> None:
    told = door.post("/v1/traces", content=body, headers={**JSON, "content-encoding": encoding})
    assert (told.status_code, told.json()["code"]) == (400, 3)


def test_gzip_of_several_members_is_one_body(door: Any) -> None:
    text = json.dumps(export()).encode()
    packed = b"".join(gzip.compress(text[at : at + 50]) for at in range(0, len(text), 50))
    told = door.post("/v1/traces", content=packed, headers={**JSON, "content-encoding": "gzip"})
    assert (told.status_code, door.spooled()[0].payload) == (200, text)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "SPAN_KIND_CLIENT", "status": {"code": "STATUS_CODE_ERROR"}},
        {"kind": 3, "status": {"code": 2}},
        {"traceId": TRACE.upper(), "spanId": SPAN.upper()},
        {"traceId": "W47/95gDgQPSabYzgT/GDA==", "spanId": "7uGbfsPBsXQ="},  # base64
        {"startTimeUnixNano": 1767268800000000000, "endTimeUnixNano": "1767268801000000000"},
        {"attributes": [{"key": "a", "value": {"doubleValue": "NaN"}}]},
        {"attributes": [{"key": "a", "value": {"doubleValue": "-Infinity"}}]},
        {"attributes": None, "events": None, "futureField": {"deep": [1, [2, {}]]}, "flags": 257},
        {"traceState": "a=b", "links": [{"traceId": "", "spanId": "", "attributes": []}]},
    ],
)
def test_json_is_read_as_leniently_as_the_specification_asks(
    door: Any, fields: dict[str, Any]
) -> None:
    told = door.post("/v1/traces", json=export(**fields))
    assert (told.status_code, told.json(), len(door.spooled())) == (200, {}, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"attributes": {"a": "b"}},
        {"attributes": "none"},
        {"attributes": [["a", "b"]]},
        {"attributes": [{"key": 7}]},
        {"attributes": [{"key": "a", "value": {"intValue": 2**64}}]},
        {"startTimeUnixNano": "noon"},
        {"events": {}},
        {"name": 7},
    ],
)
def test_json_of_another_shape_is_refused_with_the_place(door: Any, fields: dict[str, Any]) -> None:
    told = door.post("/v1/traces", json=export(**fields))
    assert (told.status_code, told.json()["code"], door.spooled()) == (400, 3, [])
    assert told.json()["message"] == told.json()["detail"]


@pytest.mark.parametrize("headers", [JSON, PROTOBUF], ids=["json", "protobuf"])
def test_a_partial_success_says_how_many_and_why(door: Any, headers: dict[str, str]) -> None:
    if headers is JSON:
        both = export()
        both["resourceSpans"][0]["scopeSpans"][0]["spans"] += [
            {"traceId": TRACE, "spanId": "0" * 16}
        ]
        told = door.post("/v1/traces", json=both).json()["partialSuccess"]
        count, why = int(told["rejectedSpans"]), told["errorMessage"]
    else:
        spans = b"\x12\x1c\x0a\x10" + b"\1" * 16 + b"\x12\x08" + b"\1" * 8 + b"\x12\x00"
        scope = b"\x12" + bytes([len(spans)]) + spans
        body = b"\x0a" + bytes([len(scope)]) + scope
        message = ExportTraceServiceResponse()
        message.ParseFromString(door.post("/v1/traces", content=body, headers=headers).content)
        count = message.partial_success.rejected_spans
        why = message.partial_success.error_message
    assert count == 1
    assert why == "1 spans without a valid trace and span id (16 and 8 bytes, not zero)"


def test_a_refusal_in_protobuf_is_a_status_whatever_the_address(door: Any) -> None:
    for path in ("/v1/traces", "/v1/logs", "/api/public/otel/v1/traces"):
        told = door.post(path, content=b"\x0a\xff", headers=PROTOBUF)
        status = ExportTracePartialSuccess()  # of the wire shape of google.rpc.Status
        status.ParseFromString(told.content)
        assert (told.status_code, status.rejected_spans) == (400, 3)
        assert "/v1/logs" in status.error_message


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/traces", "POST"),
        ("/v1/logs", "POST"),
        ("/v1/metrics", "POST"),
        ("/v1/episodes", "POST"),
        ("/v1/outcomes", "POST"),
        ("/v1/status", "GET, HEAD"),
        ("/v1/episodes/e", "GET, HEAD"),
        (f"/v1/traces/{TRACE}", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
    ],
)
def test_other_methods_are_told_which_there_are(door: Any, path: str, allowed: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
        if method in allowed:
            continue
        told = asked(door, method, path)
        assert told.status_code == 405
        assert sorted(told.headers["allow"].split(", ")) == sorted(allowed.split(", "))


def test_head_is_answered_like_get(door: Any) -> None:
    for path in ("/healthz", "/readyz", "/v1/status", "/metrics"):
        assert asked(door, "HEAD", path).status_code == door.get(path).status_code == 200


# Lines of JSON.


def line(**fields: Any) -> bytes:
    return json.dumps({**MARK, **fields}).encode()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\r\n \t\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_lines_may_end_as_any_editor_ends_them(door: Any, end: bytes, mark: bytes) -> None:
    content = mark + end.join([line(id="a"), line(id="b"), line(id="c")])
    for last in (b"", end):
        told = door.post("/v1/outcomes", content=content + last, headers=NDJSON).json()
        assert told == {"accepted": 3, "rejected": 0, "ids": ["a", "b", "c"], "errors": []}


@pytest.mark.parametrize("path", ["/v1/outcomes", "/v1/traces"])
def test_one_object_may_begin_with_a_byte_order_mark_too(door: Any, path: str) -> None:
    text = line(id="a") if path == "/v1/outcomes" else json.dumps(export()).encode()
    assert door.post(path, content=b"\xef\xbb\xbf" + text, headers=JSON).status_code == 200


BROKEN: dict[str, tuple[bytes, str]] = {
    "cut": (b'{"conversation": "c", "succ', "write one whole object a line"),
    "no text": (b"\xff\xfe", "write one whole object a line"),
    "joined": (line(id="x") + line(id="y"), "--data-binary"),
    "a list": (b"[1, 2]", "Expected `object`"),
    "unknown field": (line(sucess=True), "there are: "),
    "wrong type": (line(score="high"), "$.score"),
    "no mark": (b'{"conversation": "c"}', "give one of success, score, comment, correction"),
    "no target": (b'{"success": true}', "give exactly one of trace_id"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_line_amid_good_ones_is_told_with_its_number_and_cure(
    door: Any, kind: str
) -> None:
    bad, cure = BROKEN[kind]
    content = b"\n".join([line(id="a"), b"", bad, line(id="b")])
    told = door.post("/v1/outcomes", content=content, headers=NDJSON).json()
    assert (told["accepted"], told["rejected"], told["ids"]) == (2, 1, ["a", "b"])
    [error] = told["errors"]
    assert error.startswith("line 3: ")
    assert cure in error
    kept = door.spooled()[0].payload.splitlines()
    assert [json.loads(each)["id"] for each in kept] == ["a", "b"]


def test_a_body_of_more_lines_than_spans_may_be_is_refused(door: Any) -> None:
    told = door.post("/v1/outcomes", content=b"\n" * (LINES + 1), headers=NDJSON)
    assert (told.status_code, "50,000 lines" in told.json()["detail"]) == (400, True)


def test_a_body_of_more_values_than_memory_should_hold_is_refused(door: Any) -> None:
    crowd = b'{"conversation":"c","success":true,"correction":{"content":[' + b"[]," * 1_000_000
    told = door.post("/v1/outcomes", content=crowd + b"[]]}}", headers=JSON)
    assert (told.status_code, "1,000,000 values" in told.json()["detail"]) == (400, True)
    commas = json.dumps({**MARK, "comment": "," * 1_500_000 + '"' * 1_000}).encode()
    assert door.post("/v1/outcomes", content=commas, headers=JSON).status_code == 200


def test_an_answer_quotes_no_more_of_a_body_than_it_must(door: Any) -> None:
    long = json.dumps({**MARK, "x" * 100_000: 1}).encode()
    assert len(door.post("/v1/outcomes", content=long, headers=JSON).content) < 5_000
    both = door.post("/v1/outcomes", content=long + b"\n" + line(), headers=NDJSON)
    assert (both.status_code, len(both.content) < 1_000) == (200, True)


def test_an_answer_has_at_most_four_mebibytes() -> None:
    ids = tuple("\U0001f600" * 999 + str(n) for n in range(10_000))
    told = answer.counted(
        Accepted(
            accepted=10_000,
            rejected=0,
            error="",
            kept=b"",
            content_type="application/json",
            ids=ids,
        )
    )
    assert 1 * MIB < len(told.body) <= 4 * MIB
    few = answer.counted(
        Accepted(
            accepted=3, rejected=0, error="", kept=b"", content_type="application/json", ids=ids[:3]
        )
    )
    assert json.loads(bytes(few.body))["ids"] == list(ids[:3])


# Web pages.


@pytest.fixture
def paged(tmp_path: Path, spool: Spool, lake: Lake, opened: Any) -> Iterator[Any]:
    """A door that lets the pages of one origin post."""
    settings = Settings(home=tmp_path, cors_origins=f"{PAGE}, http://localhost:3000")
    with opened(settings, spool, lake) as door:
        yield door


def _leave(told: httpx.Response) -> dict[str, str]:
    start = "access-control-"
    return {k.removeprefix(start): v for k, v in told.headers.items() if k.startswith(start)}


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/episodes", "/api/x/v1/traces"])
def test_a_page_of_a_named_origin_may_post(paged: Any, path: str) -> None:
    told = asked(paged, "OPTIONS", path, headers={"origin": PAGE, **ASKED})
    assert (told.status_code, told.content) == (204, b"")
    leave = _leave(told)
    assert (leave["allow-origin"], leave["allow-methods"]) == (PAGE, "POST")
    assert set(ASKED["access-control-request-headers"].split(",")) <= {
        name.strip().lower() for name in leave["allow-headers"].split(",")
    }
    assert "allow-credentials" not in leave
    assert "Origin" in told.headers["vary"]


def test_a_public_page_may_reach_loopback_if_it_is_named(paged: Any) -> None:
    wish = {**ASKED, "access-control-request-private-network": "true"}
    told = asked(paged, "OPTIONS", "/v1/traces", headers={"origin": PAGE, **wish})
    assert _leave(told)["allow-private-network"] == "true"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://app.example.com", PAGE + ".evil.example", ""]
)
def test_other_pages_learn_nothing_from_a_preflight(paged: Any, origin: str) -> None:
    told = asked(paged, "OPTIONS", "/v1/traces", headers={"origin": origin, **ASKED})
    assert (told.status_code, _leave(told)) == (204, {})


def test_an_answer_can_be_read_by_the_page_it_is_for(paged: Any) -> None:
    for origin, readable in ((PAGE, True), ("https://evil.example", False)):
        headers = {**JSON, "origin": origin}
        for content, status in ((json.dumps(export()), 200), (b"{", 400)):
            told = paged.post("/v1/traces", content=content, headers=headers)
            assert told.status_code == status
            assert (_leave(told).get("allow-origin") == origin) == readable
            assert "Origin" in told.headers["vary"]


def test_a_preflight_needs_no_key_and_the_post_does(
    tmp_path: Path, spool: Spool, lake: Lake, opened: Any
) -> None:
    settings = Settings(home=tmp_path, cors_origins=PAGE)
    entry, secret = minted("page", ("ingest",), None, datetime.now(UTC), Cost(n=2))
    keyfile.add(settings.keys_path, entry)
    with opened(settings, spool, lake) as door:
        told = asked(door, "OPTIONS", "/v1/traces", headers={"origin": PAGE, **ASKED})
        assert (told.status_code, _leave(told)["allow-origin"]) == (204, PAGE)
        refused = door.post("/v1/traces", json=export(), headers={"origin": PAGE})
        assert (refused.status_code, _leave(refused)["allow-origin"]) == (401, PAGE)
        headers = {"origin": PAGE, "authorization": f"Bearer {secret}"}
        assert door.post("/v1/traces", json=export(), headers=headers).status_code == 200


def test_a_page_whose_name_was_made_to_point_here_is_still_misdirected(paged: Any) -> None:
    headers = {"origin": PAGE, "host": "app.example.com"}
    assert paged.post("/v1/traces", json=export(), headers=headers).status_code == 421


def test_without_origins_nothing_is_added(door: Any) -> None:
    told = door.post("/v1/traces", json=export(), headers={"origin": PAGE})
    assert (told.status_code, _leave(told), "vary" in told.headers) == (200, {}, False)


def test_a_trace_is_asked_for_in_any_spelling(door: Any) -> None:
    for name in (TRACE, TRACE.upper(), "5B8EFFF7-9803-8103-D269-B633813FC60C"):
        told = door.get(f"/v1/traces/{name}")
        assert (told.status_code, TRACE in told.json()["detail"]) == (404, True)
