"""Scorers of a case: is this answer right? One or zero, never a guess."""

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from headrace.lake.message import dump

VERSION = 1  # part of the scorer's identity: raise it when a rule below changes


def exact(answer: ModelOutput, target: str) -> bool:
    """The same text, to the character."""
    return answer.completion == target


def match(answer: ModelOutput, target: str) -> bool:
    """The same text but for case, white space and Unicode form (NFKC)."""
    return _normal(answer.completion) == _normal(target)


def includes(answer: ModelOutput, target: str) -> bool:
    """The target stands in the answer, normalised like `match`; an empty target stands nowhere."""
    return bool(_normal(target)) and _normal(target) in _normal(answer.completion)


def tool_calls(answer: ModelOutput, target: str) -> bool:
    """The same calls with the same parsed arguments; parallel calls in any order.

    `target`: JSON list of {"name", "arguments": JSON text}.
    """
    calls = (answer.message.tool_calls or []) if answer.choices else []
    if any(call.parse_error for call in calls):
        return False
    made = Counter(_call(call.function, call.arguments) for call in calls)
    wanted = Counter(_call(c["name"], _parsed(c["arguments"])) for c in json.loads(target))
    return made == wanted


GRADERS: Mapping[str, Callable[[ModelOutput, str], bool]] = MappingProxyType(
    {"exact": exact, "match": match, "includes": includes, "tool_calls": tool_calls}
)


@scorer(metrics=[mean(), stderr(cluster="cluster")])
def case_scorer(version: int = VERSION) -> Scorer:
    """The scorer that each case names in its metadata."""

    async def score(state: TaskState, target: Target) -> Score:
        grade = GRADERS[state.metadata["scorer"]]
        return Score(value=int(grade(state.output, target.text)), answer=state.output.completion)

    return score


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _call(name: str, arguments: object) -> str:
    return dump([name, _plain(arguments)])


def _parsed(arguments: object) -> object:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except ValueError:
        return arguments


def _plain(value: Any) -> Any:
    """JSON knows one kind of number: 1.0 and 1 are the same argument; NaN is none of its own."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"no number": str(value)}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
