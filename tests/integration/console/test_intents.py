"""`headrace intents` on a lake whose episodes are gathered into intents."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from headrace.console import cli
from headrace.curate.dedupe import dedupe
from headrace.curate.embed import embed
from headrace.curate.intent import intents
from headrace.curate.scrubbing import scrub
from headrace.curate.split import split
from headrace.curate.units import units
from headrace.evals.coverage import coverage
from headrace.lake import Lake
from headrace.lake.message import Body, Message
from headrace.lake.record import Episode, Resolved
from tests.unit.curate.semantic.conftest import WordEncoder

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ASKED = {
    "cancel flight": ["cancel flight", "cancel my flight", "please cancel the flight"],
    "refund money": ["refund my money", "refund money", "please refund the money"],
}


def episode(n: int, text: str, weeks: int) -> tuple[Episode, list[Message]]:
    turns: list[Body] = [
        {"role": "user", "content": text},
        {"role": "assistant", "content": f"Done, {n}."},
    ]
    messages = [Message.of(turn) for turn in turns]
    at = NOW - timedelta(weeks=weeks, hours=1 + n % 7)
    made = Episode(
        project="shop", episode_id=f"e{n}", revision=1, at=at, ended_at=at, started_at=at,
        messages=tuple(message.hash for message in messages), trainable=(False, True),
        request=text,
    )  # fmt: skip
    return made, messages


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Cancelling has become thrice as frequent last week."""
    home = tmp_path_factory.mktemp("intents")
    told = [
        (text, week)
        for week in range(5)
        for name, texts in ASKED.items()
        for text in texts * (6 if name == "cancel flight" and week == 0 else 2)
    ]
    made = [episode(n, text, week) for n, (text, week) in enumerate(told)]
    with Lake.open(home, rng=random.Random(1)) as lake:

        def write(tx: Any) -> None:
            messages = [message for _, said in made for message in said]
            tx.add_new("messages", messages, on=["hash"])
            tx.append("episodes", [row for row, _ in made])
            tx.append(
                "resolutions",
                [
                    Resolved(
                        project="shop", episode_id=row.episode_id, at=NOW,
                        resolution="failure" if "refund" in row.request else "success",
                    )
                    for row, _ in made
                ],
            )  # fmt: skip

        lake.write(write)
        scrub(lake, "shop", now=NOW)
        units(lake, "shop", now=NOW)
        embed(lake, "shop", now=NOW, encoder=WordEncoder())
        intents(lake, "shop", now=NOW, encoder=WordEncoder())
        dedupe(lake, "shop", now=NOW)
        split(lake, "shop", now=NOW)
        yield lake


def ran(lake: Lake, *words: str) -> Result:
    where = ["intents", "--home", str(lake.settings.home), *words]
    found = CliRunner().invoke(cli.app, where)
    assert found.exit_code == 0, found.output
    return found


def test_intents_are_shown_with_share_trend_and_success(lake: Lake) -> None:
    shown = " ".join(ran(lake, "--project", "shop").stdout.split())
    assert "cancel flight 75.0 % 18" in shown
    assert "refund money 25.0 % 6" in shown
    assert "100.0 % of 42" in shown
    assert "cancel flight: asked more often, 75.0% after 50.0%" in shown


def test_what_no_night_has_seen_is_told_and_not_counted(lake: Lake) -> None:
    before = ran(lake, "--project", "shop", "--json").stdout
    assert "no night" not in ran(lake, "--project", "shop").stdout
    rows = [episode(1_000 + n, "cancel flight", 0)[0] for n in range(3)]
    lake.write(lambda tx: tx.append("episodes", rows))
    try:
        assert ran(lake, "--project", "shop", "--json").stdout == before
        shown = ran(lake, "--project", "shop").stdout
        assert shown.splitlines()[-1] == "not counted: 3 that no night has seen yet"
    finally:
        names = {"names": [row.episode_id for row in rows]}
        gone = "delete from episodes where episode_id in (select unnest($names::varchar[]))"
        lake.write(lambda tx: tx.run(gone, names))


def test_as_json_each_intent_is_an_object(lake: Lake) -> None:
    [cancel, refund] = msgspec.json.decode(ran(lake, "--project", "shop", "--json").stdout)
    assert (cancel["intent"], cancel["name"]) == ("cancel_flight", "cancel flight")
    assert cancel["windows"] == [6, 6, 6, 6, 18]
    assert (refund["moved"], refund["success"], refund["cases"]) == ("less", 0.0, 0)
    assert set(refund["terms"]) >= {"refund", "money"}


def test_a_project_without_episodes_says_what_to_do(lake: Lake) -> None:
    assert "headrace nightly" in ran(lake, "--project", "nothing").stdout


def test_coverage_counts_clustered_intents_as_named(lake: Lake) -> None:
    found = coverage(lake, "shop")
    assert (found.intents, found.named) == (2, 2)
    assert {gap.intent for gap in found.uncovered} == {"cancel_flight", "refund_money"}
