"""What was asked for: with the same lake a recipe gives the same rows and the same bytes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from headrace.exporters.objective import Objective

# which turns train: all that do in the lake, the last of them, the last that calls no tool
Masks = Literal["all", "last", "final_answer"]

OTHERS = "*"  # in a mix: whatever it does not name
Most = Annotated[int, Meta(ge=1)]
Ratio = Annotated[float, Meta(ge=1)]


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The most of what looks alike; absent is no limit."""

    cluster: Most | None = None  # rows of a cluster of equal requests
    customer: Most | None = None  # rows of a customer on one side of the split
    customer_by: str = "user_id"  # a column of episodes, or `metadata.KEY`
    tokens: Most | None = None  # of all rows to train on, a token being four characters


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """In which proportions rows to train on stand; what has no weight stays as it is."""

    by: str  # a column of episodes, or `metadata.KEY`
    weights: Mapping[str, Annotated[float, Meta(ge=0)]]  # value -> weight; `*`: all others


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """Metadata that allow training or forbid it: key -> values."""

    allow: Mapping[str, tuple[Any, ...]] = {}  # each key has to be there with one of its values
    forbid: Mapping[str, tuple[Any, ...]] = {}  # none of these may be there


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides which rows a data set has and how they are written."""

    objective: Objective
    formats: tuple[str, ...] = ("trl",)
    license: str = "other"
    filters: tuple[str, ...] = ()  # SQL over columns of episodes; each has to be true
    right_to_train: Rights = Rights()
    masks: Masks = "all"
    caps: Caps = Caps()
    mix: Mix | None = None
    balance: Ratio | None = None  # kto: rows to train on of one label for one of the other
    holdout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # share of groups that go to the test side
    seed: int = 0  # which rows a cap keeps, which groups are held out
    least_rows: Most = 1  # to train on; fewer are refused
    without_evals: bool = False
    accept_leaks: bool = False
    allow_lossy: bool = False
    accept_loss: tuple[str, ...] = ()  # codes of losses by name, `too_few`

    @property
    def said(self) -> dict[str, Any]:
        """What differs from the defaults: a key that a later version adds changes no old recipe.

        Compared by value: a recipe that was read from a file says the same as one made by hand.
        """
        given: dict[str, Any] = msgspec.to_builtins(self)
        usual: dict[str, Any] = msgspec.to_builtins(Recipe(objective=self.objective))
        usual |= {"objective": None, "formats": None}  # always said
        return _beyond(given, usual)


def _beyond(given: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in given.items():
        plain = usual.get(key)
        if value == plain and type(value) is type(plain):
            continue
        if isinstance(value, dict) and isinstance(plain, dict) and plain:
            value = _beyond(value, plain)
        found[key] = value
    return found
