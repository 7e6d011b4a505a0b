"""Connections that post batches and send them again as an OTLP exporter does."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException

from durable.batch import Batch, Key
from durable.plant import Plant, awaited

AGAIN = (429, 502, 503, 504)  # what the OTLP specification lets an exporter send again
PAUSE_S = 0.05  # in the place of Retry-After: a benchmark does not wait ten seconds
ANSWER_S = 30.0


class Ledger:
    """What was sent and what was answered."""

    def __init__(self) -> None:
        self.sent: set[Key] = set()
        self.acknowledged: set[Key] = set()
        self.refused: set[Key] = set()
        self.batches = 0
        self.accepted = 0  # batches
        self.resent = 0
        self.statuses: Counter[int] = Counter()  # other than 200
        self._changing = threading.Lock()

    def note_sent(self, batch: Batch, *, again: bool) -> None:
        with self._changing:
            self.batches += not again
            self.resent += again
            self.sent |= batch.keys

    def note_answer(self, batch: Batch, status: int) -> bool:
        """Whether that was the last word on a batch."""
        with self._changing:
            if status == 200:
                self.accepted += 1
                self.acknowledged |= batch.keys
                return True
            self.statuses[status] += 1
            if status in AGAIN:
                return False
            self.refused |= batch.keys
            return True


class Clients:
    """Threads with a connection each; every batch is sent until it has its last answer."""

    def __init__(
        self,
        plant: Plant,
        ledger: Ledger,
        make: Callable[[int, random.Random], Batch],
        *,
        rng: random.Random,
        connections: int = 3,
        pause_s: float = 0.005,
    ) -> None:
        self._plant = plant
        self.ledger = ledger
        self._make = make
        self._pause_s = pause_s
        self._numbers = iter(range(10**9))
        self._counting = threading.Lock()
        self._stopping = threading.Event()
        self._mine = threading.local()
        self._faults: list[BaseException] = []
        self._threads = [
            threading.Thread(
                target=self._run, args=(random.Random(rng.getrandbits(64)),), daemon=True
            )
            for _ in range(connections)
        ]
        for thread in self._threads:
            thread.start()

    def progress(self, batches: int) -> None:
        """Wait until so many more batches are acknowledged."""
        goal = self.ledger.accepted + batches
        awaited(lambda: self._faults or self.ledger.accepted >= goal, "batches are acknowledged")
        self._check()

    def refused(self, status: int, times: int) -> None:
        """Wait until so many more answers had this status."""
        goal = self.ledger.statuses[status] + times
        awaited(
            lambda: self._faults or self.ledger.statuses[status] >= goal, f"answers with {status}"
        )
        self._check()

    def finish(self) -> None:
        """Begin no more batches; wait for the last word on those that are on their way."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._check()

    def _check(self) -> None:
        if self._faults:
            raise RuntimeError("a client failed") from self._faults[0]

    def _run(self, rng: random.Random) -> None:
        try:
            while not self._stopping.wait(self._pause_s):
                with self._counting:
                    number = next(self._numbers)
                self._deliver(self._make(number, rng))
        except Exception as error:  # told by whoever waits for progress
            self._faults.append(error)

    def _deliver(self, batch: Batch) -> None:
        again = False
        while True:
            port = awaited(lambda: self._plant.port, "a sidecar serves")
            self.ledger.note_sent(batch, again=again)
            status = self._post(port, batch)
            if status is not None and self.ledger.note_answer(batch, status):
                return
            time.sleep(PAUSE_S)
            again = True

    def _post(self, port: int, batch: Batch) -> int | None:
        """The status of the answer; None where the connection was lost before one."""
        connection = self._connection(port)
        try:
            headers = {"content-type": batch.content_type}
            connection.request("POST", batch.path, batch.body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            connection.close()
            return None
        return answer.status

    def _connection(self, port: int) -> HTTPConnection:
        mine = self._mine
        connection: HTTPConnection | None = getattr(mine, "connection", None)
        if connection is None or connection.port != port:
            connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
            mine.connection = connection
        return connection
