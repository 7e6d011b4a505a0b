"""List prices: which entry counts, exact sums, and entries that cannot be used."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.errors import PriceError
from headrace.curate.price import FILE, MOST_USD, UNPRICED, Price, Prices, parse
from headrace.lake.settings import Settings

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
MILLION = 1_000_000
ENTRY = """
[[price]]
model = "mill-1"
since = 2026-01-01
input = 0.1
output = 0.2
source = "the miller"
"""


def price(
    model: str | tuple[str, ...] = "mill-1", since: str = "2026-01-01", **terms: Any
) -> Price:
    """A price whose input tells it apart."""
    usual: dict[str, Any] = {"input": Decimal(1), "output": Decimal(0), "source": "test"}
    return Price(model=model, since=date.fromisoformat(since), **usual | terms)


def asked(
    prices: Prices,
    model: str | None = "mill-1",
    provider: str | None = None,
    at: datetime = AT,
    tokens: int = MILLION,
) -> Decimal | None:
    """What a million input tokens cost."""
    return prices.cost(provider, model, at=at, input_tokens=tokens, output_tokens=0)


def own(home: Path, text: str, **fields: Any) -> Settings:
    (home / "prices.toml").write_text(text)
    return Settings(home=home, **fields)


def test_of_dated_prices_the_one_in_force_at_the_call_counts() -> None:
    dated = Prices([price(since=f"2026-0{n}-01", input=Decimal(n)) for n in (5, 1, 3)])
    found = {day: asked(dated, at=datetime(2026, *day, tzinfo=UTC)) for day in DAYS}
    assert found == {day: None if usd is None else Decimal(usd) for day, usd in DAYS.items()}


DAYS = {(1, 1): 1, (2, 28): 1, (3, 1): 3, (4, 30): 3, (5, 1): 5, (12, 31): 5}


def test_before_its_first_price_a_model_has_none() -> None:
    dated = Prices([price(since="2026-06-16")])
    assert asked(dated) is None
    west = timezone(timedelta(hours=-12))  # the day is that of UTC, not of the clock that told it
    assert asked(dated, at=datetime(2026, 6, 15, 12, tzinfo=west)) == 1


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("mill-1", 1),
        ("MILL-1", 1),
        ("mill-1-mini", 2),
        ("mill-1-mini-2026-01-01", 2),
        ("mill-1-2026-01-01", 3),
        ("mill-10", None),
        ("mill", None),
        ("stone-1", 1),
        (None, None),
        ("", None),
    ],
)
def test_a_whole_name_goes_before_a_beginning_and_a_long_one_before_a_short(
    model: str | None, usd: int | None
) -> None:
    rows = [
        price("mill-1-*", input=Decimal(3)),
        price(("mill-1", "stone-1")),
        price("mill-1-mini*", input=Decimal(2), since="2025-01-01"),
    ]
    for table in (rows, rows[::-1]):
        assert asked(Prices(table), model) == usd


@pytest.mark.parametrize(
    ("provider", "usd"), [(None, 1), ("elsewhere", 1), ("azure", 2), ("AZURE", 2)]
)
def test_a_price_of_a_provider_is_for_its_calls_alone_and_goes_before_those_of_all(
    provider: str | None, usd: int
) -> None:
    rows = [price("mill-1"), price("*", provider="Azure", input=Decimal(2), since="2025-01-01")]
    assert asked(Prices(rows), provider=provider) == usd


@pytest.mark.parametrize(("tokens", "usd"), [(200, 1), (201, 2), (1_000, 2), (1_001, 4)])
def test_a_long_call_has_the_price_of_long_calls(tokens: int, usd: int) -> None:
    rows = [
        price(input=Decimal(4)),
        price(up_to=1_000, input=Decimal(2)),
        price(up_to=200, input=Decimal(1)),
        price(since="2025-01-01", up_to=MILLION, input=Decimal(9)),
    ]
    assert asked(Prices(rows), tokens=tokens) == Decimal(tokens * usd) / MILLION


def test_the_first_table_that_has_a_price_is_asked() -> None:
    prices = Prices([price("mill*", since="2026-06-01", input=Decimal(7))], [price("mill-1")])
    assert asked(prices) == 7, "though the other names the model in full"
    assert asked(prices, at=datetime(2026, 5, 31, tzinfo=UTC)) == 1
    assert asked(UNPRICED) is None


TERMS: dict[str, Any] = {
    "input": Decimal("3"),
    "cached_input": Decimal("0.3"),
    "cache_write": Decimal("3.75"),
    "output": Decimal("15"),
}
FULL = Prices([price(**TERMS)])
BARE = Prices([price(input=Decimal(3), output=Decimal(15))])


def cost(prices: Prices, given: int | None, out: int | None, *cache: int | None) -> Decimal | None:
    read, written = (*cache, None, None)[:2]
    return prices.cost(
        None, "mill-1", at=AT, input_tokens=given, output_tokens=out,
        cached_tokens=read, cache_write_tokens=written,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tokens", "usd"),
    [
        ((1_000, 100), "0.0045"),
        ((1_000, 100, 600), "0.00288"),  # 400 plain, 600 read
        ((1_000, 100, 600, 300), "0.003105"),  # 100 plain, 600 read, 300 written
        ((1_000, 0, 1_000), "0.0003"),
        ((1_000, 0, None, 1_000), "0.00375"),
        ((0, 0, 0, 0), "0"),
        ((1, 0), "0.000003"),
        ((None, 100), None),
        ((1_000, None), None),
        ((1_000, 100, 1_001), None),  # reads apart from the input: not what these figures mean
        ((1_000, 100, 600, 401), None),
    ],
)
def test_what_a_cache_gave_and_took_is_part_of_the_input_at_its_own_price(
    tokens: tuple[int | None, ...], usd: str | None
) -> None:
    given, out, *cache = tokens
    assert cost(FULL, given, out, *cache) == (None if usd is None else Decimal(usd))


def test_a_price_that_is_not_known_takes_the_cost_only_of_calls_that_need_it() -> None:
    assert cost(BARE, 1_000, 100, 0, 0) == Decimal("0.0045")
    assert cost(BARE, 1_000, 100, 1) is None
    assert cost(BARE, 1_000, 100, None, 1) is None


def test_a_model_may_be_free() -> None:
    assert asked(Prices([price("*", provider="ollama", input=Decimal(0))]), provider="ollama") == 0


TOKENS = st.integers(0, 10**12)
USD = st.decimals(0, MOST_USD, places=9)


class Tokens:
    """What a call used, the parts of its input apart."""

    def __init__(self, plain: int, read: int, written: int, out: int) -> None:
        self.parts = (plain, read, written, out)

    def cost(self, prices: Prices) -> Decimal:
        plain, read, written, out = self.parts
        found = cost(prices, plain + read + written, out, read, written)
        assert found is not None
        return found

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(*(one + two for one, two in zip(self.parts, other.parts, strict=True)))


CALLS = st.builds(Tokens, TOKENS, TOKENS, TOKENS, TOKENS)
ROWS = st.builds(lambda *usd: price(**dict(zip(TERMS, usd, strict=True))), USD, USD, USD, USD)


@settings(max_examples=200, deadline=None)
@given(ROWS, CALLS, CALLS)
def test_costs_add_up_to_the_last_place_and_more_tokens_never_cost_less(
    row: Price, one: Tokens, other: Tokens
) -> None:
    prices = Prices([row])
    both = (one + other).cost(prices)
    assert both == one.cost(prices) + other.cost(prices)
    assert both >= max(one.cost(prices), other.cost(prices))


@settings(max_examples=100, deadline=None)
@given(ROWS, CALLS)
def test_a_cost_is_the_tokens_times_their_prices(row: Price, call: Tokens) -> None:
    rates = (row.input, row.cached_input or 0, row.cache_write or 0, row.output)
    nano = sum(n * int(rate * 10**9) for n, rate in zip(call.parts, rates, strict=True))
    assert call.cost(Prices([row])).scaleb(15) == nano


# What a home, the setting and the bundled table say together.


def test_without_a_file_the_bundled_table_counts(tmp_path: Path) -> None:
    bundled = Prices.load(Settings(home=tmp_path))
    assert asked(bundled, "gpt-4o-mini-2024-07-18", "openai") == Decimal("0.15")
    assert asked(bundled, "o3", at=datetime(2025, 6, 9, tzinfo=UTC)) == 10
    assert asked(bundled, "o3", at=datetime(2025, 6, 10, tzinfo=UTC)) == 2
    assert asked(bundled, "claude-sonnet-4-20250514", tokens=200_001) == Decimal("1.200006")
    assert asked(bundled, "gpt-4o-audio-preview") is None, "no price for all that begins alike"


def test_every_bundled_price_tells_its_source_and_reads_cheaper_than_it_computes() -> None:
    rows = parse((files("headrace.curate") / FILE).read_text(), FILE)
    assert len(rows) > 30
    for row in rows:
        assert row.source.startswith("https://"), row.model
        assert 0 < row.input < row.output, row.model
        assert (row.cached_input or 0) < row.input < (row.cache_write or row.output), row.model


def test_a_file_in_the_home_goes_before_the_bundled_table(tmp_path: Path) -> None:
    mine = own(tmp_path, ENTRY + ENTRY.replace("mill-1", "gpt-4o-mini").replace("0.1", "9"))
    prices = Prices.load(mine)
    assert asked(prices, "gpt-4o-mini") == 9
    assert asked(prices, "gpt-4o-mini", at=datetime(2025, 1, 1, tzinfo=UTC)) == Decimal("0.15")
    assert asked(prices) == Decimal("0.1")
    assert asked(prices, "gpt-4.1") == 2


def test_the_setting_names_another_file(tmp_path: Path) -> None:
    elsewhere = tmp_path / "ours.toml"
    elsewhere.write_text(ENTRY)
    named = own(tmp_path, ENTRY.replace("0.1", "5"), prices=elsewhere)
    assert asked(Prices.load(named)) == Decimal("0.1")


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    named = Settings(home=tmp_path, prices=tmp_path / "ours.toml")
    with pytest.raises(PriceError, match=r"ours\.toml.*correct HEADRACE_PRICES or unset it"):
        Prices.load(named)


def test_the_digest_is_of_what_costs_depend_on_and_nothing_else(tmp_path: Path) -> None:
    def name(text: str) -> str:
        return Prices.load(own(tmp_path, text)).digest

    other = ENTRY.replace("mill-1", "mill-2")
    assert name(ENTRY + other) == name("# words\n" + other + ENTRY.replace("0.1", "0.100"))
    assert name(ENTRY) == name(ENTRY.replace("the miller", "his wife"))
    changed = [
        ("0.1", "0.11"), ("0.2", "0.1"), ("2026", "2025"), ("mill-1", "mill-1*"),
        ("output", "up_to = 9\noutput"), ("output", "cached_input = 0\noutput"),
        ("output", "cache_write = 0\noutput"), ("output", "provider = 'x'\noutput"),
    ]  # fmt: skip
    assert len({name(ENTRY.replace(*pair)) for pair in [("", ""), *changed]}) == len(changed) + 1


def test_figures_are_read_to_the_last_place() -> None:
    [row] = parse(ENTRY.replace("0.1", "0.100000001").replace("0.2", "3"), "p.toml")
    assert (row.input, row.output) == (Decimal("0.100000001"), Decimal(3))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("input = 0.1", "input = -0.1", r"entry 2 \(mill-1\): input is -0\.1: 0 to 1,000,000 USD"),
        ("input = 0.1", "input = nan", r"entry 2 \(mill-1\): input is NaN"),
        ("input = 0.1", "input = inf", r"input is Infinity"),
        ("input = 0.1", "input = 1e7", r"input is 1E\+7"),
        ("input = 0.1", "input = 1e-10", r"input is 1E-10: .* with 9 places at most"),
        ("input = 0.1", "input = true", r"Expected `decimal`, got `bool` - at `\$\.input`"),
        ("input = 0.1", "input = 'free'", r"Invalid decimal string - at `\$\.input`"),
        ("output = 0.2", "", r"missing required field `output`"),
        ("output = 0.2", "output = 1\ncache_write = -1", r"cache_write is -1"),
        ("output = 0.2", "output = 1\ncached = 1", r"unknown field `cached`.* cached_input"),
        ("output = 0.2", "output = 1\nup_to = 0", r"up_to is 0"),
        ("since = 2026-01-01", "since = 2026-01-01T00:00:00", r"Expected `date`"),
        ("since = 2026-01-01", "since = '2026-13-01'", r"date - at `\$\.since`.* as 2026-01-31"),
        ("since = 2026-01-01", "", r"missing required field `since`"),
        ('model = "mill-1"', "model = ''", r"entry 2: model is empty"),
        ('model = "mill-1"', "model = []", r"entry 2: model is empty"),
        ('model = "mill-1"', "model = '*-1'", r"'\*-1' has a \* before its end"),
        ('source = "the miller"', "", r"missing required field `source`"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named_with_file_fault_and_cure(
    old: str, new: str, said: str
) -> None:
    good = ENTRY.replace("mill-1", "mill-0")
    with pytest.raises(PriceError, match=said) as told:
        parse(good + ENTRY.replace(old, new), "p.toml")
    assert str(told.value).startswith("p.toml, entry 2")
    assert "An entry needs model" in str(told.value)
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("price = 3", r"p\.toml: 'price' is no list of prices: head each one with \[\[price\]\]"),
        ("[prices]", r"'prices' is no list"),
        ("price = [3]", r"entry 1: Expected `object`"),
        ("since = 2026-02-30", r"p\.toml is no TOML: Invalid date"),
        (ENTRY + ENTRY, r"entry 2 \(mill-1\): entry 1 is about the same model, day and length"),
        (ENTRY + ENTRY.replace('"mill-1"', "['a', 'MILL-1']"), r"entry 2 \(MILL-1\): entry 1"),
    ],
)
def test_a_file_that_is_no_table_of_prices_is_refused(text: str, said: str) -> None:
    with pytest.raises(PriceError, match=said):
        parse(text, "p.toml")


def test_the_example_of_the_page_is_a_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "costs.md").read_text()
    [example] = re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)
    prices = Prices(parse(example, "docs/costs.md"))
    assert asked(prices, "gpt-4o-mini-2024-07-18") == Decimal("0.12")
    assert asked(prices, "llama-3", "ollama") == 0


def test_an_empty_file_is_an_empty_table(tmp_path: Path) -> None:
    assert parse("# nothing yet", "p.toml") == ()
    assert asked(Prices.load(own(tmp_path, "")), "gpt-4.1") == 2


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PriceError, match=r"prices\.toml' cannot be read"):
        Prices.load(Settings(home=tmp_path))
