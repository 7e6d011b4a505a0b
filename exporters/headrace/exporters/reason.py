"""Why an episode is not in a data set, and what would help: one line for each reason."""

from collections.abc import Mapping
from types import MappingProxyType

# JMESPath that puts a system prompt, kept in a field of its own, before the messages.
PREPENDED = '[{role: `"system"`, content: system}, messages][]'

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "not_scrubbed": (
            "run `headrace nightly` first; what its step `scrub` drops as not_scrubbable stays out"
        ),
        "right_to_train": "its metadata forbid training, or do not allow what has to be allowed",
        "filtered": (
            "a filter of the recipe is not true of it, or unknown, as where nobody told a cost"
        ),
        "no_content": "switch on content capture in the instrumentation",
        "content_hidden": "the instrumentation redacts content: switch that off for this product",
        "content_elsewhere": "content was uploaded elsewhere: send it in the span",
        "truncated_value": "unset OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, which cuts long values",
        "dropped_attributes": "raise the attribute count limit (OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT)",
        "repaired_history": "raise the limits of the instrumentation: history was rebuilt",
        "orphan_tool_call": "record the results of tools: a call has none",
        "orphan_tool_result": "record the calls of tools: a result has none",
        "role_order": (
            "the conversation starts with an assistant turn, or a system message comes late: send "
            f"the system prompt as first message (headrace load: --messages {PREPENDED!r})"
        ),
        "media_unsupported": "images, audio and files are not exported yet",
        "no_tool_definitions": (
            "record tool definitions: content capture of `gen_ai.tool.definitions` over OTLP, "
            "`headrace load --tools` for files, `tools` in /v1/episodes"
        ),
        "call_to_unknown_tool": "record the definition of every tool that is called",
        "arguments_not_object": "the model wrote arguments that are no JSON object: nothing to do",
        "eval_split": "kept for evaluation",
        "contaminated": "too close to an evaluation case, which goes first",
        "contaminated:similar": (
            "it may ask in other words what an evaluation case asks: held back until a judge "
            "has spoken"
        ),
        "quarantined": "its group grew together with one of the evaluation, which goes first",
        "not_curated": "run `headrace nightly` first",
        "no_trainable_turn": "no assistant turn of its own to learn",
        "empty_turn": "a turn to imitate says nothing and calls nothing: use it for kto",
        "unfinished": "the last answer was cut: raise the token limit of the product",
        "failed_call": "the last call to the model failed",
        "pending": "send its outcome to /v1/outcomes, or wait until the window closes",
        "conflicting": "its outcomes disagree: let a person decide",
        "unmarked": "send its outcome to /v1/outcomes",
        "not_success": "a failure: use it for kto or dpo",
        "no_reference": (
            "nothing says what is right in it: a success does, or a correction of a failure, sent "
            "to /v1/outcomes"
        ),
        "nothing_asked": "what comes before the answer ends with no request and no tool's result",
        "no_scorer": (
            "what is right in it is prose, which only a judge can compare, and no reward asks one: "
            "use it for sft or dpo"
        ),
        "pass_rate_edge": "its request always came to the same end: nothing to learn by trying",
        "same_task": "another episode asks the same, with its own answer: a prompt is there once",
        "duplicate": "another episode stands for it",
        "both_labels": "the same answer was marked a success and a failure: correct one",
        "not_paired": "run `headrace nightly` first, whose step `pair` finds its partner",
        "partner_left_out": "the partner that it was paired with cannot be exported",
        "pair_out_of_date": "an episode of its pair has changed since: run `headrace nightly`",
        "no_request": "nothing was asked in it, so that no other episode asks the same",
        "unresolved": "neither a success nor a failure beyond doubt: let a person decide",
        "no_opposite": "no other episode with its request: use kto",
        "tie": "all episodes with its request came to the same end: use kto",
        "other_split": "its partners are on the other side of the split",
        "other_context": "its partners had another system prompt or other tools",
        "slots_differ": "its partners were asked the same about other values",
        "other_prompt": "its partners were asked something else",
        "observations_differ": "its partners saw other results, or worked on other data",
        "latency_only": "its partners differ from it by a time-out alone",
        "identical": "its partners said the same",
        "wording_only": "its partners made the same calls in other words",
        "same_end": "its partners did the same and said the same in the end",
        "length_ratio": "the answer of its partners is more than twice as long, or half",
        "length_only": "the answer of its partners is the same with words added",
        "not_trained": "what was corrected is no turn of the assistant to be trained",
        "disputed": "it was corrected, and resolved as a success: let a person decide",
        "over_cap": "its partners are in enough pairs, or its request has enough pairs",
        "cluster_cap": "its request has enough rows: raise caps.cluster of the recipe",
        "customer_cap": "its customer has enough rows: raise caps.customer of the recipe",
        "token_cap": "the rows have enough tokens without it: raise caps.tokens of the recipe",
        "mix_share": "there are more like it than the mix of the recipe takes: bring the others",
        "balanced": "its label has enough rows beside the other: bring rows of the other label",
        "screened": "held back until a person has looked at it: `headrace review`",
    }
)


# The waterfall, in the order of the gates; what stands nowhere belongs to the last but one.
STAGES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "may be used": frozenset(("not_scrubbed", "right_to_train", "filtered")),
        "is whole": frozenset(
            "no_content content_hidden content_elsewhere truncated_value dropped_attributes "
            "repaired_history orphan_tool_call orphan_tool_result role_order "
            "media_unsupported".split()
        ),
        "has its tools": frozenset(
            ("no_tool_definitions", "call_to_unknown_tool", "arguments_not_object")
        ),
        "is not kept apart": frozenset(
            ("eval_split", "contaminated", "quarantined", "not_curated", "screened")
        ),
        "has a lesson": frozenset(("no_trainable_turn", "unfinished", "failed_call")),
        "has its outcome": frozenset(("pending", "conflicting", "unmarked", "not_success")),
        "fits the objective": frozenset(),
        "is not too much": frozenset(
            "duplicate both_labels same_task cluster_cap customer_cap token_cap mix_share "
            "balanced".split()
        ),
    }
)
# What a person or a setting can change about episodes that are there: neither what a recipe has
# chosen nor what is as it should be.
SWITCHES = frozenset(
    "not_scrubbed no_content content_hidden content_elsewhere truncated_value dropped_attributes "
    "repaired_history orphan_tool_call orphan_tool_result role_order no_tool_definitions "
    "call_to_unknown_tool contaminated:similar not_curated screened unfinished pending conflicting "
    "unmarked both_labels no_reference not_paired pair_out_of_date disputed".split()
)


def stage_of(reason: str) -> str:
    """The step of the waterfall that a reason belongs to."""
    told = {reason, reason.partition(":")[0]}
    return next((name for name, own in STAGES.items() if own & told), "fits the objective")


def can_change(reason: str) -> bool:
    """Whether there is something to be done about it."""
    return not SWITCHES.isdisjoint({reason, reason.partition(":")[0]})


def advice(reason: str) -> str:
    """What would help against a reason; `contaminated:<rule>` counts as `contaminated`."""
    return ADVICE.get(reason, ADVICE.get(reason.partition(":")[0], "see the decisions of the lake"))
