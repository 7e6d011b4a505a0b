"""Recorded traffic through a real lake: what its episodes cost, and when the first token came."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headrace.curate.assemble import assemble
from headrace.curate.errors import PriceError
from headrace.ingest.batch import Batch, Body, write
from headrace.ingest.reader import read
from headrace.lake import Lake

FIXTURES = Path(__file__).parents[2] / "fixtures" / "otlp"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
OWN = """
[[price]]
model = "gpt-4o-mini*"
since = 2026-11-01
input = 1
cached_input = 0.1
output = 10
source = "our contract"
"""


def recorded() -> Iterator[tuple[Path, dict[str, Any]]]:
    for manifest in sorted(FIXTURES.glob("*/manifest.json")):
        for entry in json.loads(manifest.read_text()).get("fixtures", []):
            yield manifest.parent, entry


def batch(folder: Path, entry: Mapping[str, Any], project: str = "p") -> Batch:
    return Batch.union(
        read(
            Body(
                seq=number,
                signal=file["signal"],
                content_type=file["content_type"].partition(";")[0],
                payload=(folder / file["file"]).read_bytes(),
                received_at=NOW,
                project=project,
            )
        )
        for number, file in enumerate(entry["files"])
        if file["signal"] in ("traces", "logs")
    )


def first_tokens(entry: Mapping[str, Any]) -> list[float]:
    """Milliseconds that a fixture carries, of all its calls."""
    told = (episode.get("ttft_s") or () for episode in entry["expected"].get("episodes") or ())
    return sorted(1000 * seconds for times in told for seconds in times if seconds is not None)


STREAMED = [(folder, entry) for folder, entry in recorded() if first_tokens(entry)]


@pytest.mark.parametrize("fixture", STREAMED, ids=lambda fixture: str(fixture[1]["id"]))
def test_the_time_to_the_first_token_is_on_the_calls(fixture: tuple[Path, dict[str, Any]]) -> None:
    calls = [span for span in batch(*fixture).spans if span.kind == "llm"]
    if not calls:
        pytest.skip("its calls are not read yet")
    found = sorted(span.ttft_ms for span in calls if span.ttft_ms is not None)
    assert found == pytest.approx(first_tokens(fixture[1]), abs=0.06)


def test_there_are_streamed_fixtures() -> None:
    assert len(STREAMED) > 8


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """A lake with three calls of gpt-4o-mini that report tokens and no cost."""
    [fixture] = [(folder, e) for folder, e in recorded() if e["id"] == "otel_genai_span/tools"]
    with Lake.open(tmp_path) as opened:
        opened.write(lambda tx: write(tx, batch(*fixture)))
        yield opened


def episode(lake: Lake) -> tuple[int, Decimal | None, bool]:
    """Revision and cost of the one episode, and whether it is an estimate."""
    [row] = lake.rows("select revision, cost_usd, defects from current_episodes")
    return row["revision"], row["cost_usd"], "cost_estimated" in row["defects"]


def by_hand(lake: Lake, given: str, cached: str, out: str) -> Decimal:
    sql = (
        "select sum(input_tokens - coalesce(cached_tokens, 0)) as given, "
        "sum(coalesce(cached_tokens, 0)) as cached, sum(output_tokens) as out "
        "from spans where kind = 'llm'"
    )
    [row] = lake.rows(sql)
    prices = {"given": Decimal(given), "cached": Decimal(cached), "out": Decimal(out)}
    return sum((int(row[k]) * usd for k, usd in prices.items()), Decimal(0)) / 1_000_000


def test_calls_that_report_no_cost_are_priced_and_what_was_reported_stays(lake: Lake) -> None:
    assemble(lake, "p", now=NOW)
    cost = by_hand(lake, "0.15", "0.075", "0.6")
    assert cost > 0
    assert episode(lake) == (1, cost, True)
    assert lake.rows("select count(cost_usd) as n from spans") == [{"n": 0}]


def test_an_edited_table_changes_the_episodes_of_the_next_night_once(lake: Lake) -> None:
    assemble(lake, "p", now=NOW)
    table = lake.settings.prices_path
    table.write_text(OWN)
    assemble(lake, "p", now=NOW)
    assert episode(lake) == (2, by_hand(lake, "1", "0.1", "10"), True)
    snapshot = lake.snapshot_id
    table.write_text("# the same figures\n" + OWN.replace("0.1", "0.10"))
    assemble(lake, "p", now=NOW)
    assert lake.snapshot_id == snapshot
    table.unlink()
    assemble(lake, "p", now=NOW)
    assert episode(lake) == (3, by_hand(lake, "0.15", "0.075", "0.6"), True)


def test_a_model_without_a_price_has_no_cost_and_no_estimate(lake: Lake) -> None:
    lake.write(lambda tx: tx.run("update spans set model = 'our-own' where kind = 'llm'"))
    assemble(lake, "p", now=NOW)
    assert episode(lake) == (1, None, False)


def test_a_table_that_cannot_be_used_stops_assembly_and_says_why(lake: Lake) -> None:
    lake.settings.prices_path.write_text(OWN.replace("input = 1\n", "input = -1\n"))
    with pytest.raises(PriceError, match=r"prices\.toml, entry 1 \(gpt-4o-mini\*\): input is -1"):
        assemble(lake, "p", now=NOW)
    assert lake.rows("from episodes") == []
