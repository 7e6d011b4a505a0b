from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters.difference import Place, Side, difference
from headrace.lake.record import Split

ROWS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["train", "test"]), max_size=8)


def side(rows: Mapping[str, Split], **fields: Any) -> Side:
    """A version of rows that are named after their episodes."""
    given: dict[str, Any] = {
        "project": "shop",
        "name": "refunds",
        "version": "v1",
        "objective": "sft",
        "recipe": {"objective": "sft"},
        **fields,
    }
    return Side(
        rows={row: Place(split=split, episode_ids=(f"e-{row[0]}",)) for row, split in rows.items()},
        **given,
    )


@given(before=ROWS, after=ROWS)
def test_every_row_of_both_sides_is_counted_once(
    before: dict[str, Split], after: dict[str, Split]
) -> None:
    found = difference(side(before), side(after))
    assert found.kept + len(found.removed_rows) == len(before)
    assert found.kept + len(found.added_rows) == len(after)
    assert sum(found.added.values()) == len(found.added_rows)
    assert sum(found.removed.values()) == len(found.removed_rows)
    assert sum(found.moved.values()) == len(found.moved_rows) <= found.kept


@given(before=ROWS, after=ROWS)
def test_the_way_back_is_the_other_way_round(
    before: dict[str, Split], after: dict[str, Split]
) -> None:
    forth, back = (
        difference(side(one), side(other)) for one, other in ((before, after), (after, before))
    )
    assert (forth.added_rows, forth.removed_rows) == (back.removed_rows, back.added_rows)
    assert forth.moved_rows == back.moved_rows
    assert forth.same == back.same == (before == after)


def test_a_row_with_other_words_of_the_same_episode_has_changed() -> None:
    found = difference(side({"a1": "train", "b": "test"}), side({"a2": "train", "b": "train"}))
    assert (found.added, found.removed) == ({"changed": 1}, {"changed": 1})
    assert found.moved == {"test to train": 1}


def test_without_a_lake_nobody_knows_why_a_row_left() -> None:
    found = difference(side({"a": "train"}), side({"b": "train"}))
    assert (found.added, found.removed) == ({"new": 1}, {"not known": 1})


def test_changes_of_recipe_suites_and_drops_are_told_with_both_values() -> None:
    old = side({}, drops={"pending": 2, "tie": 1}, suites={"s": "3 cases aa"})
    new = side(
        {},
        recipe={"objective": "sft", "license": "mit"},
        drops={"pending": 1, "tie": 1},
        suites={"s": "4 cases bb", "t": "1 cases cc"},
    )
    found = difference(old, new)
    assert found.recipe == {"license": (None, "mit")}
    assert found.drops == {"pending": (2, 1)}
    assert found.suites == {"s": ("3 cases aa", "4 cases bb"), "t": (None, "1 cases cc")}
    assert difference(side({}), new).drops is None
