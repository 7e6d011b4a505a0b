"""What a chain cost: sums, absent unless every part is known, over calls and attempts."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.forest import Chain
from headrace.curate.price import UNPRICED, Price, Prices
from headrace.curate.usage import Usage
from headrace.lake.record import Episode, Span
from tests.unit.curate.conftest import T0, inherits

LONGEST = 2**63 - 1


def span(number: int = 0, **fields: Any) -> Span:
    usual: dict[str, Any] = {
        "output": ("said",),
        "started_at": T0 + timedelta(seconds=number),
        "ended_at": T0 + timedelta(seconds=number + 1),
    }
    return Span(
        project="p", trace_id="t", span_id=str(number), kind="llm", name="n", received_at=T0,
        **usual | fields,
    )  # fmt: skip


def usage(calls: Sequence[Span], attempts: Sequence[Span] = (), prices: Prices = UNPRICED) -> Usage:
    made = tuple(map(inherits, calls))
    chain = Chain(
        calls=made, attempts=tuple(map(inherits, attempts)), first=made[0], opener=made[0]
    )
    return Usage.of(chain, prices)


@pytest.mark.parametrize(
    ("figures", "total"),
    [
        ([7], 7),
        ([0], 0),
        ([None], None),
        ([7, 8, 9], 24),
        ([7, None, 9], None),
        ([0, 0], 0),
        ([LONGEST], LONGEST),
        ([LONGEST - 1, 1], LONGEST),
        ([LONGEST, 1], None),
    ],
)
def test_tokens_are_a_sum_that_every_call_must_tell_and_the_lake_can_hold(
    figures: list[int | None], total: int | None
) -> None:
    told = usage([span(i, input_tokens=n, output_tokens=1) for i, n in enumerate(figures)])
    assert (told.input_tokens, told.output_tokens) == (total, len(figures))
    told = usage([span(i, input_tokens=1, output_tokens=n) for i, n in enumerate(figures)])
    assert (told.input_tokens, told.output_tokens) == (len(figures), total)


@pytest.mark.parametrize(
    ("figures", "total"),
    [
        (["0.1", "0.2"], "0.300000000"),
        (["0", "0"], "0E-9"),
        (["1E-9"] * 3, "3E-9"),
        (["0.5", None], None),
        (["999999999.999999998", "0.000000001"], "999999999.999999999"),
        (["999999999.999999999", "0.000000001"], None),
        (["999999999"] * 50, None),
    ],
)
def test_money_is_exact_to_the_last_place(figures: list[str | None], total: str | None) -> None:
    spans = [span(i, cost_usd=f if f is None else Decimal(f)) for i, f in enumerate(figures)]
    assert usage(spans).cost_usd == (None if total is None else Decimal(total))


def test_money_is_written_as_fine_as_the_lake_keeps_it() -> None:
    assert str(usage([span(cost_usd=Decimal("0.5"))]).cost_usd) == "0.500000000"


@pytest.mark.parametrize(
    ("attempt", "tokens", "cost"),
    [
        (span(5, output=()), 10, "0.1"),
        (span(5, output=(), input_tokens=3, output_tokens=0, cost_usd=Decimal(0)), 13, "0.1"),
        (span(5, output=(), input_tokens=3, output_tokens=0), 13, None),
        (span(5, output=(), cost_usd=Decimal("0.2")), None, "0.3"),
        (span(5, output=(), output_tokens=9), 10, "0.1"),
    ],
)
def test_a_failed_attempt_counts_with_the_figures_that_it_has(
    attempt: Span, tokens: int | None, cost: str | None
) -> None:
    call = span(0, input_tokens=10, output_tokens=1, cost_usd=Decimal("0.1"))
    told = usage([call], [attempt])
    assert told.input_tokens == tokens
    assert told.cost_usd == (None if cost is None else Decimal(cost))


PRICES = Prices(
    [
        Price(
            model="m-1",
            since=T0.date(),
            input=Decimal("1"),
            cached_input=Decimal("0.1"),
            cache_write=Decimal("1.25"),
            output=Decimal("4"),
            source="test",
        )
    ]
)


def priced(number: int, **fields: Any) -> Span:
    """A call that reports its tokens: 0.0014 USD by `PRICES` unless told otherwise."""
    return span(number, **{"model": "m-1", "input_tokens": 1_000, "output_tokens": 100} | fields)


BEFORE = {"started_at": T0 - timedelta(days=1)}


@pytest.mark.parametrize(
    ("calls", "cost", "estimated"),
    [
        ([{}], "0.0014", True),
        ([{}, {}], "0.0028", True),
        ([{"cost_usd": Decimal("0.5")}] * 2, "1", False),
        ([{"cost_usd": Decimal("0.5")}, {}], "0.5014", True),  # as reported where it is
        ([{"cost_usd": Decimal(0)}], "0", False),
        ([{"cached_tokens": 500, "cache_write_tokens": 100}], "0.000975", True),
        ([{"cached_tokens": 1_001}], None, False),
        ([{"output_tokens": None}], None, False),
        ([{"model": "m-2"}], None, False),
        ([{"model": "m-2"}, {"cost_usd": Decimal("0.5")}], None, False),
        ([{}, BEFORE], None, False),  # the price is of a later day
        ([{**BEFORE, "started_at": None}], "0.0014", True),  # of the day on which it came
        ([{}, {"output": (), "input_tokens": None, "output_tokens": None}], "0.0014", True),
    ],
)
def test_what_is_not_reported_is_priced_and_told_to_be_an_estimate(
    calls: list[dict[str, Any]], cost: str | None, estimated: bool
) -> None:
    told = usage([priced(i, **fields) for i, fields in enumerate(calls)], prices=PRICES)
    assert told.cost_usd == (None if cost is None else Decimal(cost))
    assert ("cost_estimated" in told.defects) is estimated


def test_an_estimate_is_as_fine_as_the_lake_keeps_it_and_rounded_once() -> None:
    third = Prices([Price(model="*", since=T0.date(), input=Decimal("0.0004"), output=Decimal(0),
                          source="test")])  # fmt: skip
    calls = [priced(i, input_tokens=1, output_tokens=0) for i in range(5)]
    assert usage(calls, prices=third).cost_usd == Decimal("2E-9")


@pytest.mark.parametrize(
    ("calls", "named"),
    [
        ([{}], False),
        ([{"input_tokens": None}], False),
        ([{"output_tokens": None}], False),
        ([{"input_tokens": None, "output_tokens": None}], True),
        ([{}, {"input_tokens": None, "output_tokens": None}], True),
        ([{"input_tokens": None, "output_tokens": None, "cost_usd": Decimal(1)}], True),
        ([{"input_tokens": None, "output_tokens": None, "output": ()}], False),
    ],
)
def test_a_billed_call_without_any_tokens_is_named(
    calls: list[dict[str, Any]], named: bool
) -> None:
    told = usage([priced(i, **fields) for i, fields in enumerate(calls)])
    assert ("no_usage" in told.defects) is named


def test_the_figures_are_columns_of_an_episode() -> None:
    told = usage([priced(0)], prices=PRICES)
    assert told.columns.keys() == set(Usage.__struct_fields__) - {"defects"}
    assert told.columns.keys() <= set(Episode.__struct_fields__)


def test_a_chain_that_failed_without_a_figure_has_none() -> None:
    told = usage([span(0, output=())])
    assert (told.input_tokens, told.output_tokens, told.cost_usd) == (None, None, None)
    assert told.latency_ms == 1000


def test_latency_is_of_the_calls_and_attempts_not_of_the_time_between() -> None:
    told = usage([span(0), span(3600)], [span(60, output=())])
    assert told.latency_ms == 3000
    assert (told.started_at, told.ended_at) == (T0, T0 + timedelta(seconds=3601))


@pytest.mark.parametrize("lacking", ["started_at", "ended_at"])
def test_a_call_without_a_time_takes_the_latency_and_leaves_the_rest(lacking: str) -> None:
    told = usage([span(0), span(9, **{lacking: None}), span(20)])
    assert told.latency_ms is None
    assert (told.started_at, told.ended_at) == (T0, T0 + timedelta(seconds=21))


def test_without_any_time_there_is_none() -> None:
    told = usage([span(started_at=None, ended_at=None)])
    assert (told.started_at, told.ended_at, told.latency_ms) == (None, None, None)


FIGURES = st.builds(
    span,
    st.integers(0, 99),
    output=st.sampled_from([(), ("said",)]),
    input_tokens=st.none() | st.integers(0, 9),
    output_tokens=st.none() | st.integers(0, 9),
    cost_usd=st.none() | st.decimals(0, 9, places=9),
    cached_tokens=st.none() | st.integers(0, 3),
    model=st.sampled_from([None, "m-1", "m-2"]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(FIGURES, min_size=1, max_size=5), st.integers(0, 99))
def test_neither_order_nor_who_was_the_attempt_matters(spans: list[Span], seed: int) -> None:
    whole = usage(spans, prices=PRICES)
    Random(seed).shuffle(spans)
    assert usage(spans[:1], spans[1:], PRICES) == whole


@settings(max_examples=80, deadline=None)
@given(st.lists(FIGURES, min_size=1, max_size=5), FIGURES)
def test_one_more_call_never_makes_a_sum_smaller_nor_an_absent_one_known(
    spans: list[Span], more: Span
) -> None:
    answered = [msgspec.structs.replace(each, output=("said",)) for each in spans]
    before, after = usage(answered, prices=PRICES), usage([*answered, more], prices=PRICES)
    for name in ("input_tokens", "output_tokens", "cost_usd"):
        old, new = getattr(before, name), getattr(after, name)
        assert new is None or (old is not None and new >= old)
