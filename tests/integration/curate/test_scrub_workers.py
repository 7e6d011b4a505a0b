"""The scrub on several processes: the same rows as on one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.curate.scrubbing import scrub
from headrace.lake.message import Message
from headrace.lake.record import Episode
from headrace.lake.settings import Settings
from headrace.lake.store import Lake

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TABLES = ("scrubbed", "scrubbed_messages", "surrogates", "decisions", "done")


def fill(lake: Lake) -> None:
    talks = [
        [Message.of({"role": "user", "content": f"My name is Jane Roe, mail joe{i}@gmail.com"})]
        for i in range(9)
    ]
    episodes = [
        Episode(
            project="p",
            episode_id=f"e{i}",
            revision=1,
            at=NOW,
            messages=tuple(row.hash for row in talk),
            trainable=(False,),
        )
        for i, talk in enumerate(talks)
    ]
    lake.write(
        lambda tx: (
            tx.append("messages", [row for talk in talks for row in talk]),
            tx.append("episodes", episodes),
        )
    )


def written(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """In the order in which the rows stand."""
    return {name: lake.rows(f"from {name} order by rowid") for name in TABLES}


def test_several_processes_write_what_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_SCRUB_KEY", "ab" * 32)
    monkeypatch.setattr("headrace.curate.workers.LEAST", 1)
    monkeypatch.setattr("headrace.curate.backlog.PART", 2)
    found = []
    for workers in (1, 2):
        settings = Settings(home=tmp_path / f"{workers}", workers=workers)
        with Lake.open(settings=settings) as lake:
            fill(lake)
            done = scrub(lake, "p", now=NOW)
            found.append((written(lake), done))
    assert found[0] == found[1]
    assert (found[0][1].kept, found[0][1].notes) == (9, {"email": 9, "name": 18})
    assert [row["episode_id"] for row in found[0][0]["scrubbed"]] == [f"e{i}" for i in range(9)]
