"""What of the sent is in the lake, row by row."""

from collections import Counter

import msgspec
from durable.batch import Key
from durable.client import Ledger

from headrace.lake import Lake
from headrace.lake.settings import Settings

KEYS = {
    "spans": "select trace_id || '/' || span_id as key from spans",
    "log_events": "select trace_id || '/' || span_id as key from log_events",
    "outcomes": "select outcome_id as key from outcomes",
    "episodes": "select episode_id as key from episodes",
    "messages": "select hash as key from messages",
    "toolsets": "select hash as key from toolsets",
}
POSTED = ("spans", "log_events", "outcomes", "episodes")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario, counted."""

    scenario: str
    rounds: int
    kills: dict[str, int]
    batches: int
    accepted: int
    statuses: dict[int, int]  # other than 200
    resent: int
    spans_acknowledged: int
    spans_in_lake: int
    rows_acknowledged: int  # of all tables
    lost: int  # acknowledged, not in the lake
    duplicates: int  # rows beyond the first of a key, messages and tool definitions too
    unasked: int  # in the lake though never sent, or though refused for good
    dead_letters: int
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        return not (self.lost or self.duplicates or self.unasked or self.dead_letters)


def audited(
    scenario: str,
    ledger: Ledger,
    settings: Settings,
    *,
    rounds: int = 1,
    kills: Counter[str] | None = None,
    notes: tuple[str, ...] = (),
) -> Row:
    found = counted(settings)
    posted = {key for key in found if key[0] in POSTED}
    return Row(
        scenario=scenario,
        rounds=rounds,
        kills=dict(sorted((kills or Counter()).items())),
        batches=ledger.batches,
        accepted=ledger.accepted,
        statuses=dict(sorted(ledger.statuses.items())),
        resent=ledger.resent,
        spans_acknowledged=sum(table == "spans" for table, _ in ledger.acknowledged),
        spans_in_lake=sum(count for (table, _), count in found.items() if table == "spans"),
        rows_acknowledged=len(ledger.acknowledged),
        lost=len(ledger.acknowledged - posted),
        duplicates=sum(count - 1 for count in found.values()),
        unasked=len(posted - (ledger.sent - ledger.refused)),
        dead_letters=_dead_letters(settings),
        notes=notes,
    )


def counted(settings: Settings) -> Counter[Key]:
    """Rows of each key."""
    with Lake.open(settings=settings, create=False) as lake:
        return Counter(
            (table, row["key"]) for table, query in KEYS.items() for row in lake.rows(query)
        )


def _dead_letters(settings: Settings) -> int:
    with Lake.open(settings=settings, create=False) as lake:
        [row] = lake.rows("select count(*) as n from dead_letters")
        return int(row["n"])
