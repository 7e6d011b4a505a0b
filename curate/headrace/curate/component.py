"""Connected components: what belongs together because it shares a key, or shares one in turn."""

from collections.abc import Hashable, Iterable, Mapping


def components(items: Mapping[str, Iterable[Hashable]]) -> list[list[str]]:
    """Items joined by the keys that they share; items and components in the order given."""
    root = {item: item for item in items}
    owner: dict[Hashable, str] = {}
    for item, keys in items.items():
        for key in keys:
            first = _find(root, owner.setdefault(key, item))
            root[_find(root, item)] = first
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(_find(root, item), []).append(item)
    return list(found.values())


def roots(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """For each of the items from 0 on, joined by edges, the first of its component."""
    root = list(range(count))
    for one, other in edges:
        one, other = _top(root, one), _top(root, other)
        root[max(one, other)] = min(one, other)
    return [_top(root, item) for item in range(count)]


def _top(root: list[int], item: int) -> int:
    while root[item] != item:
        root[item] = item = root[root[item]]
    return item


def _find(root: dict[str, str], item: str) -> str:
    while root[item] != item:
        root[item] = item = root[root[item]]  # halves the path, so that the next walk is short
    return item
