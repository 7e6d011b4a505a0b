"""What an answer of Gemini to a task is worth: the function that the tuning service calls."""

import json
from typing import Any

from headrace.exporters.formats.rft_grader import grade


def evaluate(example: dict[str, Any], response: dict[str, Any]) -> float:
    """1 for the right text or the right calls in any order, else 0."""
    references, parts = example["references"], response.get("parts") or []
    scorer = references["scorer"].partition(":")[0].partition("@")[0]
    right = references["reference"]
    item = {"scorer": scorer, "reference": json.loads(right) if scorer == "tool_calls" else right}
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    said = [part.get("text", "") for part in parts if not part.get("thought")]
    sample = {
        "output_text": "".join(said),
        "output_tools": [
            {"function": {"name": call["name"], "arguments": json.dumps(call.get("args") or {})}}
            for call in calls
        ],
    }
    return grade(sample, item)
