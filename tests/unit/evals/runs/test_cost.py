"""What attempts cost by list prices, in exact decimals; what is not known stays unknown."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from headrace.curate.price import Prices, parse
from headrace.evals.runs.cost import priced
from headrace.evals.scores.attempt import Attempt, Measured

T0 = datetime(2026, 11, 1, tzinfo=UTC)
TABLE = """
[[price]]
model = "small"
since = 2026-01-01
input = 2
cached_input = 0.5
output = 10
source = "a test"
"""


def costs(model: str | None, **attempt: Any) -> Decimal | None:
    row = Attempt(case_id="c", scorer="match", value=1.0, **attempt)
    run = Measured(
        key="k", release="v1", released_at=T0, started_at=T0, attempts=(row,), model=model
    )
    [found] = priced(run, Prices(parse(TABLE, "table"))).attempts
    return found.cost_usd


@pytest.mark.parametrize("model", ["openai/small", "openai-api/endpoint/small", "openrouter/small"])
def test_tokens_have_the_price_of_the_model_whoever_serves_it(model: str) -> None:
    assert costs(model, input_tokens=1000, output_tokens=100) == Decimal("0.003")


def test_what_was_read_from_a_cache_has_its_own_price() -> None:
    told = {"input_tokens": 1000, "output_tokens": 0, "cached_tokens": 400}
    assert costs("openai/small", **told) == Decimal("0.0014")


def test_a_cost_that_was_told_stands() -> None:
    told = {"input_tokens": 1000, "output_tokens": 100, "cost_usd": Decimal("7")}
    assert costs("openai/small", **told) == Decimal("7")


@pytest.mark.parametrize(
    ("model", "attempt"),
    [
        (None, {"input_tokens": 1, "output_tokens": 1}),
        ("none/none", {"input_tokens": 1, "output_tokens": 1}),
        ("my.module:act", {"input_tokens": 1, "output_tokens": 1}),
        ("openai/other", {"input_tokens": 1, "output_tokens": 1}),
        ("openai/small", {}),
        ("openai/small", {"input_tokens": 1}),
    ],
)
def test_without_model_price_or_tokens_a_cost_is_not_known(
    model: str | None, attempt: dict[str, Any]
) -> None:
    assert costs(model, **attempt) is None
