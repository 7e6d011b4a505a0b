"""JSON schemas of what the sidecar reads and answers."""

from typing import Any

import msgspec

from headrace.ingest.messages import ROLES
from headrace.ingest.otlp_json import LogsRequest, TracesRequest
from headrace.ingest.posted import HEX, MARKS, SOURCES, TARGETS, PostedEpisode, PostedOutcome

PRINTABLE = "^[ -~]{1,1000}$"  # and any letter beyond ASCII
REF = "#/components/schemas/{name}"

Node = dict[str, Any]

_WORD: Node = {"type": "string"}
_COUNT: Node = {"type": "integer", "minimum": 0}
_THINGS: Node = {"type": "array", "items": {"type": "object"}}


def schemas() -> Node:
    """By name; of what is posted they are made from what reads it."""
    read = [PostedEpisode, PostedOutcome, TracesRequest, LogsRequest]
    _, given = msgspec.json.schema_components(read, ref_template=REF)
    _sharpen(given)
    return {**given, **_answers()}


def _sharpen(given: Node) -> None:
    """Say what the readers check beyond types."""
    episode, outcome, inline = (
        given[name] for name in ("PostedEpisode", "PostedOutcome", "InlineOutcome")
    )
    message = {"type": "object", "properties": {"role": {"enum": sorted(ROLES)}}}
    episode["properties"]["messages"] |= {"minItems": 1, "items": {**message, "required": ["role"]}}
    marked = [{"required": [mark]} for mark in MARKS]
    for mark in (outcome, inline):
        mark["anyOf"] = marked
        mark["properties"]["source"]["enum"] = list(SOURCES)
    for shape in (episode, outcome, inline):
        for moment in {"at", "started_at", "ended_at"} & shape["properties"].keys():
            shape["properties"][moment]["anyOf"][0]["format"] = "date-time"
    for name in TARGETS:
        pattern = f"^[0-9a-fA-F]{{{HEX[name]}}}$" if name in HEX else PRINTABLE
        outcome["properties"][name] = {"type": "string", "pattern": pattern}
    outcome["oneOf"] = [{"required": [target]} for target in TARGETS]


def _answers() -> Node:
    refused = {"rejectedSpans": _WORD, "rejectedLogRecords": _WORD}
    partial = _object(optional=refused, errorMessage=_WORD)
    several: Node = {"type": "array", "items": _WORD}
    known: Node = {"type": ["object", "null"]}
    said = {name: _WORD for name in ("type", "title", "detail", "cure")}
    problem = {**said, "status": {"type": "integer"}}
    rows = {name: _THINGS for name in ("spans", "episodes", "outcomes")}
    return {
        "Exported": _object(optional={"partialSuccess": partial}),
        "Counted": _object(accepted=_COUNT, rejected=_COUNT, ids=several, errors=several),
        "Problem": _object(**problem),
        "OtlpProblem": _object(**problem, code=_COUNT, message=_WORD),
        "Word": _object(status=_WORD),
        "Document": _object(openapi=_WORD, paths={"type": "object"}),
        "Status": _object(spool=known, lake=known, nightly=known, verdict=known),
        "Episode": _object(project=_WORD, episode_id=_WORD, messages=_THINGS, decisions=_THINGS),
        "Trace": _object(trace_id=_WORD, assembled={"type": "boolean"}, **rows),
    }


def _object(*, optional: Node | None = None, **required: Node) -> Node:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required)}
