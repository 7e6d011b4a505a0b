import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.screens.share import cap


@pytest.mark.parametrize(
    ("counts", "others", "expected"),
    [
        ([200], 300, 75),  # 75 of 375 are a fifth
        ([100], 400, None),  # a fifth already
        ([60, 10, 10, 10], 10, 10),
        ([300, 200], 500, 166),  # of 832
        ([500, 500], 0, None),  # two cannot both be under a fifth
        ([100], 0, None),
        ([], 0, None),
    ],
)
def test_a_fifth_of_what_is_left(counts: list[int], others: int, expected: int | None) -> None:
    assert cap(counts, others, 0.2) == expected


@given(
    counts=st.lists(st.integers(1, 500), min_size=1, max_size=12),
    share=st.sampled_from([0.05, 0.1, 0.2, 0.5]),
)
def test_nobody_is_over_the_share_afterwards_and_nothing_more_is_taken(
    counts: list[int], share: float
) -> None:
    counts = sorted(counts, reverse=True)
    top = counts[: int(1 / share) + 2]
    most = cap(top, sum(counts) - sum(top), share)
    if most is None:
        fair = counts[0] <= share * sum(counts) + 1e-6
        assert fair or len(counts) * share <= 1 or _hopeless(counts, share)
        return
    left = [min(count, most) for count in counts]
    assert max(left) <= share * sum(left) + 1e-6
    # one more for each of the heavy would be too many
    more = [min(count, most + 1) for count in counts]
    assert max(more) > share * sum(more) - 1e-6


def _hopeless(counts: list[int], share: float) -> bool:
    """No cap, however low, leaves everybody under the share."""
    return all(
        max(left) > share * sum(left) + 1e-6
        for most in range(1, counts[0] + 1)
        for left in [[min(count, most) for count in counts]]
    )
