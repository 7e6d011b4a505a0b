"""What a call costs by list prices: a bundled table of them, and the user's own laid over it."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import msgspec

from headrace.curate.errors import PriceError
from headrace.lake.message import digest, dump
from headrace.lake.settings import Settings

FILE = "prices.toml"  # bundled beside this module; of the same name in a home
MOST_USD = Decimal(1_000_000)  # per million tokens
PLACES = -9  # of a price: finer than anyone asks, and products stay exact

_MILLION = -6  # places of the point from USD per million tokens to USD
_FIGURES = ("input", "output", "cached_input", "cache_write")
_CURE = (
    "An entry needs model (a name, a beginning as 'gpt-4o-mini*', or a list of them), since (a "
    "day, as 2026-01-31), input, output (USD per million tokens, 0 or more) and source, and may "
    "have provider, cached_input, cache_write and up_to (most input tokens of a call)"
)


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the calls of a model cost from a day on, in USD per million tokens."""

    model: str | tuple[str, ...]  # names, or beginnings that end with `*`
    since: date  # UTC
    input: Decimal
    output: Decimal
    source: str  # where the figures are from
    provider: str | None = None  # None: whoever sells it
    cached_input: Decimal | None = None  # None: not known, nor is the cost of such a call
    cache_write: Decimal | None = None
    up_to: int | None = None  # input tokens of a call; a longer one has another price, or none

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model,) if isinstance(self.model, str) else self.model

    def rank(self, provider: str | None, model: str) -> tuple[bool, int] | None:
        """How closely this is about a model, more is closer; None where it is not."""
        if self.provider is not None and self.provider.lower() != provider:
            return None
        fits = [near for name in self.models if (near := _nearness(name.lower(), model))]
        return (self.provider is not None, max(fits)) if fits else None

    def holds(self, day: date, input_tokens: int) -> bool:
        return self.since <= day and (self.up_to is None or input_tokens <= self.up_to)


