"""Answers of the sidecar: acceptance and refusal in the language of the request."""

from collections.abc import Iterable, Iterator

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from starlette.requests import Request
from starlette.responses import Response

from headrace.ingest.reader import Accepted
from headrace.ingest.refusal import Refusal

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
OTLP = ("traces", "logs", "metrics")
DETAIL_CHARS = 4_000  # of an error: a long field name would be quoted in full
IDS_BYTES = 3 * 1024 * 1024  # an answer has at most 4 MiB

_encoder = msgspec.json.Encoder(decimal_format="number")


def media_type(request: Request) -> str:
    """The content type without parameters, lower case; empty where none was sent."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def document(content: object, *, status: int = 200, media: str = JSON) -> Response:
    """A JSON answer."""
    return Response(_encoder.encode(content), status_code=status, media_type=media)


def refuse(request: Request, told: Refusal, detail: str) -> Response:
    """An error: google.rpc.Status for OTLP in protobuf, else an RFC 9457 problem document.

    For OTLP in JSON the document carries the members of Status too.
    """
    answer = _refusal_body(request, told, detail[:DETAIL_CHARS])
    answer.status_code = told.status
    if told.closes:
        answer.headers["connection"] = "close"
    if told.retry_s is not None:
        answer.headers["retry-after"] = str(told.retry_s)
    if told.challenge is not None:
        answer.headers["www-authenticate"] = told.challenge
    return answer


def is_otlp(request: Request) -> bool:
    """Whether a request is for an address of OTLP, with any prefix."""
    return request.url.path.rpartition("/")[2] in OTLP


def _refusal_body(request: Request, told: Refusal, detail: str) -> Response:
    otlp = is_otlp(request)
    if otlp and media_type(request) == PROTOBUF:
        # this message has the wire shape of google.rpc.Status: 1 a varint, 2 a text
        status = ExportTracePartialSuccess(rejected_spans=told.code, error_message=detail)
        return Response(status.SerializeToString(), media_type=PROTOBUF)
    problem: dict[str, object] = {
        "type": f"urn:headrace:problem:{told.reason}",
        "title": told.title,
        "status": told.status,
        "detail": detail,
        "cure": told.cure,
    }
    if otlp and media_type(request) == JSON:
        return document(problem | {"code": told.code, "message": detail})
    return document(problem, media="application/problem+json")


def exported(request: Request, signal: str, accepted: Accepted) -> Response:
    """Success of an OTLP export; with partial_success where spans or records were refused."""
    rejected, error = accepted.rejected, accepted.error
    if media_type(request) == PROTOBUF:
        return Response(_export_response(signal, rejected, error), media_type=PROTOBUF)
    if not (rejected or error):
        return document({})
    count = "rejectedSpans" if signal == "traces" else "rejectedLogRecords"
    return document({"partialSuccess": {count: str(rejected), "errorMessage": error}})


def _export_response(signal: str, rejected: int, error: str) -> bytes:
    if not (rejected or error):
        return b""
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        traces.partial_success.rejected_spans = rejected
        traces.partial_success.error_message = error
        return bytes(traces.SerializeToString())
    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = rejected
    logs.partial_success.error_message = error
    return bytes(logs.SerializeToString())


def _fitting(ids: Iterable[str]) -> Iterator[str]:
    """The first ids, as many as an answer may have."""
    size = 0
    for name in ids:
        size += 4 * len(name) + 3
        if size > IDS_BYTES:
            return
        yield name


def counted(accepted: Accepted) -> Response:
    """Success of posted episodes or outcomes."""
    return document(
        {
            "accepted": accepted.accepted,
            "rejected": accepted.rejected,
            "ids": list(_fitting(accepted.ids)),
            "errors": accepted.error.splitlines(),
        }
    )
