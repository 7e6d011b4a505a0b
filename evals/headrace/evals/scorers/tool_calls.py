"""The calls of tools that were wanted, and no others."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headrace.evals.errors import TargetUnusable
from headrace.evals.runs.toolcall import canonical
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.option import Options


def tool_calls(answer: Answer, target: str, options: Options = frozenset()) -> bool:
    """Were the calls in the target made, with the same parsed arguments, in any order?

    All turns since the question count. Options: `names` leaves the arguments aside, `in_order`
    asks for the order of the target, `more` lets further calls pass. A call whose arguments could
    not be parsed is wrong. `target`: JSON list of {"name", "arguments": JSON text or object}.
    Raises TargetUnusable.
    """
    wanted = [_wanted(call, options) for call in _list(target)]
    if any(call.parse_error for call in answer.calls) and "names" not in options:
        return False
    made = [_call(call.function, call.arguments, options) for call in answer.calls]
    if "in_order" in options:
        return _runs_through(wanted, made) if "more" in options else made == wanted
    short, long = Counter(wanted), Counter(made)
    return short <= long if "more" in options else short == long


def _list(target: str) -> Sequence[Mapping[str, Any]]:
    try:
        found = json.loads(target)
        if isinstance(found, list) and all(isinstance(call["name"], str) for call in found):
            return found
    except (ValueError, TypeError, KeyError):
        pass
    raise TargetUnusable('the target is no list of calls: [{"name": ..., "arguments": ...}]')


def _runs_through(wanted: Iterable[str], made: Iterable[str]) -> bool:
    """Whether all that is wanted was made in its order, other calls between or not."""
    rest = iter(made)
    return all(call in rest for call in wanted)


def _wanted(call: Mapping[str, Any], options: Options) -> str:
    return _call(call["name"], call.get("arguments", ""), options)


def _call(name: str, arguments: object, options: Options) -> str:
    return name if "names" in options else canonical(name, arguments)
