"""Who passes the gate when there are keys, and whose data they see."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess

from headrace.ingest import keyfile
from headrace.ingest.errors import BadKeys
from headrace.ingest.gate import Gate
from headrace.ingest.key import Cost, Scope, minted
from headrace.ingest.keyring import LOOK_S
from headrace.lake.settings import MIB, Settings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MARK = {"conversation": "c", "success": True}
OPEN = ("/healthz", "/readyz")
READS = ("/v1/status", "/v1/episodes/e", "/v1/traces/t", "/metrics")
POSTS = ("/v1/traces", "/v1/logs", "/v1/metrics", "/v1/episodes", "/v1/outcomes",
         "/api/public/otel/v1/traces")  # fmt: skip


class Keys:
    """The keys of a door, and its clock."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.keys_path
        self.now = 0.0

    def add(self, name: str, *scopes: Scope, project: str | None = None) -> dict[str, str]:
        """The headers with which the new key is presented."""
        entry, text = minted(name, scopes, project, NOW, Cost(n=2, r=1))
        keyfile.add(self.path, entry)
        self.now += LOOK_S
        return {"authorization": f"Bearer {text}"}

    def revoke(self, name: str) -> None:
        keyfile.revoke(self.path, name)
        self.now += LOOK_S


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, body_bytes=4 * MIB)


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys(settings)


@pytest.fixture
def keyed(settings: Settings, keys: Keys, spool: Any, lake: Any, opened: Any) -> Iterator[Any]:
    """A door with one key, of all scopes and projects, that is asked for by its own clock."""
    keys.add("chief", "admin")
    with opened(settings, spool, lake) as door:
        door.app.state.gate = Gate(settings, clock=lambda: keys.now)
        yield door


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:headrace:problem:")


@pytest.mark.parametrize("path", OPEN)
def test_whether_it_lives_is_told_to_everybody(keyed: Any, path: str) -> None:
    assert keyed.get(path, headers={"host": "load-balancer.example"}).status_code == 200


@pytest.mark.parametrize("path", READS)
def test_every_question_needs_a_key(keyed: Any, path: str) -> None:
    answer = keyed.get(path)
    assert reason(answer) == (401, "no_key")
    assert answer.headers["www-authenticate"] == 'Bearer realm="headrace"'
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("path", POSTS)
def test_every_post_needs_a_key_before_its_body_is_read(keyed: Any, path: str) -> None:
    def body() -> Iterator[bytes]:
        pytest.fail("it was read")
        yield b""

    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        pytest.fail("the body was read")

    async def send(message: Any) -> None:
        said.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": path, "query_string": b""}
    scope |= {"http_version": "1.1", "scheme": "http", "headers": [(b"host", b"x.example")]}
    keyed.runner.run(keyed.app(scope, receive, send))
    assert said[0]["status"] == 401
    assert keyed.spooled() == []


def test_a_refusal_in_protobuf_is_a_status_that_exporters_can_read(keyed: Any) -> None:
    answer = keyed.post("/v1/traces", headers={"content-type": "application/x-protobuf"})
    status = ExportTracePartialSuccess()
    status.ParseFromString(answer.content)
    assert (answer.status_code, status.rejected_spans) == (401, 16)  # UNAUTHENTICATED
    assert "needs an API key" in status.error_message


@pytest.mark.parametrize(
    ("scopes", "reads", "posts"),
    [
        (("ingest",), 403, 200),
        (("read",), 200, 403),
        (("ingest", "read"), 200, 200),
        (("admin",), 200, 200),
    ],
)
def test_a_scope_opens_what_it_is_for(
    keyed: Any, keys: Keys, scopes: tuple[Scope, ...], reads: int, posts: int
) -> None:
    headers = keys.add("one", *scopes)
    assert keyed.get("/v1/status", headers=headers).status_code == reads
    assert keyed.get("/metrics", headers=headers).status_code == reads
    assert keyed.post("/v1/outcomes", json=MARK, headers=headers).status_code == posts


