"""The ladder: which episodes a data set may take, and the first reason against the others."""

from collections.abc import Callable, Iterator, MutableMapping

import msgspec

from headrace.curate.conversation import Conversation
from headrace.exporters.call import arguments, calls, names, orphan
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import Objective
from headrace.exporters.recipe import Masks
from headrace.exporters.row import Rate
from headrace.exporters.task import Correction, question, unasked
from headrace.lake.message import Body, text_of
from headrace.lake.record import Resolution, Split

DEFECTS = (
    "no_content",
    "content_hidden",
    "content_elsewhere",
    "truncated_value",
    "dropped_attributes",
    "repaired_history",
    "orphan_tool_call",
    "orphan_tool_result",
)
APART = ("eval_split", "quarantined")  # decided with decontamination, though no case is named
ROLES = frozenset({"system", "user", "assistant", "tool"})


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What curation decided about an episode, and the recipe before it is read."""

    split: Split | None = None
    decontaminated: bool = False  # compared with the evaluation cases at all
    contamination: str | None = None  # why it is too close to one
    because_of: str | None = None  # the case it is too close to, or an episode like it
    screened: str | None = None  # why it is held back until somebody has looked at it
    duplicate_of: str | None = None
    request: str | None = None  # its cluster of equal requests
    group: str | None = None  # which is on one side of the split as a whole
    refused: tuple[str, ...] = ()  # what the recipe has against it: right_to_train, filtered
    customer: str | None = None  # whose it is, where a cap asks
    part: str | None = None  # of the mix, where there is one
    rate: Rate = Rate()  # of its request, where prompts are answered anew
    correction: Correction | None = None  # what should have been said in it, there too


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A reason against an episode, and the episode or case behind it."""

    reason: str
    because_of: str | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An episode that asks to be exported."""

    conversation: Conversation
    standing: Standing
    lesson: Lesson
    objective: Objective


Gate = Callable[[Candidate], Finding | None]
Seen = MutableMapping[tuple[Gate, Masks], tuple[Finding, ...]]


def judge(
    conversation: Conversation, standing: Standing, objective: Objective, masks: Masks = "all"
) -> Finding | None:
    """The first reason against this episode for this objective; None where it may be used."""
    return next(findings(conversation, standing, objective, masks), None)


def findings(
    conversation: Conversation,
    standing: Standing,
    objective: Objective,
    masks: Masks = "all",
    seen: Seen | None = None,
) -> Iterator[Finding]:
    """Every reason against this episode for this objective; the first one counts.

    `seen` holds what its messages say from one objective to the next.
    """
    seen = {} if seen is None else seen
    candidate = Candidate(
        conversation=conversation,
        standing=standing,
        lesson=Lesson.of(conversation, masks),
        objective=objective,
    )
    for gate in GATES:
        if gate not in OF_MESSAGES:
            yield from _found(gate, candidate)
            continue
        if (gate, masks) not in seen:
            seen[gate, masks] = tuple(_found(gate, candidate))
        yield from seen[gate, masks]
        if not candidate.lesson.messages:
            return  # there is nothing that the others could look at


def _found(gate: Gate, candidate: Candidate) -> Iterator[Finding]:
    if gate is whole:
        yield from _defects(candidate)
    elif (found := gate(candidate)) is not None:
        yield found


def scrubbed(candidate: Candidate) -> Finding | None:
    """First of all: what may hold personal data is not even looked at."""
    return None if candidate.conversation.scrubbed else Finding(reason="not_scrubbed")


def rightful(candidate: Candidate) -> Finding | None:
    """Whether whoever it is of allows that it is trained on."""
    return _refused(candidate, "right_to_train")


def asked_for(candidate: Candidate) -> Finding | None:
    """Whether the filters of the recipe let it through."""
    return _refused(candidate, "filtered")


def whole(candidate: Candidate) -> Finding | None:
    return next(_defects(candidate), None)


def in_order(candidate: Candidate) -> Finding | None:
    roles = [str(message["role"]) for message in candidate.lesson.messages]
    head = next((i for i, role in enumerate(roles) if role != "system"), len(roles))
    starts = roles[0] in ("system", "user")
    if starts and ROLES.issuperset(roles) and "system" not in roles[head:]:
        return None
    return Finding(reason="role_order")


def text_only(candidate: Candidate) -> Finding | None:
    if any(_has_media(message) for message in candidate.lesson.messages):
        return Finding(reason="media_unsupported")
    return None


def tools_known(candidate: Candidate) -> Finding | None:
    made, tools = calls(candidate.lesson.messages), candidate.conversation.tools
    if not made:
        return None
    if tools is None:
        return Finding(reason="no_tool_definitions")
    if not {call["function"]["name"] for call in made} <= names(tools):
        return Finding(reason="call_to_unknown_tool")
    if any(arguments(call) is None for call in made):
        return Finding(reason="arguments_not_object")
    return None


def on_this_side(candidate: Candidate) -> Finding | None:
    standing = candidate.standing
    if standing.split == "eval":
        return Finding(reason="eval_split")
    if standing.contamination is not None:
        known = standing.contamination.startswith(("contaminated:", *APART))
        reason = standing.contamination if known else f"contaminated:{standing.contamination}"
        return Finding(reason=reason, because_of=standing.because_of)
    if standing.split is None or not standing.decontaminated:
        return Finding(reason="not_curated")
    return None


def not_screened(candidate: Candidate) -> Finding | None:
    held = candidate.standing.screened
    return None if held is None else Finding(reason=f"screened:{held}")


def has_lesson(candidate: Candidate) -> Finding | None:
    conversation = candidate.conversation
    if not candidate.lesson.trains:
        return Finding(reason="no_trainable_turn")
    if "unfinished" in conversation.defects or conversation.finish_reason == "length":
        return Finding(reason="unfinished")
    if "failed_call" in conversation.defects:
        return Finding(reason="failed_call")
    # A failure that said nothing is a fair example of one; to imitate it would be to learn silence.
    if candidate.objective == "sft" and any(map(_is_silent, candidate.lesson.trained)):
        return Finding(reason="empty_turn")
    return None


def verifiable(candidate: Candidate) -> Finding | None:
    """Whether it can be asked anew, and a scorer can tell what the answers are worth."""
    if candidate.objective != "rl":
        return None
    asked = question(candidate.conversation, candidate.standing.correction)
    against = unasked(asked, candidate.conversation.tools)
    return None if against is None else Finding(reason=against)


def undecided(candidate: Candidate) -> Finding | None:
    """Where all answers come to the same, their group has no better and no worse to learn from."""
    if candidate.objective != "rl" or not candidate.standing.rate.is_edge:
        return None
    return Finding(reason="pass_rate_edge")


def outcome_known(candidate: Candidate) -> Finding | None:
    resolution: Resolution = candidate.conversation.resolution
    if resolution == "success" or candidate.objective == "rl":
        return None
    if resolution == "failure":
        return Finding(reason="not_success") if candidate.objective == "sft" else None
    return Finding(reason=resolution)


def single(candidate: Candidate) -> Finding | None:
    if candidate.conversation.representative and candidate.standing.duplicate_of is None:
        return None
    return Finding(reason="duplicate", because_of=candidate.standing.duplicate_of)


# Tried in this order; the first that fails counts, so that drops and rows add up to episodes.
GATES: tuple[Gate, ...] = (
    scrubbed,
    rightful,
    asked_for,
    whole,
    in_order,
    text_only,
    tools_known,
    on_this_side,
    not_screened,
    has_lesson,
    outcome_known,
    verifiable,
    undecided,
    single,
)


# What these find follows from the lesson alone; the first of them is `whole`.
OF_MESSAGES = frozenset((whole, in_order, text_only, tools_known))


def _refused(candidate: Candidate, reason: str) -> Finding | None:
    return Finding(reason=reason) if reason in candidate.standing.refused else None


def _defects(candidate: Candidate) -> Iterator[Finding]:
    if not candidate.lesson.messages:
        yield Finding(reason="no_content")
        return
    known = {defect.partition(":")[0] for defect in candidate.conversation.defects}
    known.add(orphan(candidate.lesson.messages) or "")
    yield from (Finding(reason=defect) for defect in DEFECTS if defect in known)


def _has_media(message: Body) -> bool:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return any(isinstance(part, dict) and part.get("type", "text") != "text" for part in parts)


def _is_silent(message: Body) -> bool:
    return not message.get("tool_calls") and not text_of(message.get("content")).strip()
