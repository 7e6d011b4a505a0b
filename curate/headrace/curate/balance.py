"""The balance of each project: every completion that came in is trained once or has a reason."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from headrace.curate.assemble import STEP
from headrace.lake.statement import statements
from headrace.lake.store import Lake


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the assistant completions of one project."""

    project: str
    seen: int  # model calls with an output, of traces that are assembled
    trained: int  # turns of current episodes
    untrained: Mapping[str, int]  # reason -> completions that no episode trains, most first
    unheld: int  # completions that no current episode names
    waiting: int  # completions of traces that changed since they were assembled, or never were
    without_content: int  # model calls with neither input nor output

    @property
    def difference(self) -> int:
        """Completions that are lost; below zero those that are counted twice."""
        return self.seen - self.trained - sum(self.untrained.values())

    @property
    def holds(self) -> bool:
        return self.difference == 0 and self.unheld == 0


def balances(lake: Lake) -> list[Balance]:
    """The balance of each project that has model calls, by name."""
    sql = statements("headrace.curate", "balance.sql")
    opened = {"opened": lake.table(sql["open_traces"])}
    unheld = Counter(project for project, *_ in lake.stream(sql["unheld"], tables=opened))
    rows = lake.stream(sql["balance"], {"step": STEP}, opened)
    return [_balance(dict(zip(rows.columns, row, strict=True)), unheld) for row in rows]


def _balance(row: Mapping[str, object], unheld: Mapping[str, int]) -> Balance:
    reasons = msgspec.convert(row["untrained"], list[dict[str, str | int]])
    untrained = {one["reason"]: one["calls"] for one in reasons}
    lost = unheld[str(row["project"])]
    return msgspec.convert({**row, "untrained": untrained, "unheld": lost}, Balance)