def test_what_is_missing_is_named(keyed: Any, keys: Keys) -> None:
    refused = keyed.get("/v1/status", headers=keys.add("one", "ingest"))
    assert reason(refused) == (403, "scope")
    assert "lacks the scope 'read'" in refused.json()["detail"]
    assert "www-authenticate" not in refused.headers
    refused = keyed.post("/v1/outcomes", json=MARK, headers=keys.add("two", "read"))
    assert "lacks the scope 'ingest'" in refused.json()["detail"]


def test_refusals_are_counted_by_reason_and_name_no_key(keyed: Any, keys: Keys) -> None:
    chief, good = keys.add("boss", "admin"), keys.add("one", "ingest")
    bad = {"authorization": good["authorization"][:-48] + "0" * 48}
    with structlog.testing.capture_logs() as logs:
        answers = [keyed.get("/v1/status", headers=headers) for headers in ({}, bad, good)]
    assert [reason(answer) for answer in answers] == [
        (401, "no_key"), (401, "wrong_key"), (403, "scope")]  # fmt: skip
    assert (
        answers[1].headers["www-authenticate"] == 'Bearer realm="headrace", error="invalid_token"'
    )
    said = str(logs) + "".join(answer.text for answer in answers)
    for headers in (bad, good):
        _, identity, secret = headers["authorization"].split("_")
        assert identity not in said and secret not in said
    counted = keyed.get("/metrics", headers=chief).text
    assert all(f'"{name}"' in counted for name in ("no_key", "wrong_key", "scope"))


@pytest.mark.parametrize("form", ["Bearer", "encoded", "basic", "x-api-key", "api_key"])
def test_each_form_of_an_exporter_passes(keyed: Any, keys: Keys, form: str) -> None:
    bearer = keys.add("one", "ingest")["authorization"]
    key = bearer.removeprefix("Bearer ")
    basic = base64.b64encode(f"pk-lf-1:{key}".encode()).decode()
    headers = {
        "Bearer": {"authorization": bearer},
        "encoded": {"authorization": bearer.replace(" ", "%20")},
        "basic": {"authorization": f"Basic {basic}"},
        "x-api-key": {"x-api-key": key},
        "api_key": {"api_key": key},
    }[form]
    assert keyed.post("/v1/outcomes", json=MARK, headers=headers).status_code == 200


def test_with_a_key_it_does_not_matter_what_the_host_is_called(keyed: Any, keys: Keys) -> None:
    headers = keys.add("one", "read") | {"host": "traces.example.com"}
    assert keyed.get("/v1/status", headers=headers).status_code == 200


def posted(door: Any, headers: dict[str, str], **fields: Any) -> str | None:
    """The project that a mark is spooled under."""
    assert door.post("/v1/outcomes", json=MARK | fields, headers=headers).status_code == 200
    project: str | None = door.spooled()[-1].project
    return project


def test_the_project_of_a_key_wins_over_header_and_payload(keyed: Any, keys: Keys) -> None:
    mine = keys.add("mine", "ingest", project="mine")
    assert posted(keyed, mine) == "mine"
    assert posted(keyed, mine | {"x-headrace-project": "yours"}, project="yours") == "mine"
    assert posted(keyed, mine | {"x-headrace-project": "a" * 999}) == "mine"


def test_a_key_of_every_project_leaves_the_choice_to_the_request(keyed: Any, keys: Keys) -> None:
    free = keys.add("free", "ingest")
    assert posted(keyed, free) is None
    assert posted(keyed, free | {"x-headrace-project": "yours"}) == "yours"


def test_rows_of_a_bound_key_are_its_projects_whatever_they_say(
    keyed: Any, keys: Keys, read: Any
) -> None:
    headers = keys.add("mine", "ingest", project="mine")
    told = {"attributes": [{"key": "headrace.project", "value": {"stringValue": "yours"}}]}
    span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
    scopes = [{"spans": [span | {"name": "chat"} | told]}]
    export = {"resourceSpans": [{"resource": told, "scopeSpans": scopes}]}
    episode = {"project": "yours", "messages": [{"role": "user", "content": "hi"}],
               "outcome": {"success": True}}  # fmt: skip
    assert keyed.post("/v1/traces", json=export, headers=headers).status_code == 200
    assert keyed.post("/v1/episodes", json=episode, headers=headers).status_code == 200
    posted(keyed, headers, project="yours")
    bodies = keyed.spooled()
    batches = [read(b.signal, b.content_type, b.payload, b.project) for b in bodies]
    rows = [
        row
        for batch in batches
        for table in (batch.spans, batch.outcomes, getattr(batch, "episodes", ()))
        for row in table
    ]
    assert len(rows) >= 3
    assert {row.project for row in rows} == {"mine"}


