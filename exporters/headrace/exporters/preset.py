"""A recipe to start from for each objective, and a recipe as TOML with a word on every key."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.exporters.recipe import Caps, Recipe

PRESETS: Mapping[Objective, Recipe] = MappingProxyType(
    {
        # one request must not drown the rest
        name: Recipe(objective=name, caps=Caps(cluster=4) if name == "sft" else Caps())
        for name in OBJECTIVES
    }
)

# key -> what it does, and an example of its value; in the order in which they are shown
ABOUT: Mapping[str, tuple[str, Any]] = MappingProxyType(
    {
        "objective": ("sft, kto, dpo, rm or rl", "sft"),
        "formats": ("trainer dialects to write", ["trl"]),
        "license": ("of the data set, as the Hub names it", "apache-2.0"),
        "filters": (
            "SQL on an episode; each has to be true, unknown is not",
            ["cost_usd < 0.05 and model like 'gpt-5%'", "metadata ->> 'plan' = 'pro'"],
        ),
        "masks": ("which turns train: all, last, or final_answer (the last without calls)", "last"),
        "balance": ("kto: the most rows to train on of one label for each of the other", 2.0),
        "holdout": ("share of the groups of like episodes that go to the test side as well", 0.1),
        "seed": ("of the choices that caps and holdout make", 7),
        "least_rows": ("to train on; a smaller set is refused", 100),
        "without_evals": ("build although no suite guards it", True),
        "accept_leaks": ("build although rows match evaluation cases", True),
        "allow_lossy": ("build whatever a format cannot hold", True),
        "accept_loss": (
            "losses to accept by name; too_few: fewer records than a trainer asks for",
            ["row_skipped:parallel_calls", "too_few"],
        ),
        "caps.cluster": ("the most rows of equal requests", 4),
        "caps.customer": ("the most rows of a customer on one side of the split", 100),
        "caps.customer_by": ("a column of episodes, or metadata.KEY", "metadata.tenant"),
        "caps.tokens": ("the most tokens to train on, four characters each", 10_000_000),
        "mix.by": ("rows to train on by proportion: a column, or metadata.KEY", "intent"),
        "mix.weights": (
            'what is not named stays as it is; "*" names all the others',
            {"refund": 2.0, "*": 1.0},
        ),
        "right_to_train.allow": (
            "metadata that have to be there with one of these values",
            {"training_consent": [True]},
        ),
        "right_to_train.forbid": (
            "metadata that must not have one of these values",
            {"licence": ["no-training"]},
        ),
    }
)
HEAD = """\
# A recipe for `headrace dataset build NAME --recipe FILE --out DIR`.
# Lines that begin with #name are examples and not in force.
"""


def page(recipe: Recipe) -> str:
    """The recipe as TOML: what it says in force, an example of every key that it leaves out."""
    return "\n".join([HEAD, *_lines(recipe)]) + "\n"


def bare(recipe: Recipe) -> str:
    """What is in force alone."""
    lines = [line for line in page(recipe).splitlines() if line and not line.startswith("#")]
    used = [
        line
        for line, after in zip(lines, [*lines[1:], "["], strict=True)
        if not (line.startswith("[") and after.startswith("["))
    ]
    return "\n".join(used)


def example(key: str) -> str | None:
    """How a key is written and what it does; None for a key that does not exist."""
    if key not in ABOUT:
        return None
    about, usual = ABOUT[key]
    return f"`{key.rpartition('.')[2]} = {_value(usual)}` ({about})"


def _lines(recipe: Recipe) -> Iterator[str]:
    said, table = recipe.said, ""
    for key, (about, usual) in ABOUT.items():
        head, _, name = key.rpartition(".")
        held = said.get(head) if head else said
        if head != table:
            yield f"\n{'#' if head == 'mix' and not held else ''}[{head}]"  # it has to have keys
            table = head
        yield f"# {about}"
        force = held is not None and name in held
        yield f"{name} = {_value(held[name])}" if force and held else f"#{name} = {_value(usual)}"


def _value(value: object) -> str:
    """As TOML: JSON but for tables, and for a character that JSON leaves as it is."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_value(str(key))} = {_value(held)}" for key, held in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False).replace("\x7f", "\\u007f")
