"""A recipe as people write it: TOML, every key known, every fault told with key and cure."""

import math
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from headrace.exporters.condition import Condition
from headrace.exporters.errors import BadRecipe
from headrace.exporters.objective import OBJECTIVES, objective
from headrace.exporters.preset import example
from headrace.exporters.recipe import Caps, Mix, Recipe, Rights

Keys = dict[str, Any]

TABLES: Mapping[str, type[msgspec.Struct]] = {
    "caps": Caps,
    "mix": Mix,
    "right_to_train": Rights,
}
SETS = ("formats", "filters", "accept_loss")  # whose order says nothing
MASKED = ("sft", "kto")  # objectives whose rows have turns to choose from


def load(file: Path) -> Keys:
    """The keys of a file, none of them unknown. Raises BadRecipe."""
    try:
        held = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadRecipe(f"{file} is no TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadRecipe(
            f"{file} cannot be read: {why}: `headrace dataset recipe sft` prints a recipe to "
            "start from"
        ) from error
    try:
        _check_keys(held, Recipe, "")
        for name in TABLES.keys() & held.keys():
            _check_keys(held[name], TABLES[name], name)
    except BadRecipe as error:
        raise BadRecipe(f"{file}: {error}") from error
    return held


def overridden(keys: Keys, flags: Mapping[str, Any]) -> Keys:
    """The keys with others in their place, named as in `caps.cluster`; None changes nothing."""
    made = dict(keys)
    for name, value in flags.items():
        table, _, key = name.rpartition(".")
        if value is not None and table:
            made[table] = {**made.get(table, {}), key: value}
        elif value is not None:
            made[name] = value
    return made


def recipe(keys: Mapping[str, Any]) -> Recipe:
    """The recipe of these keys, looked through. Raises BadRecipe, UnknownObjective."""
    if "objective" not in keys:
        raise BadRecipe(f"no objective: name one of {', '.join(OBJECTIVES)}")
    objective(str(keys["objective"]))
    try:
        made = msgspec.convert(keys, Recipe)
    except msgspec.ValidationError as error:
        raise BadRecipe(_plain(str(error))) from error
    _check(made)
    made = msgspec.structs.replace(made, filters=tuple(map(str.strip, made.filters)))
    sets = {name: tuple(sorted(set(getattr(made, name)))) for name in SETS}
    given = made.right_to_train
    rights = Rights(allow=_sorted(given.allow), forbid=_sorted(given.forbid))
    return msgspec.structs.replace(made, **sets, right_to_train=rights)


def _sorted(rules: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Each value of a key once, `1` and `true` being two, in an order that says nothing."""
    told = {key: {repr(value): value for value in values} for key, values in rules.items()}
    return {key: tuple(one[name] for name in sorted(one)) for key, one in told.items()}


def _check(made: Recipe) -> None:
    """Raises BadRecipe where keys do not go together."""
    for text in made.filters:
        Condition.of(text)
    if not made.formats:
        raise BadRecipe("formats is empty: name one, as in formats = ['trl']")
    if made.masks != "all" and made.objective not in MASKED:
        raise BadRecipe(
            f"masks is {made.masks!r}, and rows of {made.objective} have no turns to choose from: "
            f"leave it out; it is for {', '.join(MASKED)}"
        )
    if made.balance is not None and made.objective != "kto":
        raise BadRecipe(
            f"balance is for kto, whose rows have labels: leave it out for {made.objective}"
        )
    if made.balance is not None and not math.isfinite(made.balance):
        raise BadRecipe(f"balance is {made.balance}: leave it out to take all rows")
    weights = made.mix.weights.values() if made.mix else [1.0]
    if not any(weights) or not all(map(math.isfinite, weights)):
        raise BadRecipe("mix.weights takes nothing: give finite weights, one above 0 at least")


def _check_keys(held: object, kind: type[msgspec.Struct], where: str) -> None:
    """Refuse a key that nobody reads: misspelt, it would leave a default in force unseen."""
    if not isinstance(held, Mapping):
        raise BadRecipe(f"{where} is {held!r}: make it a table, [{where}]")
    names = kind.__struct_fields__
    for key in held:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            full = f"{where}.{key}" if where else key
            raise BadRecipe(f"no key {full!r}: {meant}there are {', '.join(names)}")


def _plain(message: str) -> str:
    """`Expected ... - at `$.caps.cluster`` with the key first."""
    said, _, place = message.partition(" - at `$.")
    key = place.rstrip("`").removesuffix("[...]")
    usual = example(key.rpartition(".")[2] if key in TABLES else key)
    cure = f"; write it like {usual}" if usual else ""
    return f"{key}: {said[:1].lower()}{said[1:]}{cure}" if key else said
