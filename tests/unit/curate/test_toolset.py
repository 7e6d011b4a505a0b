"""The tools of an episode: all it was given, each as it was last."""

from typing import Any

import pytest

from headrace.curate.toolset import Toolset
from headrace.lake.message import Body
from tests.unit.curate.conftest import World


def tool(name: str, **parameters: Any) -> Body:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


A, A2, B = tool("a"), tool("a", type="object"), tool("b")


def union(*given: list[Body] | None) -> Toolset:
    world = World()
    hashes = [world.tools(*tools) if tools is not None else None for tools in given]
    spans = [world.span(str(i), "llm", i, tools_hash=name) for i, name in enumerate(hashes)]
    return Toolset.union(spans, world.library.tools)


@pytest.mark.parametrize(
    ("given", "definitions", "changed"),
    [
        ([], [], False),
        ([None], [], False),
        ([[]], [], False),
        ([[A, B]], [A, B], False),
        ([[A], None, [A]], [A], False),
        ([[B], [A]], [B, A], False),
        ([[A, B], [B, A]], [A, B], False),
        ([[A], [A2]], [A2], True),
        ([[A, B], [A2]], [A2, B], True),
        ([[A, A2]], [A2], True),
        ([[dict(reversed(A.items()))], [A]], [A], False),
    ],
)
def test_tools_are_united_by_name_in_the_order_of_their_first_appearance(
    given: list[list[Body] | None], definitions: list[Body], changed: bool
) -> None:
    found = union(*given)
    assert list(found.definitions) == definitions
    assert found.changed is changed


def test_a_set_that_went_back_to_what_it_was_has_changed() -> None:
    assert union([A], [A2], [A]).changed


def test_no_definition_known_is_no_empty_list() -> None:
    assert union([], None).body is None
    assert union([A]).body == '[{"function":{"name":"a","parameters":{}},"type":"function"}]'


def test_a_hash_whose_set_is_not_stored_gives_no_tools() -> None:
    world = World()
    span = world.span("s", "llm", tools_hash="gone")
    assert Toolset.union([span], {}).body is None
