"""Dead letters read once more: after an upgrade or a fix they become rows."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import duckdb
import msgspec

from headrace.ingest import letter, reader
from headrace.ingest.batch import Batch, Body, write
from headrace.ingest.bookmark import Bookmark
from headrace.ingest.drain import AWAY, DEADLY
from headrace.ingest.errors import Undecodable
from headrace.lake.record import DeadLetter, Episode, Outcome, Span
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

LETTERS = 200  # of one transaction at most
TAKE_BYTES = 16 * 1024 * 1024  # of one transaction, but for the first letter

Key = tuple[str, int]  # spool and number of a letter
Progress = Callable[[int], None]


class Remaining(msgspec.Struct, frozen=True, kw_only=True):
    """Letters of one signal and one reason."""

    signal: str
    reason: str
    bodies: int
    first: datetime  # received
    last: datetime


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the letters."""

    replayed: int  # are rows now
    gone: int  # others replayed them meanwhile
    left: int  # of those that were asked for
    remaining: tuple[Remaining, ...]


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """A letter read again: its rows, or the letter it becomes."""

    letter: DeadLetter
    batch: Batch = Batch()
    again: DeadLetter | None = None

    @property
    def key(self) -> Key:
        return self.letter.spool, self.letter.seq


def replay(
    lake: Lake,
    *,
    clock: Callable[[], datetime],
    project: str | None = None,
    reason: str | None = None,
    on_progress: Progress | None = None,
) -> Replayed:
    """Read the letters of a project whose reason holds a text; by default all of them.

    Rows are written and their letter removed in one transaction, so each body counts once whatever
    else replays or drains; of rows with the same key the one received last stays. What cannot be
    read stays, with the reason of today. Raises what `AWAY` names: nothing is lost, run it again.
    """
    which = {"project": project, "reason": reason}
    with Bookmark(lake.settings.home / "replay.bookmark") as bookmark:
        work = _Replay(lake, bookmark, clock)
        for keys in _batches(lake.rows(_sql("waiting"), which)):
            work.run(keys)
            if on_progress is not None:
                on_progress(len(keys))
        bookmark.clear()
    rows = remaining(lake, **which)
    left = sum(row.bodies for row in rows)
    return Replayed(replayed=work.replayed, gone=work.gone, left=left, remaining=rows)


def remaining(
    lake: Lake, *, project: str | None = None, reason: str | None = None
) -> tuple[Remaining, ...]:
    """The letters that lie in the lake, by signal and reason, the most frequent first."""
    rows = lake.rows(_sql("remaining"), {"project": project, "reason": reason})
    return tuple(Remaining(**row) for row in rows)


class _Replay:
    def __init__(self, lake: Lake, bookmark: Bookmark, clock: Callable[[], datetime]) -> None:
        self._lake = lake
        self._bookmark = bookmark
        self._clock = clock
        self.replayed = 0
        self.gone = 0

    def run(self, keys: Sequence[Key]) -> None:
        rows = self._lake.rows(_sql("bodies"), _named(keys))
        letters = [DeadLetter(**row) for row in rows]
        self.gone += len(keys) - len(letters)
        self._store([self._read(one) for one in letters])

    def _read(self, one: DeadLetter) -> _Read:
        body = _body(one)
        if self._bookmark.begin(_number(one)) >= DEADLY:
            return self._still(one, f"reading it ended a replay {DEADLY} times", deadly=True)
        try:
            return _Read(letter=one, batch=reader.read(body))
        except Undecodable as error:
            return self._still(one, str(error))
        except Exception as error:  # whatever trips over it: the others shall be read
            return self._still(one, f"{type(error).__name__}: {error}")

    def _still(self, one: DeadLetter, why: str, *, deadly: bool = False) -> _Read:
        spool, at = one.spool, self._clock()
        made = letter.letter(_body(one), why, spool=spool, at=at, deadly=deadly)
        return _Read(letter=one, again=msgspec.structs.replace(made, project=one.project))

    def _store(self, read: Sequence[_Read]) -> None:
        try:
            written, gone = self._lake.write(lambda tx: _write(tx, read)) if read else (0, 0)
        except duckdb.OutOfMemoryException as error:
            self._isolate(read, error)
        except AWAY:
            raise
        except Exception as error:
            self._isolate(read, error)
        else:
            self.replayed += written
            self.gone += gone

    def _isolate(self, read: Sequence[_Read], error: Exception) -> None:
        """Store the halves apart, until the letter that cannot be written stands alone."""
        if len(read) > 1:
            middle = len(read) // 2
            self._store(read[:middle])
            self._store(read[middle:])
        elif read[0].again is None:
            self._store([self._still(read[0].letter, f"{type(error).__name__}: {error}")])
        else:
            raise error


