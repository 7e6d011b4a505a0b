"""The OpenAPI document of the sidecar, whose routes read their requests themselves."""

from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response

from headrace.ingest import answer, naming
from headrace.ingest.answer import JSON, PROTOBUF
from headrace.ingest.gate import Caller
from headrace.ingest.payload import ENCODINGS
from headrace.ingest.reader import NDJSON
from headrace.ingest.refusal import NOT_FOUND, REFUSALS, UNEXPECTED, Refusal
from headrace.ingest.schema import REF, Node, schemas

PROBLEM = "application/problem+json"
_GATE = (400, 401, 403, 421, 429, 503)
_BODY = (413, 415)
_PACKED = f"Content-Encoding may be one of {', '.join(ENCODINGS)}."
_ABOUT = (
    "Takes traces and logs over OTLP/HTTP, episodes and outcomes as JSON. A 2xx answer to a POST "
    "means that the body lies fsynced on disk. Any prefix before /v1/traces, /v1/logs and "
    "/v1/metrics is allowed."
)


async def describe(request: Request, caller: Caller) -> Response:
    """What can be asked here, as OpenAPI 3.1."""
    return answer.document(document())


@cache
def document() -> Node:
    """OpenAPI 3.1 of every address but those with a prefix."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headrace", "version": version("headrace"), "description": _ABOUT},
        "servers": [{"url": "http://127.0.0.1:4318"}],
        "security": [{"key": []}, {}],  # while no key exists, none is asked for
        "paths": {**_posts(), **_gets()},
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _posts() -> Node:
    metrics: Node = {"type": "object"}
    return {
        "/v1/traces": {"post": _export("Spans", _ref("TracesRequest"))},
        "/v1/logs": {"post": _export("Log records", _ref("LogsRequest"))},
        "/v1/metrics": {"post": _export("Metrics, which are dropped", metrics)},
        "/v1/episodes": {"post": _lines("Conversations", "PostedEpisode")},
        "/v1/outcomes": {"post": _lines("Marks of success or failure", "PostedOutcome")},
    }


def _gets() -> Node:
    prometheus = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "/v1/episodes/{episode_id}": _asked("An episode", _json("Episode"), "episode_id"),
        "/v1/traces/{trace_id}": _asked("A trace", _json("Trace"), "trace_id"),
        "/v1/status": _asked("Where the wheel stands", _json("Status")),
        "/healthz": _asked("Liveness", _json("Word"), public=True),
        "/readyz": _asked("Readiness: a small write reaches the disk", _json("Word"), public=True),
        "/metrics": _asked("Prometheus", prometheus),
        "/openapi.json": _asked("This document", _json("Document"), public=True),
    }


def _export(about: str, schema: Node) -> Node:
    """A POST of OTLP, answered in the type of the request."""
    told = {**_json("Exported"), PROTOBUF: _binary()}
    refused = {**_json("OtlpProblem"), PROTOBUF: _binary(), PROBLEM: _json("Problem")[JSON]}
    content = {JSON: {"schema": schema}, PROTOBUF: _binary()}
    return {
        "summary": f"{about}, over OTLP",
        "parameters": [_project()],
        "requestBody": {"required": False, "description": _PACKED, "content": content},
        "responses": {"200": _said("On disk", told), **_refusals((*_GATE, *_BODY), refused)},
    }


def _lines(about: str, name: str) -> Node:
    """A POST of one JSON object, or of one in each line."""
    lines = {kind: {"schema": {"type": "string"}} for kind in NDJSON}
    content = {**_json(name), **lines}
    refusals = _refusals((*_GATE, *_BODY, 408), {PROBLEM: _json("Problem")[JSON]})
    return {
        "summary": f"{about}: one, or one a line",
        "parameters": [_project()],
        "requestBody": {"required": True, "description": _PACKED, "content": content},
        "responses": {"200": _said("On disk", _json("Counted")), **refusals},
    }


def _asked(about: str, content: Node, name: str | None = None, *, public: bool = False) -> Node:
    """GET and HEAD of what is known."""
    statuses = (421, 503) if public else (*_GATE, *([404] if name else []))
    project = [] if public else [_project()]
    part = {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
    operation: Node = {
        "summary": about,
        "parameters": [*([part] if name else []), *project],
        "responses": {
            "200": _said(about, content),
            **_refusals(statuses, {PROBLEM: _json("Problem")[JSON]}),
        },
    }
    if public:
        operation["security"] = [{}]
    head: Node = {
        **operation,
        "responses": {k: _bare(v) for k, v in operation["responses"].items()},
    }
    return {"get": operation, "head": head}


def _project() -> Node:
    schema = {"type": "string", "maxLength": naming.PROJECT_CHARS}
    return {"in": "header", "name": "x-headrace-project", "schema": schema}


def _refusals(statuses: Iterable[int], content: Node) -> Node:
    """The answers of these statuses; each says what it may mean and the cure."""
    table = [told for _, told in REFUSALS] + [NOT_FOUND, UNEXPECTED]
    return {str(status): _refusal(status, table, content) for status in sorted(set(statuses))}


def _refusal(status: int, table: Iterable[Refusal], content: Node) -> Node:
    rows = [told for told in table if status in (told.status, told.otlp_status)]
    about = " ".join(f"{told.title} ({told.reason}). {told.cure}" for told in rows)
    answer: Node = _said(about or HTTPStatus(status).phrase, content)
    if any(told.retry_s is not None for told in rows):
        answer["headers"] = {"retry-after": {"schema": {"type": "integer"}, "required": True}}
    return answer


def _said(about: str, content: Node) -> Node:
    return {"description": about, "content": content}


def _bare(answer: Node) -> Node:
    return {name: part for name, part in answer.items() if name != "content"}


def _json(name: str) -> Node:
    return {JSON: {"schema": _ref(name)}}


def _binary() -> Node:
    return {"schema": {"type": "string", "format": "binary"}}


def _ref(name: str) -> Node:
    return {"$ref": REF.format(name=name)}
