"""A state of a sample as Inspect would hand it to a solver."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from inspect_ai.model import ModelName
from inspect_ai.solver import TaskState

from headrace.evals.solvers.chat import chat

ASK = {"role": "user", "content": "Where?"}


@pytest.fixture
def state() -> Callable[..., TaskState]:
    def made(**metadata: Any) -> TaskState:
        return TaskState(
            model=ModelName("none/none"),
            sample_id="c1",
            epoch=2,
            input=chat([ASK]),
            messages=chat([ASK]),
            metadata={"messages": [ASK], "tools": None, "cluster": "acme", **metadata},
        )

    return made


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        served: Any = self.server
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        served.asked.append((self.path, self.headers.get("authorization"), asked))
        status, given, headers = served.answers[min(len(served.asked), len(served.answers)) - 1]
        body = (given if isinstance(given, str) else json.dumps(given)).encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A run prints nothing."""


@pytest.fixture
def server() -> Iterator[Any]:
    """A real HTTP server; `answers` are given in their order, the last one again and again."""
    made: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    made.asked, made.url = [], f"http://127.0.0.1:{made.server_port}/agent"
    thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()
