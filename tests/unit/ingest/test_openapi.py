"""The OpenAPI document: it names every route there is, and describes what routes really read."""

import json
from typing import Any

import pytest
from fastapi.routing import APIRoute
from jsonschema_rs import is_valid

from headrace.ingest.openapi import document
from headrace.ingest.refusal import REFUSALS

TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = {
    "traceId": TRACE,
    "spanId": "eee19b7ec3c1b174",
    "startTimeUnixNano": "1",
    "attributes": [{"key": "a", "value": {"intValue": 3}}],
    "later": 1,
}
TALK = [{"role": "user", "content": "hi"}]


def body_schema(path: str) -> dict[str, Any]:
    told = document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return {**told["schema"], "components": document()["components"]}


def test_every_route_is_described_and_nothing_else(door: Any) -> None:
    there = {
        (route.path.replace(":path}", "}"), method.lower())
        for route in door.app.routes
        if isinstance(route, APIRoute) and "{prefix" not in route.path
        for method in route.methods or ()
    }
    told = {(path, method) for path, ways in document()["paths"].items() for method in ways}
    assert told == there


def test_everybody_may_read_it(door: Any) -> None:
    answer = door.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == json.loads(json.dumps(document()))


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
def test_exporters_find_the_statuses_they_know(path: str) -> None:
    answers = document()["paths"][path]["post"]["responses"]
    assert {"200", "400", "401", "413", "415", "429", "503"} <= set(answers)
    assert "408" not in answers
    assert "retry-after" in answers["503"]["headers"]
    assert "application/x-protobuf" in answers["400"]["content"]


def test_every_refusal_has_its_place_and_tells_its_cure() -> None:
    answers = [
        answer
        for ways in document()["paths"].values()
        for way in ways.values()
        for status, answer in way["responses"].items()
        if status != "200"
    ]
    told = " ".join(answer["description"] for answer in answers)
    assert [refusal.reason for _, refusal in REFUSALS if refusal.cure not in told] == []
    assert all(answer["description"] for answer in answers)


POSTED: list[tuple[str, dict[str, Any]]] = [
    ("/v1/episodes", {"messages": TALK}),
    ("/v1/episodes", {"id": 7, "messages": TALK, "outcome": {"score": 0.5}, "cost_usd": "0.1"}),
    ("/v1/outcomes", {"trace_id": TRACE, "success": True}),
    ("/v1/outcomes", {"episode": "e", "correction": {"content": "so"}, "source": "human"}),
    ("/v1/traces", {}),
    ("/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}),
    ("/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"eventName": "x"}]}]}]}),
]


@pytest.mark.parametrize(("path", "body"), POSTED)
def test_what_is_taken_fits_the_schema(door: Any, path: str, body: dict[str, Any]) -> None:
    assert door.post(path, json=body).status_code == 200
    assert is_valid(body_schema(path), body)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/episodes", {}),
        ("/v1/episodes", {"messages": TALK, "mesages": []}),
        ("/v1/episodes", {"messages": "hi"}),
        ("/v1/outcomes", {"trace_id": TRACE, "success": "yes"}),
        ("/v1/outcomes", {"trace_id": TRACE, "score": []}),
        ("/v1/outcomes", {"trace_id": TRACE}),
        ("/v1/outcomes", {"success": True}),
        ("/v1/outcomes", {"trace_id": TRACE, "episode": "e", "success": True}),
        ("/v1/outcomes", {"trace_id": TRACE, "success": True, "source": "me"}),
        ("/v1/episodes", {"messages": []}),
        ("/v1/episodes", {"messages": [{"role": "bot"}]}),
        ("/v1/traces", {"resourceSpans": {}}),
        ("/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": [{"events": "none"}]}]}]}),
    ],
)
def test_what_does_not_fit_the_schema_is_refused(
    door: Any, path: str, body: dict[str, Any]
) -> None:
    assert not is_valid(body_schema(path), body)
    assert door.post(path, json=body).status_code == 400