def _batches(waiting: Sequence[dict[str, Any]]) -> Iterator[list[Key]]:
    keys: list[Key] = []
    size = 0
    for row in waiting:
        if keys and (len(keys) == LETTERS or size + row["size"] > TAKE_BYTES):
            yield keys
            keys, size = [], 0
        keys.append((row["spool"], row["seq"]))
        size += row["size"]
    if keys:
        yield keys


def _write(tx: Transaction, read: Sequence[_Read]) -> tuple[int, int]:
    """How many letters became rows, and how many had gone by now."""
    keys = [one.key for one in read]
    standing = {(spool, seq) for spool, seq in tx.run(_sql("standing"), _named(keys))}
    ours = [one for one in read if one.key in standing]
    good = [one for one in ours if one.again is None]
    write(tx, _latest(tx, Batch.union(one.batch for one in good)))
    tx.run(_sql("remove"), _named([one.key for one in ours]))
    tx.append("dead_letters", [one.again for one in ours if one.again is not None])
    return len(good), len(read) - len(ours)


def _latest(tx: Transaction, batch: Batch) -> Batch:
    """Without the rows that a later delivery has overtaken."""
    spans = _known(tx, "known_spans", [row.span_id for row in batch.spans])
    outcomes = _known(tx, "known_outcomes", [row.outcome_id for row in batch.outcomes])
    episodes = _known(tx, "known_episodes", [row.episode_id for row in batch.episodes])
    return msgspec.structs.replace(
        batch,
        spans=tuple(row for row in batch.spans if _newer(row, row.received_at, spans)),
        outcomes=tuple(row for row in batch.outcomes if _newer(row, row.received_at, outcomes)),
        episodes=tuple(row for row in batch.episodes if _newer(row, row.at, episodes)),
    )


def _known(tx: Transaction, name: str, ids: Sequence[str]) -> dict[tuple[str, ...], datetime]:
    """When the rows with such ids were received, by key."""
    if not ids:
        return {}
    return {tuple(key): at for *key, at in tx.run(_sql(name), {"ids": sorted(set(ids))})}


def _newer(
    row: Span | Outcome | Episode, at: datetime, known: dict[tuple[str, ...], datetime]
) -> bool:
    found = known.get(_key(row))
    return found is None or found <= at


def _key(row: Span | Outcome | Episode) -> tuple[str, ...]:
    if isinstance(row, Span):
        return row.project, row.trace_id, row.span_id
    return row.project, row.outcome_id if isinstance(row, Outcome) else row.episode_id


def _body(one: DeadLetter) -> Body:
    # a letter without a project of its own is stored below `default`: its body says it again
    return msgspec.convert(
        {
            "seq": one.seq,
            "signal": one.signal,
            "content_type": one.content_type or "",
            "payload": one.body,
            "received_at": one.received_at,
            "project": None if one.project == "default" else one.project,
        },
        Body,
    )


def _number(one: DeadLetter) -> int:
    """A number for the bookmark, which knows one spool only."""
    return int.from_bytes(blake2b(f"{one.spool}:{one.seq}".encode(), digest_size=7).digest())


def _named(keys: Sequence[Key]) -> dict[str, object]:
    return {"spools": [spool for spool, _ in keys], "seqs": [seq for _, seq in keys]}


def _sql(name: str) -> str:
    return statements("headrace.ingest", "replay.sql")[name]
