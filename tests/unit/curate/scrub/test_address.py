import pytest

from headrace.curate.scrub.address import ADDRESS
from headrace.curate.scrub.draw import Draw


@pytest.mark.parametrize(
    "text", ["12 Main St, Springfield", "Hauptstrasse 5\n8010 Graz", " 1 A B "]
)
def test_a_house_is_found_whole(text: str) -> None:
    assert [text[a:b] for a, b in ADDRESS.typed(text)] == [text.strip()]


@pytest.mark.parametrize(
    "text",
    ["jane@gmail.com", "https://a.b/c 1", "10.0.0.1", "0xdeadbeef", "Springfield", "", "x" * 300],
)
def test_other_addresses_stay(text: str) -> None:
    assert list(ADDRESS.typed(text)) == []


def test_with_and_without_its_town_it_is_one_house() -> None:
    assert ADDRESS.canonical("12 Main St, Springfield") == ADDRESS.canonical("12  main ST")
    assert [f.text for f in ADDRESS.forms("12 Main St, Graz")] == ["12 Main St, Graz", "12 Main St"]


def test_the_surrogate_is_a_street_that_is_not_found_again() -> None:
    fresh = ADDRESS.surrogate("12 Main St", Draw(b"\x77" * 32))
    assert list(ADDRESS.typed(fresh)) == [] and fresh.split()[0].isdigit()
