"""A call of a tool in the one form in which two of them are compared."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from headrace.lake.message import dump


def canonical(name: str, arguments: object) -> str:
    """Name and parsed arguments as one text; `arguments` may be JSON text.

    Text that is no JSON stays as it was written, so that it equals itself alone.
    """
    return dump([name, _plain(_parsed(arguments))])


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
