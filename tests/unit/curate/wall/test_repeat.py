"""Boilerplate gives nothing away, and what is left of a case does."""

from itertools import product

import polars as pl
import pytest

from headrace.curate.wall.coverage import Grams
from headrace.curate.wall.item import Item
from headrace.curate.wall.repeat import without_boilerplate
from tests.unit.curate.conftest import user

WORDS = ["".join(letters) for letters in product("abcdefghij", repeat=3)]
TEMPLATE, OWN = WORDS[:20], WORDS[500:520]


def overlaps(case: Item, *texts: str) -> pl.DataFrame:
    """Those of texts that are episodes `e0`, `e1`, ..."""
    grams = Grams([case])
    found = grams.covered(grams.shared(texts), "text")
    return found.select(
        "starts",
        case_id=pl.lit(case.case_id),
        episode_id=pl.format("e{}", "text"),
        rule=pl.lit("ngram"),
    )


def groups(count: int, of: int) -> pl.DataFrame:
    """Episodes in so many groups, in turn."""
    rows = {
        "episode_id": [f"e{i}" for i in range(of)],
        "group": [f"g{i % count}" for i in range(of)],
    }
    return pl.DataFrame(rows)


def test_a_template_of_many_groups_gives_only_the_own_part_of_a_case_away() -> None:
    case = Item.of("k", [user(" ".join([*TEMPLATE, *OWN]))])
    every = [" ".join([*TEMPLATE, word]) for word in WORDS[600:900]]
    rows = overlaps(case, *every, " ".join([*TEMPLATE, *OWN]))
    assert len(rows) == 301
    [row] = without_boilerplate([case], rows, groups(301, 301)).iter_rows(named=True)
    assert (row["episode_id"], row["share"]) == ("e300", pytest.approx(27 / 40))


@pytest.mark.parametrize(("count", "left"), [(300, 0), (199, 300), (2, 300)])
def test_it_takes_many_groups_to_make_a_template(count: int, left: int) -> None:
    case = Item.of("k", [user(" ".join(TEMPLATE))])
    rows = overlaps(case, *[" ".join([*TEMPLATE, word]) for word in WORDS[600:900]])
    assert len(without_boilerplate([case], rows, groups(count, 300))) == left


def test_what_several_cases_ask_alike_counts_for_none_of_them() -> None:
    form = "which of the following is not a"
    cases = [
        Item.of(f"k{i}", [user(f"{form} {' '.join(WORDS[9 * i : 9 * i + 3])}")]) for i in range(3)
    ]
    rows = overlaps(cases[0], f"{form} {' '.join(WORDS[800:803])}", " ".join(cases[0].words))
    assert set(rows["episode_id"]) == {"e0", "e1"}
    assert len(without_boilerplate(cases[:2], rows, groups(2, 2))) == 2
    assert without_boilerplate(cases, rows, groups(2, 2))["episode_id"].to_list() == ["e1"]
