"""What the calls of a chain cost: sums that are absent unless every part is known."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from headrace.curate.forest import Chain
from headrace.curate.price import Prices
from headrace.lake.record import Span

N = TypeVar("N", int, Decimal)

_LAKE = Decimal("0.000000001")  # as fine as the lake keeps money
_MOST_USD = Decimal("999999999.999999999")
_MOST_TOKENS = 2**63 - 1


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over a chain, failed attempts included."""

    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None  # as reported, by list prices for the calls that report none
    latency_ms: float | None  # of the calls alone, not of the tools or people between them
    started_at: datetime | None
    ended_at: datetime | None
    defects: tuple[str, ...]

    @classmethod
    def of(cls, chain: Chain, prices: Prices) -> "Usage":
        spans = [call.span for call in (*chain.calls, *chain.attempts)]
        billed = [span for span in spans if _is_billed(span)]
        cost = _sum((_cost(span, prices) for span in billed), _MOST_USD)
        return cls(
            input_tokens=_sum((span.input_tokens for span in billed), _MOST_TOKENS),
            output_tokens=_sum((span.output_tokens for span in billed), _MOST_TOKENS),
            cost_usd=None if cost is None else cost.quantize(_LAKE),
            latency_ms=_milliseconds(spans),
            started_at=min((s.started_at for s in spans if s.started_at), default=None),
            ended_at=max((s.ended_at for s in spans if s.ended_at), default=None),
            defects=tuple(_defects(billed, cost)),
        )

    @property
    def columns(self) -> dict[str, Any]:
        """The figures by their columns of `episodes`."""
        held = msgspec.structs.asdict(self)
        del held["defects"]
        return held


def _is_billed(span: Span) -> bool:
    """A call that failed without a figure has cost nothing that anyone knows of."""
    return bool(span.output) or span.input_tokens is not None or span.cost_usd is not None


def _cost(span: Span, prices: Prices) -> Decimal | None:
    if span.cost_usd is not None:
        return span.cost_usd
    return prices.cost(
        span.provider,
        span.model,
        at=span.started_at or span.received_at,
        input_tokens=span.input_tokens,
        output_tokens=span.output_tokens,
        cached_tokens=span.cached_tokens,
        cache_write_tokens=span.cache_write_tokens,
    )


def _defects(billed: Iterable[Span], cost: Decimal | None) -> Iterator[str]:
    """Both are there to be read and keep nothing from being trained on."""
    if cost is not None and any(span.cost_usd is None for span in billed):
        yield "cost_estimated"
    if any(span.input_tokens is None and span.output_tokens is None for span in billed):
        yield "no_usage"


def _sum(values: Iterable[N | None], most: N) -> N | None:
    """Absent too where the sum is more than the lake can hold: no such figure was measured."""
    whole: N | None = None
    for value in values:
        if value is None:
            return None
        whole = value if whole is None else whole + value
    return whole if whole is None or whole <= most else None


def _milliseconds(spans: Iterable[Span]) -> float | None:
    whole = timedelta()
    for span in spans:
        if span.started_at is None or span.ended_at is None:
            return None
        whole += span.ended_at - span.started_at
    return whole / timedelta(milliseconds=1)
