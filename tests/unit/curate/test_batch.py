"""Batches hold every item once, in order, and are no longer than they must be."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.batch import batches


@given(st.lists(st.integers(0, 9)), st.integers(1, 20))
def test_every_item_is_in_one_batch_and_each_is_as_short_as_may_be(
    weights: list[int], size: int
) -> None:
    made = list(batches(weights, int, size))
    assert [weight for batch in made for weight in batch] == weights
    assert all(sum(batch) >= size > sum(batch[:-1]) for batch in made[:-1])
    assert all(sum(batch[:-1]) < size for batch in made)
