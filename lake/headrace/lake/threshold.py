"""When a score is a success: a comparator and a bound, as people write them."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import msgspec

from headrace.lake.errors import SettingsError

Comparator = Literal[">=", ">", "<=", "<", "=="]

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
}
_RULE = re.compile(r"\s*(>=|>|<=|<|==)\s*([^\s<>=]+)\s*")


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A rule over scores of one name, whichever way they run."""

    comparator: Comparator
    bound: float  # finite

    def __str__(self) -> str:
        return f"{self.comparator} {self.bound!r}"

    def passes(self, score: float) -> bool:
        return _HOLDS[self.comparator](score, self.bound)


def parsed(text: object) -> Threshold:
    """A rule as `>= 0.7`. Raises SettingsError naming the text and the comparators there are."""
    rule = _RULE.fullmatch(text) if isinstance(text, str) else None
    bound = _number(rule[2]) if rule else None
    comparator = next((name for name in get_args(Comparator) if rule and name == rule[1]), None)
    if bound is None or comparator is None:
        raise SettingsError(
            f"{text!r} is no rule: write a comparator ({', '.join(get_args(Comparator))}) and a "
            "number, as in '>= 0.7'"
        )
    return Threshold(comparator=comparator, bound=bound)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
