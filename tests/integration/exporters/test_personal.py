"""Personal data on their way into a data set: none arrives."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from headrace.curate.scrub.catalogue import VERSION
from headrace.exporters import dataset, folder
from headrace.exporters.manifest import Manifest
from headrace.exporters.reason import ADVICE

NOW = datetime(2026, 3, 2, tzinfo=UTC)
EMAIL = "jane.roe@gmail.com"
CARD = "4556 7375 8689 9855"
SECRETS = (EMAIL, CARD, "Jane", "1984-05-06")


def talk(answer: str) -> list[dict[str, Any]]:
    given = json.dumps({"order_id": "A1", "email": EMAIL, "customer_name": "Jane"})
    call = {"id": "c", "type": "function", "function": {"name": "refund", "arguments": given}}
    return [
        {"role": "user", "content": f"Refund A1 to {CARD}. I am {EMAIL}, born 1984-05-06."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": f"Refunded to Jane, {EMAIL}"},
        {"role": "assistant", "content": answer, "reasoning_content": f"{EMAIL} is polite"},
    ]


@pytest.mark.parametrize("objective", ["sft", "kto", "dpo"])
def test_no_personal_data_reach_a_data_set(stock: Any, objective: str, tmp_path: Path) -> None:
    about = json.dumps({"customer": "Jane", "mail": EMAIL, "reference": f"Write to {EMAIL}"})
    told = {"user_id": EMAIL, "conversation_id": f"chat of {EMAIL}", "metadata": about}
    with stock.together():
        for name, resolution, answer in [
            ("good", "success", f"Done, Jane, I wrote to {EMAIL}"),
            ("bad", "failure", f"No, Jane, {EMAIL} is unknown"),
        ]:
            stock.episode(name, messages=talk(answer), resolution=resolution, request="r", **told)
        stock.pair("good", "bad", turn=3)
        stock.case("c1", "What is the weather like in Paris in spring, and what shall I pack?")
    out = tmp_path / "out"
    built = dataset.build(stock.lake, "shop", "refunds", objective, out=out, now=NOW)
    assert built.rows
    written = {name: (out / name).read_bytes() for name in folder.files(out)}
    tables = [pq.read_table(out / name) for name in written if name.endswith(".parquet")]
    texts = [data.decode(errors="replace") for data in written.values()]
    texts += [json.dumps(table.to_pylist(), default=str) for table in tables]
    assert any("@example.com" in text for text in texts)
    assert [secret for secret in SECRETS for text in texts if secret in text] == []
    audit = Manifest.load(out).audit.scrub
    assert audit is not None
    used = {name for row in Manifest.load(out).rows for name in row.episode_ids}
    assert dict(audit.rules) == {VERSION: len(used)}
    assert audit.places["email"] >= 4
    card = (out / "README.md").read_text()
    assert f"| email | {audit.places['email']} |" in card
    assert "**Names and addresses in prose are not covered**" in card


def test_what_was_not_scrubbed_is_refused_and_counted(stock: Any, tmp_path: Path) -> None:
    with stock.together():
        stock.episode("A1")
        stock.episode("A2", scrubbed=False)
    built = dataset.build(
        stock.lake, "shop", "refunds", "sft", out=tmp_path / "out", now=NOW,
        without_evals=True,
    )  # fmt: skip
    assert (built.rows, dict(built.drops)) == (1, {"not_scrubbed": 1})
    [decided] = stock.lake.rows("from decisions where step = 'export' and not kept")
    assert (decided["episode_id"], decided["reason"]) == ("A2", "not_scrubbed")
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"| `not_scrubbed` | 1 | {ADVICE['not_scrubbed']} |" in card
