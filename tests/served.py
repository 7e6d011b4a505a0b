"""A real HTTP server on loopback that answers as a test says, and remembers what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        served: Any = self.server
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        served.asked.append((self.path, dict(self.headers), asked))
        status, given, headers = served.answer(asked)
        body = (given if isinstance(given, str) else json.dumps(given)).encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        with suppress(BrokenPipeError):  # who asked may have gone
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a run prints nothing."""


@contextmanager
def serving(path: str = "") -> Iterator[Any]:
    """Set `answer`, which gives status, body (JSON unless text) and headers; read `asked`, `url`.

    `asked` has path, headers and decoded body of each request.
    """
    made: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    made.asked, made.url = [], f"http://127.0.0.1:{made.server_port}{path}"
    thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()
