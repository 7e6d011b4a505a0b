"""What is left of rows whose raw texts go; each table is emptied a few rows at a time."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from headrace.curate import assemble, log_content
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Parameters, Transaction

if TYPE_CHECKING:
    import pyarrow as pa

WORD = "[A-Za-z_][A-Za-z_.]{0,79}"  # an error that is a kind of error tells of nobody


def empty(lake: Lake, *, before: datetime, now: datetime, most: int) -> Counter[str]:
    """Empty or take out all that is marked, and what is old beside it; rows by table."""
    gone: Counter[str] = Counter()
    for table, find in (("spans", _full_spans), ("episodes", _full_episodes)):
        gone[table] = sum(_each(lake, partial(_replace, table=table, find=find, most=most)))
    gone["spans"] += sum(_each(lake, partial(_tell_early, now=now, most=most)))
    given = {"before": before, "most": most}
    told = {"step": assemble.STEP, "late": assemble.RAW_RETIRED}
    events = {**given, **told, "names": list(log_content.NAMES)}
    for table, values in (("log_events", events), ("dead_letters", given)):
        gone[table] = sum(_each(lake, partial(_delete, table=table, given=values)))
    gone["messages"] = _messages(lake, most)
    return gone


def _each(lake: Lake, work: Callable[[Transaction], int]) -> Iterator[int]:
    """One transaction after the other until there is nothing left to do."""
    while count := lake.write(work):
        yield count


def _replace(
    tx: Transaction, *, table: str, find: Callable[[Transaction, int], list[int]], most: int
) -> int:
    """A row is replaced, not updated: assembly knows a span by the number of its row."""
    found = find(tx, most)
    if found:
        _bare(tx, table, found)
    return len(found)


def _tell_early(tx: Transaction, *, now: datetime, most: int) -> int:
    """Told here, as nothing else than their texts tells them from what is emptied."""
    found = tx.run(_sql("early_spans"), {"word": WORD, "most": most})
    if found:
        rows = [
            assemble.left(project, name, assemble.RAW_RETIRED, None, now)
            for _, project, name in found
        ]
        tx.add_new("decisions", rows, on=["project", "step", "episode_id"])
        _bare(tx, "spans", [place for place, _, _ in found])
    return len(found)


def _bare(tx: Transaction, table: str, found: list[int]) -> None:
    places = {"places": found}
    bare = tx.table(_sql(f"bare_{table}"), {**places, "word": WORD})
    tx.run(_sql(f"gone_{table}"), places)
    tx.append_columns(table, bare)


def _full_spans(tx: Transaction, most: int) -> list[int]:
    found = tx.run(_sql("full_spans"), {"most": most})
    if not found:
        late = [place for (place,) in tx.run(_sql("late_spans"))]
        given = {"places": late, "word": WORD, "most": most}
        found = tx.run(_sql("still_full"), given) if late else []
    return [place for (place,) in found]


def _full_episodes(tx: Transaction, most: int) -> list[int]:
    return [place for (place,) in tx.run(_sql("full_episodes"), {"word": WORD, "most": most})]


def _delete(tx: Transaction, *, table: str, given: Parameters) -> int:
    [(count,)] = tx.run(_sql(f"gone_{table}"), given)
    return int(count)


def _messages(lake: Lake, most: int) -> int:
    named = lake.table(_sql("named"))
    gone = lake.table(_sql("unnamed"), tables={"named": named})
    for start in range(0, len(gone), most):
        lake.write(partial(_take_out, gone=gone.slice(start, most)))
    return len(gone)


def _take_out(tx: Transaction, *, gone: "pa.Table") -> None:
    tx.run(_sql("gone_messages"), tables={"gone": gone})


def _sql(name: str) -> str:
    return statements("headrace.curate", "retire.sql")[name]
