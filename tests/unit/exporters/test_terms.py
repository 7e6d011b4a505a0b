"""What a recipe says of episodes where no lake has to be asked."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters.eligibility import Standing
from headrace.exporters.recipe import Recipe
from headrace.exporters.terms import terms
from headrace.lake import Lake
from headrace.lake.record import Split

NOWHERE = cast(Lake, None)
SIDES: list[Split | None] = ["train", "test", "eval", None]
KNOWN = {
    f"e{n}": Standing(split=side, group=None if n % 7 == 0 else f"g{n // 3}")
    for n, side in enumerate(SIDES * 30)
}


def moved(share: float, seed: int = 0) -> set[str]:
    found = terms(NOWHERE, "p", Recipe(objective="sft", holdout=share, seed=seed), KNOWN)
    assert found.keys() == KNOWN.keys()
    return {name for name in KNOWN if found[name] != KNOWN[name]}


def test_a_plain_recipe_leaves_what_is_known_and_reads_nothing() -> None:
    assert terms(NOWHERE, "p", Recipe(objective="kto"), KNOWN) is KNOWN


@given(st.floats(0, 0.99), st.floats(0, 0.99), st.integers(0, 5))
def test_a_larger_holdout_moves_more_and_takes_none_back(
    one: float, other: float, seed: int
) -> None:
    less, more = moved(min(one, other), seed), moved(max(one, other), seed)
    assert less <= more
    assert all(KNOWN[name].split == "train" and KNOWN[name].group for name in more)


def test_a_group_is_moved_as_a_whole_and_about_the_share_of_them() -> None:
    names = moved(0.5)
    groups = {KNOWN[name].group for name in names}
    whole = {n for n, one in KNOWN.items() if one.group in groups and one.split == "train"}
    assert names == whole
    many = {f"e{n}": Standing(split="train", group=f"g{n}") for n in range(2_000)}
    found = terms(NOWHERE, "p", Recipe(objective="sft", holdout=0.2), many)
    assert 330 < sum(one.split == "test" for one in found.values()) < 470  # 4 standard errors
