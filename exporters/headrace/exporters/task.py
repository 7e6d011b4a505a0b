"""What of an episode can be asked anew, and whether a scorer can tell what answers are worth."""

import json
from collections.abc import Iterable, Sequence

import msgspec

from headrace.curate.conversation import Conversation
from headrace.curate.draft import OUTCOME, Draft, draft
from headrace.exporters.call import arguments, names
from headrace.exporters.row import Rate
from headrace.lake.message import Body
from headrace.lake.statement import statements
from headrace.lake.store import Lake

# A name, a number, a line to choose. Longer prose is never met word for word: all answers would
# come to nothing, whatever they said.
SHORT = 80


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What an assistant should have said, told by a person, without personal data."""

    turn: int  # message that it replaces
    message: Body


def question(conversation: Conversation, correction: Correction | None = None) -> Draft | None:
    """What is asked and what is right: what a person said of a failure, else what a success did."""
    told = correction if conversation.resolution == "failure" else None
    if told is not None and not _stands(conversation, told):
        told = None
    found = draft(
        conversation.messages,
        conversation.trainable,
        success=conversation.resolution == "success",
        correction=None if told is None else told.message,
        turn=None if told is None else told.turn,
    )
    return None if found is None or found.scorer == OUTCOME else found


def unasked(asked: Draft | None, tools: Sequence[Body] | None) -> str | None:
    """Why a question cannot be asked or scored; None where it can."""
    if asked is None:
        return "no_reference"
    if not asked.messages or asked.messages[-1]["role"] not in ("user", "tool"):
        return "nothing_asked"
    if asked.scorer == "match":
        return None if _is_met(asked.target) else "no_scorer"
    return _against_calls(asked.target, tools or ())


def rates(lake: Lake, project: str) -> dict[str, Rate]:
    """Cluster of equal requests -> how often production has answered them well."""
    rows = lake.rows(statements("headrace.exporters")["rates"], {"project": project})
    return {row.pop("request"): msgspec.convert(row, Rate) for row in rows}


def corrections(lake: Lake, project: str) -> dict[str, Correction]:
    """Episode id -> its correction, of several the last turn's; the night has found their turns."""
    rows = lake.rows(statements("headrace.exporters")["corrections"], {"project": project})
    return {
        row["episode_id"]: Correction(turn=row["turn"], message=json.loads(row["message"]))
        for row in rows
    }


def _stands(conversation: Conversation, told: Correction) -> bool:
    """Whether what was corrected is still a turn of the assistant to be trained."""
    if not 0 <= told.turn < len(conversation.messages):
        return False
    said = conversation.messages[told.turn]["role"] == "assistant"
    return said and conversation.trainable[told.turn]


def _is_met(target: str) -> bool:
    """Whether an answer can be the same but for case and space: short text, or JSON."""
    try:
        return len(target) <= SHORT or isinstance(json.loads(target), dict | list)
    except (ValueError, RecursionError):
        return False


def _against_calls(wanted: Iterable[Body], tools: Sequence[Body]) -> str | None:
    """What a correction calls was in no episode that the gates before have looked at."""
    called = [{"function": function} for function in wanted]
    if any(call["function"]["name"] not in names(tools) for call in called):
        return "call_to_unknown_tool"
    if any(arguments(call) is None for call in called):
        return "arguments_not_object"
    return None
