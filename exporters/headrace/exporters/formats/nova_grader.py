"""What an answer of Nova to a task is worth: the Lambda function that Bedrock calls."""

import json
from typing import Any

from headrace.exporters.formats.rft_grader import grade


def lambda_handler(event: list[dict[str, Any]], context: object) -> list[dict[str, Any]]:
    """1 for the right text or the right calls in any order, else 0, for each sample by its id."""
    return [{"id": one.get("id"), "aggregate_reward_score": score(one)} for one in event]


def score(sample: dict[str, Any]) -> float:
    """Of one sample, whose last message is the answer."""
    told = sample.get("reference_answer") or sample["metadata"]["reference_answer"]
    scorer = told["scorer"].partition(":")[0].partition("@")[0]
    right = told["reference"]
    item = {"scorer": scorer, "reference": json.loads(right) if scorer == "tool_calls" else right}
    answer = sample["messages"][-1]
    made = {"output_text": answer.get("content"), "output_tools": answer.get("tool_calls")}
    return grade(made, item)
