"""No secret reaches the lake, whatever it came in; in strict mode none reaches the disk."""

import gzip
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from headrace.ingest.load import load
from headrace.ingest.picks import Picks
from headrace.lake import Lake
from headrace.lake.record import LogEvent
from headrace.lake.settings import Settings

TRACE = "5b8efff798038103d269b633813fc60c"
TABLES = ("messages", "toolsets", "spans", "log_events", "outcomes", "episodes", "dead_letters")

# drawn up for this test; each in a place of its own
PLANTED = {
    "message": "sk-proj-" + "mEssAge5gH7jK9mN1pQ3sT5vW7yZ9",
    "arguments": "ghp_" + "arguments0ghijklmnopqrstuvwxyz012345",
    "header": "mill-header-4711",
    "resource": "mill-resource-4712",
    "status": "AKIA" + "STATUSEFGH234567",
    "event": "glpat-" + "event5gH7jK9mN1pQ3sT5vW7yZ9",
    "log": "xoxb-" + "123456789012-log5gH7jK9mN1pQ3sT5vW7yZ9",
    "episode": "hf_" + "episodeFGhiJKlmNOpqRStuVWxyZabCDefGH",
    "metadata": "mill-metadata-4713",
    "comment": "gsk_" + "comment5gH7jK9mN1pQ3sT5vW7yZ9aB3dE5gH7jK9mN1pQ3s",
    "letter": "sk-ant-" + "letter5gH7jK9mN1pQ3sT5vW7yZ9aB3dE5",
    "letter_key": "mill-letter-4714",
}


def pairs(**values: object) -> list[dict[str, Any]]:
    return [
        {"key": key.replace("__", "."), "value": {"stringValue": value}}
        for key, value in values.items()
    ]


def traces() -> dict[str, Any]:
    call = {"type": "tool_call", "id": "c1", "name": "clone"}
    call["arguments"] = json.dumps({"url": f"https://{PLANTED['arguments']}@git.example/m.git"})
    said = [
        {
            "role": "user",
            "parts": [{"type": "text", "content": f"Use {PLANTED['message']}, please"}],
        },
        {"role": "assistant", "parts": [call]},
    ]
    span = {
        "traceId": TRACE,
        "spanId": "2" * 16,
        "name": "chat mill",
        "attributes": pairs(
            gen_ai__operation__name="chat",
            gen_ai__input__messages=json.dumps(said),
            http__request__header__authorization=PLANTED["header"],
        ),
        "events": [{"name": "exception", "attributes": pairs(message=f"no {PLANTED['event']}.")}],
        "status": {"code": 2, "message": f"rejected {PLANTED['status']}."},
    }
    resource = {"attributes": pairs(service__name="mill", env__DB_PASSWORD=PLANTED["resource"])}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}


def logs() -> dict[str, Any]:
    record = {
        "eventName": "gen_ai.user.message",
        "traceId": TRACE,
        "body": {"kvlistValue": {"values": pairs(content=f"and {PLANTED['log']} too")}},
    }
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


EPISODE = {
    "id": "e",
    "messages": [
        {"role": "user", "content": f"my token: {PLANTED['episode']}."},
        {"role": "assistant", "content": "Thank you."},
    ],
    "metadata": {"login": {"password": PLANTED["metadata"]}},
}
OUTCOME = {"id": "o", "episode": "e", "success": True, "comment": f"it said {PLANTED['comment']}!"}
LETTER = {
    "id": "x",
    "sucess": True,
    "comment": PLANTED["letter"],
    "secret_key": PLANTED["letter_key"],
}


