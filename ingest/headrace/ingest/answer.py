"""Answers of the sidecar: acceptance and refusal in the language of the request."""

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
    answer = _refusal_body(request, told, detail)
    answer.status_code = told.status
    if told.retry_s is not None:
        answer.headers["retry-after"] = str(told.retry_s)
    return answer


def _refusal_body(request: Request, told: Refusal, detail: str) -> Response:
    otlp = request.url.path.rpartition("/")[2] in OTLP
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


def counted(accepted: Accepted) -> Response:
    """Success of posted episodes or outcomes."""
    return document(
        {
            "accepted": accepted.accepted,
            "rejected": accepted.rejected,
            "ids": accepted.ids,
            "errors": accepted.error.splitlines(),
        }
    )
