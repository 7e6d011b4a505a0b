"""What the product said of its run, on whichever span of the trace."""

from typing import Any

import pytest

from headrace.curate.metadata import metadata
from tests.unit.curate.conftest import World

TASK, KEY, TIER = "headrace.task", "headrace.external_id", "headrace.metadata.tier"


def said(*attributes: dict[str, Any], service: str | None = None) -> dict[str, object]:
    world = World()
    spans = [world.span(str(i), attributes=given) for i, given in enumerate(attributes)]
    return metadata(spans, service)


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ([], {}),
        ([{}], {}),
        ([{"other": "x", "headrace.unknown": "x"}], {}),
        ([{"other": "headrace.task"}], {}),
        ([{TASK: "refund"}], {"task": "refund"}),
        ([{TASK: 7}], {"task": "7"}),
        ([{TIER: {"a": [1, None]}}], {"tier": {"a": [1, None]}}),
        ([{TIER: None}], {"tier": None}),
        ([{TIER: "gold"}, {TIER: "iron"}], {"tier": "gold"}),
        ([{}, {TASK: "a"}, {TASK: "b", TIER: 1}], {"task": "a", "tier": 1}),
        ([{"headrace.metadata.a.b": 1}], {"a.b": 1}),
        ([{KEY: 7}, {KEY: "7"}], {"external_id": "7"}),
        ([{KEY: "m2"}, {KEY: "m1"}, {KEY: "m2"}],
         {"external_id": "m2", "external_ids": ["m2", "m1"]}),
    ],
)  # fmt: skip
def test_the_first_span_to_say_a_key_wins(
    attributes: list[dict[str, Any]], found: dict[str, object]
) -> None:
    assert said(*attributes) == found


def test_the_service_is_told_unless_the_product_tells_it_itself() -> None:
    assert said({TASK: "a"}, service="shop") == {"service": "shop", "task": "a"}
    assert said({"headrace.metadata.service": "till"}, service="shop") == {"service": "till"}
