"""Attempts and what they sum up to: absent values are counted, named and never averaged."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.evals.scores.attempt import Attempt, Measured, Ran, ran, reasons

T0 = datetime(2026, 11, 1, 8, tzinfo=UTC)


def attempt(case: str, value: float | None, **more: Any) -> Attempt:
    return Attempt(case_id=case, scorer="exact", value=value, **more)


def summed(*attempts: Attempt) -> Ran:
    measured = Measured(
        key="k", release="v1", released_at=T0, started_at=T0, attempts=attempts, log_uri="here"
    )
    return ran(measured.run("p", "s", "r"), attempts, changed=True, left_out=2)


def test_a_run_is_summed_over_the_values_there_are() -> None:
    found = summed(attempt("a", 1.0), attempt("a", 0.0, epoch=2), attempt("b", None, error="503"))
    assert (found.cases, found.scores, found.absent, found.mean) == (2, 3, 1, 0.5)
    assert (found.release, found.status, found.log_uri) == ("v1", "success", "here")
    assert (found.left_out, found.changed) == (2, True)


@pytest.mark.parametrize("attempts", [[], [attempt("a", None)], [attempt("a", None)] * 3])
def test_a_mean_of_nothing_is_none_and_not_zero(attempts: list[Attempt]) -> None:
    assert summed(*attempts).mean is None


def test_reasons_are_those_of_absent_values_alone_commonest_first() -> None:
    given = [
        attempt("a", None, error="429"),
        attempt("b", None, error="503"),
        attempt("c", None, error="503"),
        attempt("d", None),
        attempt("e", 0.0, error="limit reached: token"),
    ]
    assert list(reasons(given).items()) == [("503", 2), ("429", 1), ("no value given", 1)]


@pytest.mark.parametrize(
    ("cost", "kept"),
    [
        (Decimal(1) / 3, Decimal("0.333333333")),
        (Decimal("0.0000000005"), Decimal("0.000000000")),  # half to even
        (Decimal("0.1"), Decimal("0.100000000")),
        (Decimal("123456789"), Decimal("123456789.000000000")),
        (None, None),
    ],
)
def test_a_cost_is_kept_with_the_places_of_the_lake(
    cost: Decimal | None, kept: Decimal | None
) -> None:
    """Else a score read back would differ from the same score and be written again."""
    assert attempt("a", 1.0, cost_usd=cost).score("r").cost_usd == kept


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.none() | st.floats(0, 1), max_size=12), seed=st.randoms())
def test_the_sum_of_a_run_does_not_hang_on_the_order_of_its_attempts(
    values: list[float | None], seed: Any
) -> None:
    attempts = [attempt(str(i % 4), value, epoch=i) for i, value in enumerate(values)]
    shuffled = seed.sample(attempts, len(attempts))
    ours, theirs = summed(*attempts), summed(*shuffled)
    assert (ours.cases, ours.absent) == (theirs.cases, theirs.absent)
    assert ours.absent + sum(value is not None for value in values) == ours.scores
    assert (ours.mean is None) == (theirs.mean is None)
    if ours.mean is not None and theirs.mean is not None:
        assert ours.mean == pytest.approx(theirs.mean, abs=1e-12)
