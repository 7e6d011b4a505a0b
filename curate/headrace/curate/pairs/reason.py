"""Why an episode is in no pair, from the farthest miss to the nearest."""

# Of all partners, the reason of the one that came closest is told.
REASONS = (
    "no_request",  # nothing was asked, so that no other episode asks the same
    "unresolved",  # neither a success nor a failure, beyond doubt
    "no_opposite",  # no other resolved episode has its request
    "tie",  # those with its request came to the same end
    "other_split",
    "other_context",  # another system prompt, or other tools
    "slots_differ",  # the same request about other values
    "other_prompt",  # other words before the first answer
    "observations_differ",  # tools or users answered otherwise before the two part
    "latency_only",
    "identical",
    "wording_only",  # the same calls with other words about them
    "same_end",
    "length_ratio",
    "length_only",
    "not_trained",  # what was corrected is no turn of its own
    "disputed",  # corrected, and resolved as a success
    "both_labels",  # the same two answers stand the other way round elsewhere
    "duplicate",  # a pair of the same texts stands for it
    "over_cap",
)

_RANK = {reason: rank for rank, reason in enumerate(REASONS)}


def nearness(reason: str) -> int:
    """How near the partner came: the higher, the nearer."""
    return _RANK[reason]
