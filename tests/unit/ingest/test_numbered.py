"""Lists that are flattened into keys."""

import pytest

from headrace.ingest.conventions.numbered import grouped, whole


def test_groups_come_in_the_order_of_their_numbers() -> None:
    own = {"p.10.a": 1, "p.2.b.c": 2, "q.0.a": 3, "p.2.a": 4}
    assert grouped(own, "p.") == {2: {"b.c": 2, "a": 4}, 10: {"a": 1}}
    assert list(grouped(own, "p.")) == [2, 10]


@pytest.mark.parametrize(
    "key",
    ["p.4294967295.a", "p.99999.a", "p.10000.a", "p.-1.a", "p.1", "p.1.", "p.x.a", "p.\u0663.a"],
)
def test_what_is_no_place_in_a_list_is_left_out(key: str) -> None:
    assert grouped({key: 1}, "p.") == {}


@pytest.mark.parametrize(
    ("groups", "entire"),
    [
        ({}, True), ({0: {"role": "user"}}, True), ({1: {"role": "user"}}, False),
        ({0: {"role": "user"}, 2: {"role": "user"}}, False), ({0: {"role": ""}}, False),
        ({0: {"content": "x"}}, False),
    ],
)  # fmt: skip
def test_a_list_is_whole_without_gaps_and_with_every_role(
    groups: dict[int, dict[str, str]], entire: bool
) -> None:
    assert whole(groups, "role") is entire
