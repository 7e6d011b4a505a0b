"""Marks of success and scores as people and programs spell them."""

import math

from headrace.ingest.errors import Undecodable

_PASSED = frozenset({"pass", "passed", "success", "succeeded"})
_FAILED = frozenset({"fail", "failed", "failure"})
_TRUE = _PASSED | {"true", "1", "1.0", "yes"}
_FALSE = _FAILED | {"false", "0", "0.0", "no"}


def verdict(word: str) -> bool | None:
    """True or False for a word that says so plainly; None for any other."""
    plain = word.strip().lower()
    return True if plain in _TRUE else False if plain in _FALSE else None


def passed(label: str) -> bool | None:
    """What an evaluator's label says of success; yes and true may answer any question."""
    plain = label.strip().lower()
    return True if plain in _PASSED else False if plain in _FAILED else None


def success(value: object, field: str = "success") -> bool | None:
    """A mark given as boolean, 0 or 1, or a plain word; null is no mark.

    Raises Undecodable naming the value.
    """
    if value is None or isinstance(value, bool):
        return value
    said = verdict(str(value)) if isinstance(value, str | int | float) else None
    if said is None:
        cure = "give true or false, 1 or 0, pass or fail, or null"
        grade = "; a grade is a score (--score) that a threshold (--success-at) makes a success"
        raise Undecodable(
            f"{field} is {str(value)[:60]!r}: {cure}{grade if _graded(value) else ''}"
        )
    return said


def score(value: object, field: str = "score") -> float | None:
    """A finite number, also as text; null is no score.

    Raises Undecodable naming the value.
    """
    if value is None:
        return None
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Undecodable(f"{field} is {str(value)[:60]!r}: give a finite number or null")
    return number


def _graded(value: object) -> bool:
    try:
        return score(value) is not None
    except Undecodable:
        return False
