import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.requests import Request

from headrace.ingest import errors
from headrace.ingest.answer import counted, exported, refuse
from headrace.ingest.reader import Accepted
from headrace.ingest.refusal import REFUSALS, UNEXPECTED, Refusal, refusal_of

PROTOBUF = "application/x-protobuf"
RETRYABLE = {429, 502, 503, 504}


def request(path: str, content_type: str) -> Request:
    headers = [(b"content-type", content_type.encode())]
    return Request(
        {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    )


def accepted(rejected: int = 0, error: str = "") -> Accepted:
    return Accepted(
        accepted=2,
        rejected=rejected,
        error=error,
        kept=b"",
        content_type="application/json",
        ids=("a", "b"),
    )


def test_protobuf_is_refused_with_a_google_rpc_status() -> None:
    told = refusal_of(errors.Undecodable("x"))
    answer = refuse(request("/v1/traces", PROTOBUF), told, "é")
    # field 1, varint 3 (INVALID_ARGUMENT); field 2, two bytes of text
    assert answer.body == b"\x08\x03\x12\x02\xc3\xa9"
    assert (answer.status_code, answer.media_type) == (400, PROTOBUF)


def test_otlp_in_json_is_refused_in_json_with_the_members_of_a_status() -> None:
    told = refusal_of(errors.TooLarge("x"))
    answer = refuse(request("/v1/logs", "application/json; charset=utf-8"), told, "too long")
    body = json.loads(bytes(answer.body))
    assert answer.media_type == "application/json"
    assert (body["code"], body["message"]) == (8, "too long")
    assert (body["status"], body["detail"]) == (413, "too long")


def test_other_refusals_are_problem_documents() -> None:
    told = refusal_of(errors.SpoolFull("x"))
    answer = refuse(request("/v1/outcomes", "application/json"), told, "no room")
    body = json.loads(bytes(answer.body))
    assert answer.media_type == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "cure"}
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("told", [told for _, told in REFUSALS] + [UNEXPECTED])
def test_whoever_may_try_again_is_told_when(told: Refusal) -> None:
    assert ((told.otlp_status or told.status) in RETRYABLE) == (told.retry_s is not None)


def test_the_narrower_error_is_found_first() -> None:
    assert refusal_of(errors.SpoolFull("x")).reason == "spool_full"
    assert refusal_of(errors.SpoolFailed("x")).reason == "spool_failed"
    assert refusal_of(ZeroDivisionError()) is UNEXPECTED


def test_full_success_is_an_empty_message() -> None:
    assert exported(request("/v1/traces", PROTOBUF), "traces", accepted()).body == b""
    assert exported(request("/v1/logs", "application/json"), "logs", accepted()).body == b"{}"


def test_what_was_refused_is_told_as_partial_success() -> None:
    some = accepted(3, "3 spans without ids")
    traces = ExportTraceServiceResponse()
    traces.ParseFromString(bytes(exported(request("/", PROTOBUF), "traces", some).body))
    assert traces.partial_success.rejected_spans == 3
    assert traces.partial_success.error_message == "3 spans without ids"
    logs = ExportLogsServiceResponse()
    logs.ParseFromString(bytes(exported(request("/", PROTOBUF), "logs", some).body))
    assert logs.partial_success.rejected_log_records == 3
    answer = exported(request("/", "application/json"), "traces", some)
    assert json.loads(bytes(answer.body)) == {
        "partialSuccess": {"rejectedSpans": "3", "errorMessage": "3 spans without ids"}
    }


def test_posted_lines_are_counted_and_named() -> None:
    assert json.loads(bytes(counted(accepted(1, "line 2: x")).body)) == {
        "accepted": 2,
        "rejected": 1,
        "ids": ["a", "b"],
        "errors": ["line 2: x"],
    }