def leaks(home: Path) -> list[tuple[str, str]]:
    """Where in the files of a home and in the tables of its lake a planted secret stands."""
    texts = {path.name: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    with Lake.open(home) as lake:
        for table in TABLES:
            rows = lake.rows(f"select * from {table}")
            texts[table] = repr(rows).encode()
    if (home / "spool.sqlite").exists():
        texts["spooled"] = b"\n".join(spooled(home))
    return [
        (place, name)
        for place, text in texts.items()
        for name, secret in PLANTED.items()
        if secret.encode() in text
    ]


def spooled(home: Path) -> Iterator[bytes]:
    """All that the spool holds, unpacked: texts in it are not to be seen from outside."""
    with sqlite3.connect(home / "spool.sqlite") as connection:
        for (table,) in connection.execute(
            "select name from sqlite_master where type = 'table'"
        ).fetchall():
            for row in connection.execute(f"select * from {table}"):
                yield from (unpacked(value) for value in row if isinstance(value, bytes))
    connection.close()


def unpacked(packed: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    except zstandard.ZstdError:
        return packed


def post_everything(client: Any) -> None:
    client.post("/v1/traces", json=traces()).raise_for_status()
    client.post("/v1/logs", json=logs()).raise_for_status()
    client.post("/v1/episodes", json=EPISODE).raise_for_status()
    client.post("/v1/outcomes", json=OUTCOME).raise_for_status()


def vacuum(home: Path) -> None:
    with sqlite3.connect(home / "spool.sqlite") as connection:
        connection.execute("vacuum")
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def test_after_the_drain_no_secret_is_left_anywhere(bench: Any) -> None:
    with bench.running() as client:
        post_everything(client)
        with bench.spool() as spool:  # as a version before this one had acknowledged it
            for payload in (json.dumps(LETTER), json.dumps(LETTER) + "\n{"):
                at = now()
                spool.append(
                    "outcomes", "application/x-ndjson", None, payload.encode(), at
                ).result()
            spool.append("traces", "application/json", None, json.dumps(traces())[:-3].encode(),
                         now()).result()  # fmt: skip
        status = client.drained()
        assert status["dead_letters"] == 3
        assert status["lake"]["spans"] == status["lake"]["episodes"] == 1
    vacuum(bench.settings.home)
    assert leaks(bench.settings.home) == []
    with bench.lake() as lake:
        [span] = lake.rows("select defects from spans")
        kinds = {defect.partition(":")[2] for defect in span["defects"] if ":" in defect}
        assert kinds >= {"openai_key", "authorization", "password", "aws_access_key"}
    assert "secrets_removed" in bench.log


def test_in_strict_mode_nothing_secret_is_ever_written(bench: Any, tmp_path: Path) -> None:
    away = tmp_path / "away"
    changes = {"strict_secrets": True, "catalog": f"sqlite:{away}/catalog.sqlite"}
    bench.settings = bench.settings.model_copy(update=changes)
    with bench.running() as client:  # the lake is away: all stays in the spool
        post_everything(client)
        assert client.status()["spool"]["depth"] == 4
        home = bench.settings.home
        held = b"\n".join(
            [*spooled(home), *(p.read_bytes() for p in home.iterdir() if p.is_file())]
        )
        assert [name for name, secret in PLANTED.items() if secret.encode() in held] == []
        assert b"[secret:openai_key]" in held
        away.mkdir()
        assert client.drained()["lake"]["spans"] == 1
    with bench.lake() as lake:
        [span] = lake.rows("select defects, name from spans")
        assert span["name"] == "chat mill"
        assert "secret_removed:openai_key" in span["defects"]


def test_a_loaded_file_leaves_its_secrets_behind(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps(EPISODE).encode()))
    settings = Settings(home=tmp_path / "home")
    with Lake.open(settings=settings) as lake:
        load(lake, [file], Picks(messages="messages"), project="p", now=now())
        [episode] = lake.rows("select defects from episodes")
    assert "secret_removed:huggingface_token" in episode["defects"]
    assert leaks(settings.home) == []


def now() -> datetime:
    return datetime.now(UTC)


def test_the_search_for_leaks_finds_what_is_there(tmp_path: Path) -> None:
    event = LogEvent(project="p", name="x", received_at=now(), body=f'"{PLANTED["log"]}"')
    with Lake.open(tmp_path) as lake:
        lake.write(lambda tx: tx.append("log_events", [event]))
    (tmp_path / "sidecar.log").write_text(f"a {PLANTED['event']} b")
    assert {("log_events", "log"), ("sidecar.log", "event")} <= set(leaks(tmp_path))
