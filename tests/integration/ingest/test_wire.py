"""What docs/wire shows arrives: its curl lines, and its agent under OpenTelemetry's GenAI spans."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.ingest.conftest import Client

WIRE = Path(__file__).parents[3] / "docs" / "wire"
PORT = "http://127.0.0.1:4318"
SWITCH = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
PYTHON = os.environ.get("HEADRACE_WIRE_PYTHON")  # of an environment with what the page installs
NEEDED = ("openai", "opentelemetry.instrumentation.genai.openai", "opentelemetry.distro")


class Model(BaseHTTPRequestHandler):
    """The provider, whose network is not there: one answer to every chat."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = {"role": "assistant", "content": "It leaves today."}
        answer = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: its log is no output of a test."""


@contextmanager
def model() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def blocks(page: str, language: str) -> list[str]:
    text = (WIRE / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def curls(page: str) -> list[list[str]]:
    """The words of every curl command of a page."""
    commands: list[list[str]] = []
    for block in blocks(page, "sh"):
        for word in shlex.split(block.replace("\\\n", " ").replace("'$TRACE_ID'", "$TRACE_ID")):
            if word == "curl":
                commands.append([])
            if commands:
                commands[-1].append(word)
    return commands


def send(words: list[str], shared: Client) -> Any:
    """Run a curl command as it stands, but for the port; where there is no curl, what it says."""
    url = next(word for word in words if word.startswith(PORT))
    here = url.replace(PORT, shared.address.url)
    if shutil.which("curl"):
        line = [here if word == url else word for word in words]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)
    headers = [words[n + 1] for n, word in enumerate(words) if word == "-H"]
    told = dict(header.split(": ", 1) for header in headers)
    data = words[words.index("-d") + 1]
    return httpx.post(here, headers=told, content=data, trust_env=False).json()


@pytest.fixture(scope="module")
def curled(shared: Client) -> list[Any]:
    answers = [send(words, shared) for words in curls("curl.md")]
    shared.drained()
    return answers


def test_every_curl_line_is_accepted(curled: list[Any]) -> None:
    episode, traces, *outcomes = curled
    assert traces == {}
    assert [answer["accepted"] for answer in (episode, *outcomes)] == [1, 1, 1]
    shown = re.search(r"The answer is `(.+?)`", (WIRE / "curl.md").read_text())
    assert shown and json.loads(shown[1]) == episode


def test_a_posted_episode_is_there_with_its_outcome(curled: list[Any], shared: Client) -> None:
    known = shared.get("/v1/episodes/ticket-812").raise_for_status().json()
    named = [known[name] for name in ("release", "conversation_id", "user_id", "model")]
    assert named == ["2026-11-01", "chat-17", "u-42", "gpt-5.1"]
    assert [mark["name"] for mark in known["outcomes"]] == ["reopened"]


def test_a_posted_span_is_there_with_its_outcome(curled: list[Any], shared: Client) -> None:
    trace = shared.get("/v1/traces/5b8efff798038103d269b633813fc60c").raise_for_status().json()
    [span] = trace["spans"]
    assert (span["kind"], span["convention"], span["defects"]) == ("llm", "gen_ai", [])
    assert [mark["name"] for mark in trace["outcomes"]] == ["solved"]


def _interpreter() -> Path:
    if PYTHON:
        return Path(PYTHON)
    for name in NEEDED:
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:  # of a parent package
            found = None
        if found is None:
            pytest.skip(
                f"{name} is not installed: install what docs/wire/openai-anthropic.md says, or "
                "name the interpreter of an environment that has it in HEADRACE_WIRE_PYTHON"
            )
    return Path(sys.executable)


def ran(python: Path, folder: Path, shared: Client, capture: bool) -> str:
    """The trace id that the page's agent prints, run as the page says."""
    exports = [line for line in blocks("openai-anthropic.md", "sh")[0].splitlines()]
    words = [
        word
        for line in exports
        if line.startswith("export ")
        for word in shlex.split(line, comments=True)[1:]
    ]
    told = dict(word.split("=", 1) for word in words)
    told["OTEL_EXPORTER_OTLP_ENDPOINT"] = shared.address.url
    if not capture:
        del told[SWITCH]
    (folder / "agent.py").write_text(blocks("openai-anthropic.md", "python")[0])
    command = [str(python.parent / "opentelemetry-instrument"), str(python), "agent.py"]
    with model() as url:
        own = {"PATH": os.environ["PATH"], "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
        done = subprocess.run(command, cwd=folder, env=told | own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


@pytest.mark.parametrize("capture", [True, False], ids=["captured", "not captured"])
def test_the_agent_of_the_page_arrives(tmp_path: Path, shared: Client, capture: bool) -> None:
    trace_id = ran(_interpreter(), tmp_path, shared, capture)
    [outcome] = curls("openai-anthropic.md")
    assert send([word.replace("$TRACE_ID", trace_id) for word in outcome], shared)["accepted"] == 1
    shared.drained()
    trace = shared.get(f"/v1/traces/{trace_id}").raise_for_status().json()
    calls = [span for span in trace["spans"] if span["kind"] == "llm"]
    assert [call["defects"] for call in calls] == [[] if capture else ["no_content"]]
    assert [mark["success"] for mark in trace["outcomes"]] == [True]
    with shared.bench.lake() as lake:
        sql = "select kind, conversation_id, user_id, release from spans where trace_id = $id"
        rows = lake.rows(sql, {"id": trace_id})
    assert {"2026-11-01"} == {row["release"] for row in rows}
    [turn] = [row for row in rows if row["kind"] == "other"]
    assert (turn["conversation_id"], turn["user_id"]) == ("chat-17", "u-42")
