"""What attempts cost by list prices, where nobody said it."""

import msgspec

from headrace.curate.price import Prices
from headrace.evals.scores.attempt import Attempt, Measured


def priced(run: Measured, prices: Prices) -> Measured:
    """A run whose attempts have a cost in USD, as far as tokens, model and a price are known.

    A cost that was told stands. A price holds from its day on, as for calls in production.
    """
    provider, model = _named(run.model)
    if model is None:
        return run

    def cost(attempt: Attempt) -> Attempt:
        if attempt.cost_usd is not None:
            return attempt
        found = prices.cost(
            provider,
            model,
            at=run.started_at,
            input_tokens=attempt.input_tokens,
            output_tokens=attempt.output_tokens,
            cached_tokens=attempt.cached_tokens,
            cache_write_tokens=attempt.cache_write_tokens,
        )
        return msgspec.structs.replace(attempt, cost_usd=found)

    return msgspec.structs.replace(run, attempts=tuple(map(cost, run.attempts)))


def _named(model: str | None) -> tuple[str | None, str | None]:
    """Provider and model of Inspect's name: `openai-api/azure/gpt-4.1` is gpt-4.1 of azure."""
    parts = (model or "").split("/")
    if len(parts) < 2 or parts[0] == "none":
        return None, None
    if parts[0] == "openai-api" and len(parts) > 2:
        return parts[1], "/".join(parts[2:])
    return parts[0], "/".join(parts[1:])
