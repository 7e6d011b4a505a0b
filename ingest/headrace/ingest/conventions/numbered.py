"""Lists that are flattened into keys: `gen_ai.prompt.0.role`, `llm.tools.2.tool.name`."""

import re
from collections.abc import Mapping
from typing import Any

_LONGEST = 10_000  # numbers in keys are names, never list indices
_INDEX = re.compile(r"([0-9]{1,5})\.(.+)", re.DOTALL)


def grouped(attributes: Mapping[str, Any], prefix: str) -> dict[int, dict[str, Any]]:
    """`<prefix>N.<rest>` -> N -> rest -> value, by ascending N."""
    groups: dict[int, dict[str, Any]] = {}
    for key, value in attributes.items():
        found = _INDEX.fullmatch(key.removeprefix(prefix)) if key.startswith(prefix) else None
        if found and int(found[1]) < _LONGEST:
            groups.setdefault(int(found[1]), {})[found[2]] = value
    return dict(sorted(groups.items()))


def whole(groups: Mapping[int, Mapping[str, Any]], role: str) -> bool:
    """Whether no message is missing between the first and the last, and each has its role."""
    return list(groups) == list(range(len(groups))) and all(
        fields.get(role) for fields in groups.values()
    )