class Prices:
    """Tables of prices, the first to be asked first; any thread may use them."""

    def __init__(self, *layers: Sequence[Price]) -> None:
        self._layers = layers
        self.digest = digest(dump([sorted(map(_terms, layer)) for layer in layers]))
        self._about = lru_cache(maxsize=1_000)(self._find)  # who sends traces names the models

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The bundled table below the one of the settings, which need not exist unless named.

        Raises PriceError naming file, entry and cure.
        """
        bundled = parse((files("headrace.curate") / FILE).read_text(encoding="utf-8"), FILE)
        own = settings.prices_path
        if settings.prices is None and not own.exists():
            return cls(bundled)
        return cls(_read(own), bundled)

    def cost(
        self,
        provider: str | None,
        model: str | None,
        *,
        at: datetime,
        input_tokens: int | None,
        output_tokens: int | None,
        cached_tokens: int | None = None,
        cache_write_tokens: int | None = None,
    ) -> Decimal | None:
        """USD for a call, exact; None where tokens or a price that they need are not known.

        Input counts what was read from a cache and written to one. Where a provider tells of no
        cache, all of it has the full price.
        """
        if model is None or input_tokens is None or output_tokens is None:
            return None
        day = at.astimezone(UTC).date()
        rows = self._about(provider and provider.lower(), model.lower())
        price = next((row for row in rows if row.holds(day, input_tokens)), None)
        read, written = cached_tokens or 0, cache_write_tokens or 0
        plain = input_tokens - read - written
        if price is None or plain < 0:  # more of the cache than of all: figures of another kind
            return None
        return _total(
            (plain, price.input),
            (read, price.cached_input),
            (written, price.cache_write),
            (output_tokens, price.output),
        )

    def _find(self, provider: str | None, model: str) -> tuple[Price, ...]:
        """The prices that may hold for a model, the one to be tried first in front."""
        return tuple(row for layer in self._layers for row in _closest(layer, provider, model))


UNPRICED = Prices()


def parse(text: str, place: str) -> tuple[Price, ...]:
    """The prices of a TOML text; `place` names it in errors. Raises PriceError."""
    try:
        held: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PriceError(f"{place} is no TOML: {error}. Correct it or remove it") from error
    entries = held.pop("price", [])
    if held or not isinstance(entries, list):
        wrong = next(iter(held), "price")
        raise PriceError(f"{place}: {wrong!r} is no list of prices: head each one with [[price]]")
    rows = tuple(_price(entry, f"{place}, entry {n}") for n, entry in enumerate(entries, 1))
    _must_differ(rows, place)
    return rows


def _read(path: Path) -> tuple[Price, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = f"the prices in {str(path)!r} cannot be read ({error})"
        raise PriceError(f"{told}: correct HEADRACE_PRICES or unset it") from error
    return parse(text, str(path))


def _price(entry: object, place: str) -> Price:
    told = entry.get("model") if isinstance(entry, Mapping) else None
    where = f"{place} ({told})" if told else place
    try:
        row = msgspec.convert(entry, Price)
    except msgspec.ValidationError as error:
        raise PriceError(f"{where}: {error}. {_CURE}") from error
    if fault := next(_faults(row), None):
        raise PriceError(f"{where}: {fault}. {_CURE}")
    return row


def _faults(row: Price) -> Iterator[str]:
    if not row.models or not all(row.models):
        yield "model is empty"
    yield from (f"model {name!r} has a * before its end" for name in row.models if "*" in name[:-1])
    for name in _FIGURES:
        figure = getattr(row, name)
        if figure is not None and not _possible(figure):
            yield f"{name} is {figure}: 0 to {MOST_USD:,} USD with {-PLACES} places at most"
    if row.up_to is not None and row.up_to < 1:
        yield f"up_to is {row.up_to}"


def _possible(figure: Decimal) -> bool:
    if not figure.is_finite() or not 0 <= figure <= MOST_USD:
        return False
    return figure == round(figure, -PLACES)


def _must_differ(rows: Sequence[Price], place: str) -> None:
    """Raises PriceError where two entries answer the same question."""
    first: dict[object, int] = {}
    for number, row in enumerate(rows, 1):
        for name in row.models:
            key = (row.provider and row.provider.lower(), name.lower(), row.since, row.up_to)
            if (other := first.setdefault(key, number)) != number:
                raise PriceError(
                    f"{place}, entry {number} ({name}): entry {other} is about the same model, "
                    "day and length: remove one of them"
                )


def _closest(layer: Sequence[Price], provider: str | None, model: str) -> list[Price]:
    """By closeness, then the latest, then the one for the shortest calls."""
    ranked = [(rank, row) for row in layer if (rank := row.rank(provider, model)) is not None]
    ranked.sort(key=lambda it: it[1].up_to or 2**63)
    ranked.sort(key=lambda it: (it[0], it[1].since), reverse=True)
    return [row for _, row in ranked]


def _nearness(pattern: str, model: str) -> int:
    """0 where the pattern does not fit; the whole name is nearer than any beginning of it."""
    if pattern.endswith("*"):
        return len(pattern) if model.startswith(pattern[:-1]) else 0
    return len(model) + 2 if pattern == model else 0


def _terms(row: Price) -> list[str]:
    """What a cost depends on, as text: `0.150` is `0.15`, and the source is no term."""
    figures = (getattr(row, name) for name in _FIGURES)
    told = ["" if figure is None else f"{figure.normalize():f}" for figure in figures]
    names = ",".join(sorted(name.lower() for name in row.models))
    return [names, (row.provider or "").lower(), str(row.since), str(row.up_to), *told]


def _total(*parts: tuple[int, Decimal | None]) -> Decimal | None:
    """USD of tokens at prices; None where a price is not known that some tokens have."""
    total = Decimal(0)
    for tokens, price in parts:
        if tokens and price is None:
            return None
        total += tokens * price if price is not None else 0
    return total.scaleb(_MILLION)
