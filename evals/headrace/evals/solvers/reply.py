"""What the product under test gives back: a text, a message or messages, with what it took."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput
from inspect_ai.solver import TaskState

from headrace.evals.solvers.blame import ProductFailed, Unmeasured
from headrace.evals.solvers.chat import chat
from headrace.evals.solvers.told import tell
from headrace.lake.message import Body

_SHAPES = (
    "a text, a message, a list of messages, or an object with `text`, `message` or `messages` and, "
    "if known, `usage` {input_tokens, output_tokens} and `cost_usd`"
)
_INPUT, _OUTPUT = ("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The turns that answer a case, the last one an assistant's, and what they took."""

    messages: tuple[Body, ...]
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None


def question_of(state: TaskState) -> dict[str, Any]:
    """What a product is asked: messages and tools in OpenAI's shape, and which case it is."""
    about = {key: state.metadata.get(key) for key in ("cluster", "slice")}
    return {
        "messages": state.metadata.get("messages") or [],
        "tools": state.metadata.get("tools") or [],
        "metadata": {"case_id": str(state.sample_id), "epoch": state.epoch, **about},
    }


def read(given: object, asked: Sequence[Body] = ()) -> Reply:
    """The reply in what a product gave.

    A list that begins with the question counts from behind it. Raises ProductFailed where the
    product says `error`, Unmeasured where nobody can tell what was given.
    """
    if isinstance(given, Mapping) and "role" not in given:
        if given.get("error"):
            raise ProductFailed(f"the product answered with an error: {_said(given['error'])}")
        found = next((given[k] for k in ("messages", "message", "text") if k in given), None)
        usage = given.get("usage")
        return Reply(
            messages=_turns(found, asked),
            input_tokens=_count(usage, _INPUT),
            output_tokens=_count(usage, _OUTPUT),
            cost_usd=_money(given.get("cost_usd")),
        )
    return Reply(messages=_turns(given, asked))


def take(state: TaskState, reply: Reply) -> TaskState:
    """Put a reply into a sample's state, as if a model had given it."""
    turns = chat(reply.messages)
    state.messages.extend(turns)
    last = next(turn for turn in reversed(turns) if isinstance(turn, ChatMessageAssistant))
    state.output = ModelOutput(model="agent", choices=[ChatCompletionChoice(message=last)])
    tell(
        state,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        cost_usd=reply.cost_usd,
    )
    return state


def _turns(given: object, asked: Sequence[Body]) -> tuple[Body, ...]:
    if isinstance(given, str):
        return ({"role": "assistant", "content": given},)
    if isinstance(given, Mapping):
        turns = [dict(given)]
    elif isinstance(given, Sequence) and all(isinstance(turn, Mapping) for turn in given):
        turns = [dict(turn) for turn in given]
        turns = turns[len(asked) :] if turns[: len(asked)] == list(asked) else turns
    else:
        raise Unmeasured(f"the agent gave {_kind(given)}: it should give {_SHAPES}")
    if not any(turn.get("role") == "assistant" for turn in turns):
        raise Unmeasured("the agent gave no message of role `assistant`, so there is no answer")
    return tuple(_canonical(turn) for turn in turns)


def _canonical(turn: Body) -> Body:
    """Calls with their arguments as JSON text, whichever way they were given."""
    calls = turn.get("tool_calls")
    if not calls:
        return turn
    try:
        return {**turn, "tool_calls": [_call(call, n) for n, call in enumerate(calls)]}
    except (TypeError, KeyError) as error:
        raise Unmeasured(
            "the agent gave tool calls in another shape than OpenAI's: {id, type: function, "
            "function: {name, arguments}}"
        ) from error


def _call(call: Mapping[str, Any], number: int) -> Body:
    function = call["function"]
    said = function.get("arguments") or "{}"
    arguments = said if isinstance(said, str) else json.dumps(said)
    about = {"name": str(function["name"]), "arguments": arguments}
    return {"id": str(call.get("id") or f"call_{number}"), "type": "function", "function": about}


def _count(usage: object, names: Sequence[str]) -> int | None:
    if not isinstance(usage, Mapping):
        return None
    found = next((usage[name] for name in names if usage.get(name) is not None), None)
    return found if isinstance(found, int) and found >= 0 else None


def _money(value: object) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None


def _said(error: object) -> str:
    told = error.get("message", error) if isinstance(error, Mapping) else error
    return told if isinstance(told, str) else json.dumps(told, default=str)


def _kind(given: object) -> str:
    return "nothing" if given is None else f"a {type(given).__name__}"
