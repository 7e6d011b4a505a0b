"""What comes later, and users never seen, held out beside the splits."""

from datetime import timedelta

import pytest

from headrace.curate.holdout import forward, unseen_users
from headrace.curate.split import split
from headrace.curate.units import units
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, T0, World, said, short, user

CUT = T0 + timedelta(seconds=100)


def lay(lake: Lake, world: World, *rows: tuple[str, str, float, str | None]) -> None:
    for name, asked, at, who in rows:
        world.post(name, [user(asked), said(f"It is {name}.")], at, user_id=who)
    world.drain(lake)
    units(lake, world.project, now=NOW)
    split(lake, world.project, now=NOW)


def test_only_groups_that_are_new_after_the_cut_are_held_out(lake: Lake, world: World) -> None:
    lay(
        lake, world, ("early", "Refund", 0, None), ("again", "refund", 150, None),
        ("late", "Window seat", 100, None), ("later", "window seat", 200, None),
    )  # fmt: skip
    found = {short(name): side for name, side in forward(lake, world.project, CUT).items()}
    assert found == {"early": "learnt", "again": None, "late": "held_out", "later": "held_out"}


def test_users_are_held_out_whole_and_nobody_learns_from_their_groups(
    lake: Lake, world: World
) -> None:
    letters = "abcdefghij"
    rows = [(f"own{one}", f"Tell me of {one * 3}", 0.0, f"user {one}") for one in letters]
    common = [(f"all{one}", "Good morning", 0.0, f"user {one}") for one in letters]
    lay(lake, world, *rows, *common, ("nobody", "Something else", 0.0, None))
    found = {
        short(name): side
        for name, side in unseen_users(lake, world.project, share=0.5, seed=1).items()
    }
    held = {name for name, side in found.items() if name and side == "held_out"}
    users = {name[3:] for name in held}
    assert 0 < len(users) < len(letters)
    assert held == {f"{kind}{one}" for one in users for kind in ("own", "all")}
    assert {found[f"all{one}"] for one in letters if one not in users} == {None}
    assert {found[f"own{one}"] for one in letters if one not in users} == {"learnt"}
    assert found["nobody"] == "learnt"


@pytest.mark.parametrize(("share", "side"), [(0.0, "learnt"), (1.0, "held_out")])
def test_a_share_of_none_holds_nobody_out_and_of_all_everybody(
    share: float, side: str, lake: Lake, world: World
) -> None:
    lay(lake, world, ("a", "Refund", 0, "u"), ("b", "Window seat", 0, "v"))
    assert set(unseen_users(lake, world.project, share=share).values()) == {side}
