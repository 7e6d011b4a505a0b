"""Raw requests and answers of model APIs, which several conventions carry whole.

Read are OpenAI chat, OpenAI Responses (items included) and Anthropic Messages.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.lake.message import Body


def requested(request: object, system: object = None) -> list[Body]:
    """The messages of a request, or of bare messages or items; instructions come first."""
    system = get(request, "system") or get(request, "instructions") or system
    inner = get(request, "messages") or get(request, "input")
    given = request if isinstance(request, list) else inner
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    messages = [{**item} for item in listed(given) if isinstance(item, Mapping)]
    if not messages:
        return []
    return [*([{"role": "system", "content": system}] if system else []), *messages]


def answered(response: object) -> list[Body]:
    """The output of a response: the first choice, Anthropic content, or Responses items."""
    choices = listed(get(response, "choices"))
    if choices:
        message = get(choices[0], "message")
        return [{"role": "assistant", **message}] if isinstance(message, Mapping) else []
    items = [{**item} for item in listed(get(response, "output")) if isinstance(item, Mapping)]
    if items:
        return items
    blocks = get(response, "content")
    given = isinstance(blocks, list) and get(response, "role") == "assistant"
    return [{"role": "assistant", "content": blocks}] if given else []


def finish(response: object) -> str | None:
    """Why the answer ended, in the words of its API."""
    choices = listed(get(response, "choices"))
    reason = get(choices[0], "finish_reason") if choices else get(response, "stop_reason")
    reason = reason or get(get(response, "incomplete_details"), "reason") or _completed(response)
    return reason if isinstance(reason, str) else None


def usage(told: object) -> dict[str, object]:
    """The tokens of an OpenAI API's `usage`, of chat or of Responses, by column."""
    sent = get(told, "prompt_tokens_details") or get(told, "input_tokens_details")
    said = get(told, "completion_tokens_details") or get(told, "output_tokens_details")
    found = {
        "input_tokens": _either(told, "prompt_tokens", "input_tokens"),
        "output_tokens": _either(told, "completion_tokens", "output_tokens"),
        "cached_tokens": get(sent, "cached_tokens"),
        "reasoning_tokens": get(said, "reasoning_tokens"),
    }
    return {field: value for field, value in found.items() if value is not None}


def _completed(response: object) -> str | None:
    return "completed" if get(response, "status") == "completed" else None


def _either(told: object, *keys: str) -> object:
    return next((value for key in keys if (value := get(told, key)) is not None), None)


def get(value: object, key: str) -> Any:
    """A member of an object; None of anything else."""
    return value.get(key) if isinstance(value, Mapping) else None


def listed(value: object) -> Sequence[Any]:
    """A list; of anything else an empty one."""
    return value if isinstance(value, list) else []