def test_keys_that_come_and_go_take_effect_while_it_runs(
    door: Any, settings: Settings, keys: Keys
) -> None:
    door.app.state.gate = Gate(settings, clock=lambda: keys.now)
    assert door.post("/v1/outcomes", json=MARK).status_code == 200  # none: this machine alone
    assert door.get("/v1/status", headers={"host": "evil.example"}).status_code == 421
    first = keys.add("first", "ingest")
    assert door.post("/v1/outcomes", json=MARK).status_code == 401
    assert door.post("/v1/outcomes", json=MARK, headers=first).status_code == 200
    second = keys.add("second", "ingest")
    keys.revoke("first")
    assert door.post("/v1/outcomes", json=MARK, headers=first).status_code == 401
    assert door.post("/v1/outcomes", json=MARK, headers=second).status_code == 200
    keys.revoke("second")
    for headers in ({}, first, second):  # the last key gone, nobody gets in
        assert door.post("/v1/outcomes", json=MARK, headers=headers).status_code == 401
    third = keys.add("third", "ingest")
    assert door.post("/v1/outcomes", json=MARK, headers=third).status_code == 200


def test_without_a_key_nothing_is_asked_but_the_host(door: Any) -> None:
    for headers in ({}, {"authorization": "Bearer hr_0_0"}, {"x-api-key": "ls-1"}):
        assert door.get("/v1/status", headers=headers).status_code == 200


def test_a_damaged_file_lets_no_gate_open(settings: Settings) -> None:
    settings.keys_path.write_text("{")
    with pytest.raises(BadKeys, match="damaged"):
        Gate(settings)


def test_a_key_over_its_rate_is_told_when_to_come_again(
    keys: Keys, settings: Settings, spool: Any, lake: Any, opened: Any
) -> None:
    one, two = keys.add("one", "ingest"), keys.add("two", "ingest")
    slow = settings.model_copy(update={"key_requests_per_s": 0.5, "key_burst_s": 4})
    with opened(slow, spool, lake) as door:
        door.app.state.gate = Gate(slow, clock=lambda: keys.now)
        sent = [door.post("/v1/outcomes", json=MARK, headers=one) for _ in range(3)]
        assert [answer.status_code for answer in sent] == [200, 200, 429]
        assert reason(sent[2]) == (429, "rate")
        assert sent[2].headers["retry-after"] == "2"
        assert door.post("/v1/outcomes", json=MARK, headers=two).status_code == 200
        assert door.get("/healthz", headers=one).status_code == 200
        keys.now += 2
        assert door.post("/v1/outcomes", json=MARK, headers=one).status_code == 200


def test_bytes_without_an_announced_length_count_too(
    keys: Keys, settings: Settings, spool: Any, lake: Any, opened: Any
) -> None:
    headers = keys.add("one", "ingest") | {"content-type": "application/json"}
    slow = settings.model_copy(update={"key_bytes_per_s": 10, "key_burst_s": 1})

    async def chunks() -> Any:
        for byte in json.dumps(MARK):
            yield byte.encode()

    with opened(slow, spool, lake) as door:
        door.app.state.gate = Gate(slow, clock=lambda: keys.now)
        assert door.post("/v1/outcomes", content=chunks(), headers=headers).status_code == 200
        assert len(door.spooled()) == 1
        answer = door.post("/v1/outcomes", content=chunks(), headers=headers)
        assert reason(answer) == (429, "rate")
        assert answer.headers["retry-after"] == "3"  # 39 bytes came, 10 were there


def test_without_keys_the_rate_is_one_for_everybody(
    settings: Settings, spool: Any, lake: Any, opened: Any
) -> None:
    slow = settings.model_copy(update={"key_requests_per_s": 0.001, "key_burst_s": 2000})
    with opened(slow, spool, lake) as door:
        answers = [door.get("/v1/status", headers={"x-forwarded-for": str(n)}) for n in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
