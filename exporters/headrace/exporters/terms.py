"""What a recipe says of episodes before any is read: which it refuses, holds out, counts together.

It changes what is known of them (`Standing`); the gates, the caps and the split go by that.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.exporters.condition import COLUMNS, Condition
from headrace.exporters.eligibility import Standing
from headrace.exporters.errors import BadRecipe
from headrace.exporters.recipe import Recipe, Rights
from headrace.lake.message import digest
from headrace.lake.statement import statements
from headrace.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

Standings = dict[str, Standing]

METADATA = "metadata."


def terms(lake: Lake, project: str, recipe: Recipe, known: Standings) -> Standings:
    """The standings under a recipe. Raises BadRecipe."""
    for told in (_rightful, _asked_for, _counted, _held_out):
        known = told(lake, project, recipe, known)
    return known


def _rightful(lake: Lake, project: str, recipe: Recipe, known: Standings) -> Standings:
    rights = recipe.right_to_train
    if not rights.allow and not rights.forbid:
        return known
    rows = lake.stream(_sql("metadata"), {"project": project})
    lost = {name for name, *told in rows if not _may_train([*map(_object, told)], rights)}
    return _refused(known, lost, "right_to_train")


def _may_train(told: Collection[Mapping[str, Any]], rights: Rights) -> bool:
    """Nobody's silence allows anything, where a rule asks for a word."""
    return all(_holds(told, *rule) for rule in rights.allow.items()) and not any(
        _holds(told, *rule) for rule in rights.forbid.items()
    )


def _holds(told: Iterable[Mapping[str, Any]], key: str, values: Iterable[object]) -> bool:
    wanted = {_word(value) for value in values}
    return any(not wanted.isdisjoint(map(_word, _each(one.get(key)))) for one in told)


def _each(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _word(value: object) -> str:
    """Flags come as booleans, and as text in any spelling."""
    return (_text(value) or "").casefold()


def _asked_for(lake: Lake, project: str, recipe: Recipe, known: Standings) -> Standings:
    for condition in map(Condition.of, recipe.filters):
        kept = condition.kept(_facts(lake, project, condition.columns))
        known = _refused(known, known.keys() - kept, "filtered")
    return known


def _refused(known: Standings, lost: Collection[str], reason: str) -> Standings:
    replace = msgspec.structs.replace
    return known | {
        name: replace(known[name], refused=(*known[name].refused, reason))
        for name in lost
        if name in known and reason not in known[name].refused
    }


def _counted(lake: Lake, project: str, recipe: Recipe, known: Standings) -> Standings:
    """With the customer and the part of the mix that each belongs to, where a recipe asks."""
    asked = {}
    if recipe.caps.customer is not None:
        asked["customer"] = _values(lake, project, recipe.caps.customer_by, "caps.customer_by")
    if recipe.mix is not None:
        asked["part"] = _values(lake, project, recipe.mix.by, "mix.by")
    for field, values in asked.items():
        known = {
            name: msgspec.structs.replace(standing, **{field: values.get(name)})
            for name, standing in known.items()
        }
    return known


def _values(lake: Lake, project: str, by: str, where: str) -> dict[str, str | None]:
    """Episode id -> what a column, or a key of the metadata, says of it."""
    column = "metadata" if by.startswith(METADATA) else by
    if column not in COLUMNS or by == "metadata":
        raise BadRecipe(
            f"{where} is {by!r}: name a column of episodes ({', '.join(COLUMNS)}) or {METADATA}KEY"
        )
    if column != "metadata":
        rows = _facts(lake, project, [column]).to_pylist()
        return {row["episode_id"]: _text(row[column]) for row in rows}
    key = by.removeprefix(METADATA)
    told = lake.stream(_asking(["episode_id", column]), {"project": project})
    return {name: _text(_object(metadata).get(key)) for name, metadata in told}


def _facts(lake: Lake, project: str, columns: Iterable[str]) -> "pa.Table":
    return lake.table(_asking(sorted({"episode_id", *columns})), {"project": project})


def _asking(columns: Iterable[str]) -> str:
    """For columns of `COLUMNS`."""
    return f"select {', '.join(columns)} from ({_sql('facts')})"


def _held_out(lake: Lake, project: str, recipe: Recipe, known: Standings) -> Standings:
    """With some groups of the training side on that of tests; never the other way round.

    A group stays where it is when others come: its name and the seed decide, not its place.
    """
    if not recipe.holdout:
        return known
    moved = msgspec.structs.replace
    return {
        name: moved(standing, split="test")
        if standing.split == "train" and _drawn(standing.group, recipe)
        else standing
        for name, standing in known.items()
    }


def _drawn(group: str | None, recipe: Recipe) -> bool:
    part = int(digest(f"{recipe.seed} {group}")[:13], 16) / 16**13
    return group is not None and part < recipe.holdout


def _object(text: str | None) -> Mapping[str, Any]:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value, default=str)


def _sql(name: str) -> str:
    return statements("headrace.exporters")[name]
