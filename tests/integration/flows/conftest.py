"""One Prefect server for all tests of the flows: starting one takes most of a test."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

TASKS = 40
PER_TASK = 3
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"id": "7"}'}}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "look something up",
            "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
        },
    }
]
NOUNS = "river mill wheel stone grain sack bread oven cart road bridge market".split()


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which flows report to the server."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api"
    try:
        transport = httpx.HTTPTransport(retries=0)
        with httpx.Client(transport=transport, trust_env=False) as client:
            _await(server, client, url)
        yield {**environment, "PREFECT_API_URL": url}
    finally:
        server.terminate()
        server.wait()


def _await(server: "subprocess.Popen[bytes]", client: httpx.Client, url: str) -> None:
    while server.poll() is None:
        try:
            if client.get(f"{url}/health").is_success:
                return
        except httpx.TransportError:
            continue
    pytest.fail("the Prefect server did not start")


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 120 conversations: 40 tasks, three releases, two of three succeed."""
    file = tmp_path_factory.mktemp("runs") / "runs.jsonl"
    with file.open("w") as out:
        for task in range(TASKS):
            for release in range(PER_TASK):
                out.write(json.dumps(conversation(task, release)) + "\n")
    return file


def conversation(task: int, release: int) -> dict[str, object]:
    """A request of its own, one tool call, an answer of its own."""
    own = "".join("abcdefghij"[int(digit)] for digit in f"{task:02d}")  # a number would be masked
    words = " ".join(NOUNS[(task * 7 + i * (task + 1)) % len(NOUNS)] + own for i in range(12))
    reply = f"The {words} was found in release {release}."
    return {
        "task": f"task-{task}",
        "release": f"r{release}",
        "started_at": f"2026-0{release + 1}-01T00:{task:02d}:00Z",
        "passed": (task + release) % 3 != 0,
        "tools": TOOLS,
        "messages": [
            {"role": "system", "content": "You look things up."},
            {"role": "user", "content": f"Please find {words}."},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": f"record {task}"},
            {"role": "assistant", "content": reply},
        ],
    }
