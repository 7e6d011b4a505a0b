"""Which rows give way where a recipe caps, mixes or balances them.

The choice goes by the digest of seed and name, not by the order in which rows come: the same rows
give way wherever they are made, and one more row changes little.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from fractions import Fraction

import msgspec

from headrace.exporters.errors import BadRecipe
from headrace.exporters.recipe import OTHERS, Mix, Recipe
from headrace.lake.message import digest
from headrace.lake.record import Split


class Portion(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted of a row."""

    row_id: str
    split: Split
    tokens: int
    label: bool | None = None
    request: str | None = None  # cluster of equal requests; rows without one are not alike
    customers: tuple[str, ...] = ()  # a row of two episodes may have two
    part: str | None = None  # of the mix


Portions = Sequence[Portion]
Step = Callable[[Portions, Recipe], Iterable[Portion]]


def surplus(rows: Iterable[Portion], recipe: Recipe) -> dict[str, str]:
    """Row id -> why it gives way. Raises BadRecipe where a mix names what no row has."""
    left = sorted(rows, key=lambda row: digest(f"{recipe.seed} {row.row_id}"))
    lost: dict[str, str] = {}
    for reason, step in STEPS:
        lost |= {row.row_id: reason for row in step(left, recipe)}
        left = [row for row in left if row.row_id not in lost]
    return lost


def _of_clusters(rows: Portions, recipe: Recipe) -> Iterator[Portion]:
    return _beyond(rows, recipe.caps.cluster, lambda row: [row.request] if row.request else [])


def _of_customers(rows: Portions, recipe: Recipe) -> Iterator[Portion]:
    """A customer may be on both sides of the split: neither side is theirs alone."""
    most = recipe.caps.customer
    return _beyond(rows, most, lambda row: [(row.split, name) for name in row.customers])


def _beyond(
    rows: Portions, most: int | None, heaps: Callable[[Portion], Sequence[object]]
) -> Iterator[Portion]:
    """The rows of which some heap has enough."""
    held: Counter[object] = Counter()
    for row in rows if most is not None else ():
        if any(held[heap] >= (most or 0) for heap in heaps(row)):
            yield row
        else:
            held.update(heaps(row))


def _of_mix(rows: Portions, recipe: Recipe) -> Iterator[Portion]:
    """As many of each part as keeps the proportions, and as many as can be."""
    if recipe.mix is None:
        return
    weights = {part: Fraction(weight) for part, weight in recipe.mix.weights.items()}
    parts = [(row, _part(row, recipe.mix)) for row in rows if row.split == "train"]
    counts = Counter(part for _, part in parts)
    _check_parts(counts, {row.part for row, _ in parts}, recipe.mix)
    scale = min((counts[part] / weight for part, weight in weights.items() if weight), default=0)
    room = {part: max(1, int(scale * weight)) if weight else 0 for part, weight in weights.items()}
    for row, part in parts:
        if part in room and not room[part]:
            yield row
        elif part in room:
            room[part] -= 1


def _part(row: Portion, mix: Mix) -> str:
    return row.part if row.part is not None and row.part in mix.weights else OTHERS


def _check_parts(counts: Counter[str], known: Iterable[str | None], mix: Mix) -> None:
    there = sorted({part for part in known if part is not None})
    for part, weight in mix.weights.items():
        if weight and not counts[part]:
            near = get_close_matches(part, there, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise BadRecipe(
                f"mix.weights names {part!r}, and no row to train on has that as {mix.by}: {meant}"
                f"there are: {', '.join(there[:20]) or 'none'}"
            )


def _of_labels(rows: Portions, recipe: Recipe) -> Iterator[Portion]:
    """Of the label that has more rows, those beyond so many times the other's."""
    if recipe.balance is None:
        return
    train = [row for row in rows if row.split == "train"]
    counts = Counter(row.label for row in train)
    room = dict.fromkeys((True, False), int(min(counts[True], counts[False]) * recipe.balance))
    for row in train if all(room.values()) else ():
        if not room[bool(row.label)]:
            yield row
        else:
            room[bool(row.label)] -= 1


def _of_tokens(rows: Portions, recipe: Recipe) -> Iterator[Portion]:
    """What does not fit; a shorter row after it may."""
    room = recipe.caps.tokens
    for row in rows:
        if room is None or row.split != "train":
            continue
        if row.tokens > room:
            yield row
        else:
            room -= row.tokens


# What looks alike goes first, then proportions are made of the rest; a budget cuts all alike.
STEPS: tuple[tuple[str, Step], ...] = (
    ("cluster_cap", _of_clusters),
    ("customer_cap", _of_customers),
    ("mix_share", _of_mix),
    ("balanced", _of_labels),
    ("token_cap", _of_tokens),
)
