"""What an answer to a task is worth, as the suite's scorers `match` and `tool_calls` tell it.

Runs alone where the training is, beside no other file: `sample` has `output_text` and
`output_tools` of a model, `item` is a row.
"""

import json
import unicodedata
from typing import Any


def grade(sample: dict[str, Any], item: dict[str, Any]) -> float:
    """1 for the right text or the right calls in any order, else 0."""
    right = item["reference"]
    if item["scorer"] != "tool_calls":
        return float(_plain(sample.get("output_text") or "") == _plain(right))
    made = [call["function"] for call in sample.get("output_tools") or []]
    return float(sorted(map(_call, made)) == sorted(map(_call, right)))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _call(function: dict[str, Any]) -> str:
    """Name and arguments in one form; what is no JSON equals nothing that is right."""
    given = function.get("arguments") or ""
    try:
        given = _number(json.loads(given) if given.strip() else {})
    except (ValueError, RecursionError):
        pass
    return json.dumps([function["name"], given], sort_keys=True)


def _number(value: Any) -> Any:
    """1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _number(item) for key, item in value.items()}
    return [_number(item) for item in value] if isinstance(value, list) else value
