"""`headrace doctor --replay`: dead letters listed, read once more, counted."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace.ingest.episode_row import Given, episode
from headrace.ingest.secrets.export import told
from headrace.lake import Lake
from headrace.lake.record import DeadLetter

Headrace = Callable[..., Any]

FIRST = datetime(2026, 6, 2, 3, tzinfo=UTC)


@pytest.fixture
def letters(lake: Lake) -> None:
    """Two marks of a project that can be read by now, and one that cannot."""
    lake.write(
        lambda tx: tx.append(
            "dead_letters",
            [
                DeadLetter(
                    project="letters",
                    spool="doctor",
                    seq=number,
                    signal="outcomes",
                    content_type="application/json",
                    reason="unknown field `label`",
                    body=json.dumps(
                        {"id": f"letter {number}", "conversation": "c", field: True}
                    ).encode(),
                    received_at=FIRST + timedelta(hours=number),
                    at=FIRST,
                )
                for number, field in enumerate(["success", "success", "sucess"])
            ],
        )
    )


def test_letters_are_listed_replayed_and_counted(
    headrace: Headrace, lake: Lake, letters: None
) -> None:
    said = {c["name"]: c["said"] for c in headrace("doctor", "--json").json}["dead letters"]
    assert "3 outcomes (2026-06-02 03:00 to 2026-06-02 05:00): unknown field `label`" in said
    none = headrace("doctor", "--replay", "--reason", "nothing like it", "--json").json
    assert none == {"replayed": 0, "gone": 0, "left": 0, "remaining": []}
    ran = headrace("doctor", "--replay", "--project", "letters")
    assert ran.code == 0
    first, second = ran.out.splitlines()
    assert first == "2 dead letters are rows now, 1 remain"
    assert second.startswith(
        "1 outcomes (2026-06-02 05:00): Object contains unknown field `sucess`"
    )
    rows = lake.rows("select outcome_id from outcomes where project = 'letters'")
    assert sorted(row["outcome_id"] for row in rows) == ["letter 0", "letter 1"]
    again = headrace("doctor", "--replay", "--project", "letters", "--json").json
    assert (again["replayed"], again["left"]) == (0, 1)
    [row] = again["remaining"]
    assert (row["signal"], row["bodies"], row["first"]) == ("outcomes", 1, "2026-06-02T05:00:00Z")
    lake.write(lambda tx: tx.run("delete from dead_letters where spool = 'doctor'"))
    lake.write(lambda tx: tx.run("delete from outcomes where project = 'letters'"))


@pytest.mark.parametrize("words", [["--reason", "x"], ["--project", "mill"]])
def test_what_picks_letters_needs_the_replay(headrace: Headrace, words: list[str]) -> None:
    ran = headrace("doctor", *words)
    assert ran.code == 2
    assert "--replay" in ran.err


def test_doctor_says_which_secrets_were_removed(headrace: Headrace, lake: Lake) -> None:
    given = Given(messages=[{"role": "user", "content": "[secret:jwt]"}])
    rows = episode(given, episode_id="secret", content="c", project="letters", at=FIRST)
    marked = told(rows, ["jwt", "password"]).episodes
    lake.write(lambda tx: tx.append("episodes", marked))
    found = {c["name"]: (c["state"], c["said"]) for c in headrace("doctor", "--json").json}
    state, said = found["secrets"]
    assert state == "look"
    assert said.startswith("removed: jwt from 1 episodes, password from 1 episodes;")
    lake.write(lambda tx: tx.run("delete from episodes where project = 'letters'"))
