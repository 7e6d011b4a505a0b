"""The facts: how much is in the lake, counted again only where something has changed."""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

Rows = list[dict[str, Any]]
Query = Callable[[str, Mapping[str, object]], Rows]  # a statement of sidecar.sql by its name

# table -> the statement that has to be asked again when it changes
ASKED: Mapping[str, str] = MappingProxyType(
    {
        "spans": "count_spans",
        "episodes": "count_episodes",
        "outcomes": "count_outcomes",
        "dead_letters": "count_dead_letters",
        "nights": "last_night",
        "verdicts": "last_verdict",
    }
)

_TABLE = re.compile(r":(\d+)")  # `inserted_into_table:17,inlined_delete:4`


class Facts:
    """Counts and newest rows of a project, None: of all; any thread may ask.

    DuckLake keeps with every snapshot which tables it changed: a look at those is a few
    milliseconds, whatever the size of the lake.
    """

    def __init__(self, query: Query, project: str | None) -> None:
        self._query = query
        self._project = project
        self._asking = threading.Lock()
        self._seen = -1  # the newest snapshot that the answers hold
        self._names: dict[int, str] = {}  # of tables by their number in the catalog
        self._answers: dict[str, Rows] = {}

    def read(self) -> dict[str, Any]:
        """`lake`, `dead_letters`, `nightly`, `verdict`; None for a night or verdict not yet there.

        Raises what the query raises; the next call then asks again.
        """
        with self._asking:
            self._refresh()
            answers = self._answers
        counts = {name: answers[name][0]["n"] for name in ("spans", "episodes", "outcomes")}
        return {
            "lake": counts,
            "dead_letters": answers["dead_letters"][0]["n"],
            "nightly": next(iter(answers["nights"]), None),
            "verdict": next(iter(answers["verdicts"]), None),
        }

    def _refresh(self) -> None:
        news = self._query("changes", {"seen": self._seen})
        if not news:
            return
        # what commits between these two looks is counted now and once more next time
        where = {"project": self._project}
        fresh = {
            name: self._query(ASKED[name], {} if name == "nights" else where)
            for name in self._changed(news)
        }
        self._answers = self._answers | fresh
        self._seen = max(row["snapshot_id"] for row in news)

    def _changed(self, news: Sequence[Mapping[str, Any]]) -> set[str]:
        ids = {int(found) for row in news for found in _TABLE.findall(row["changes_made"])}
        if not ids <= self._names.keys():
            rows = self._query("tables", {})
            self._names = {row["table_id"]: row["table_name"] for row in rows}
        gap = max(row["snapshot_id"] for row in news) - self._seen != len(news)
        if gap or len(self._answers) < len(ASKED):  # snapshots expire: what they did is unknown
            return set(ASKED)
        return {name for table in ids if (name := self._names.get(table, "")) in ASKED}
