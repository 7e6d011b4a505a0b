"""What every convention calls the same fact: one table, the preferred key first.

A product may also say things in Headrace's own words, as span or resource attributes:
`headrace.project` (where no key or header names the project), `headrace.task` (its name for what
was asked), `headrace.external_id` (its own key, which outcomes may name) and `headrace.metadata.*`
(anything else). The last three stay in `attributes` and `resource` for assembly.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from headrace.ingest import naming
from headrace.ingest.jsontext import clean, value_of
from headrace.ingest.telemetry import Attributes, SpanData, Value

PROJECT = "headrace.project"
EXTERNAL = "headrace.external_id"

ALIASES: Mapping[str, tuple[str, ...]] = {
    "conversation": (
        "gen_ai.conversation.id",
        "session.id",
        "langfuse.session.id",
        "langfuse.trace.session_id",
        "traceloop.association.properties.session_id",
        "traceloop.association.properties.conversation_id",
        "traceloop.association.properties.chat_id",
        "ai.telemetry.metadata.sessionId",
        "ai.telemetry.metadata.session_id",
        "ai.settings.context.sessionId",
        "langsmith.metadata.session_id",
        "langsmith.metadata.thread_id",
        "langsmith.metadata.conversation_id",
        "mlflow.trace.session",
        "gcp.vertex.agent.session_id",
    ),
    "user": (
        "user.id",
        "langfuse.user.id",
        "enduser.id",
        "traceloop.association.properties.user_id",
        "ai.telemetry.metadata.userId",
        "ai.settings.context.userId",
        "langsmith.metadata.user_id",
        "mlflow.trace.user",
        "gen_ai.user",
        "llm.user",
    ),
    "agent": ("gen_ai.agent.name", "langsmith.metadata.lc_agent_name", "agent.name"),
    "agent_span": (
        "gen_ai.agent.name",
        "agent.name",
        "agent_name",
        "langsmith.metadata.lc_agent_name",
        "ai.telemetry.functionId",
        "traceloop.entity.name",
        "graph.node.id",
    ),
    "provider": (
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "langsmith.metadata.ls_provider",
        "ai.model.provider",
    ),
    "request_model": (
        "gen_ai.request.model",
        "llm.request.model_name",
        "ai.model.id",
        "langsmith.metadata.ls_model_name",
    ),
    "model": (
        "gen_ai.response.model",
        "ai.response.model",
        "llm.response.model_name",
        "llm.model_name",
        "langfuse.observation.model.name",
        "mlflow.llm.model",
        "gen_ai.request.model",
        "llm.request.model_name",
        "ai.model.id",
        "langsmith.metadata.ls_model_name",
        "model",
    ),
    "release": ("service.version", "gen_ai.agent.version", "langfuse.release"),
    "response_id": ("gen_ai.response.id", "ai.response.id", "response_id", "message.id"),
    "previous_response": (
        "gen_ai.request.previous_response.id",
        "gen_ai.request.previous_response_id",
    ),
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
    "cached_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "ai.usage.cachedInputTokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.reasoningTokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
    ),
    "cost": ("operation.cost", "llm.cost.total", "gen_ai.usage.cost"),
    "ttft_s": (
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
    ),
    "ttft_ms": ("ai.response.msToFirstChunk", "ttft_ms", "gen_ai.server.time_to_first_token"),
    "first_token_at": ("langfuse.observation.completion_start_time",),
    "finish": (
        "gen_ai.response.finish_reasons",
        "ai.response.finishReason",
        "llm.finish_reason",
        "anthropic.message.stop_reason",
        "stop_reason",
    ),
    "tool": ("gen_ai.tool.name", "tool.name", "ai.toolCall.name", "tool_name"),
    "call": ("gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id", "tool_use_id"),
    "tool_arguments": (
        "gen_ai.tool.call.arguments",
        "tool_arguments",
        "ai.toolCall.args",
        "input.value",
        "langfuse.observation.input",
    ),
    "tool_result": (
        "gen_ai.tool.call.result",
        "tool_response",
        "ai.toolCall.result",
        "output.value",
        "langfuse.observation.output",
    ),
}

FIRST_TOKEN = (  # event names
    "First Token Stream Event",
    "gen_ai.content.completion.chunk",
    "llm.content.completion.chunk",
    "new_token",
    "ai.stream.firstChunk",
)

FINISH = {
    **dict.fromkeys(("tool_call", "tool-calls", "tool_use", "function_call"), "tool_calls"),
    **dict.fromkeys(("end_turn", "stop_sequence", "completed"), "stop"),
    **dict.fromkeys(("max_tokens", "max_output_tokens"), "length"),
}

_REQUEST = ("gen_ai.request.", "gen_ai.openai.request.", "openai.request.", "ai.settings.")
_PARAMETERS = (  # JSON
    "llm.invocation_parameters",
    "langfuse.observation.model.parameters",
    "model_settings",
)
_CONTEXT = "context."  # the product's own, in settings of the AI SDK
_CHOICE = "ai.prompt.toolChoice"  # JSON, the one parameter that stands by itself
_NO_PARAMETERS = ("model", "instructions", "maxRetries", "id", "created_at")
_LAST = 1_000  # further down than any alias stands
_PLACES: dict[str, list[tuple[str, int]]] = {}  # alias -> the fields it tells, and its rank there
for _field, _names in ALIASES.items():
    for _rank, _name in enumerate(_names):
        _PLACES.setdefault(_name, []).append((_field, _rank))

_INTERFACES = (".chat", ".responses", ".messages", ".completion")  # of one provider


def keys(fields: Iterable[str], own: Attributes) -> frozenset[str]:
    """The attributes in which `told` finds fields."""
    used = (
        next((key for key in ALIASES[field] if own.get(key) not in (None, "")), None)
        for field in fields
    )
    return frozenset(key for key in used if key is not None)


def told(attributes: Attributes) -> dict[str, Value]:
    """Every field of which an alias has a value, with that of the preferred alias.

    One pass over the attributes: asking each alias of each field took a fifth of a span's time.
    """
    found: dict[str, Value] = {}
    ranks: dict[str, int] = {}
    for key in _PLACES.keys() & attributes.keys():
        value = attributes[key]
        if value is None or value == "":
            continue
        for field, rank in _PLACES[key]:
            if rank < ranks.get(field, _LAST):
                ranks[field], found[field] = rank, value
    return found


def text(value: Value) -> str | None:
    """A value as text that can be a key; MLflow puts it in quotes, as JSON."""
    if isinstance(value, str) and value[:1] == '"':
        value = value_of(value) or value
    return None if value is None or value == "" else naming.mended(str(value))


def provider(value: Value) -> str | None:
    """Like `text`, in small letters and without the name of an interface: `openai.chat`."""
    name = (text(value) or "").lower()
    for interface in _INTERFACES:
        name = name.removesuffix(interface)
    return name or None


def count(value: Value) -> int | None:
    """A number of tokens; what is no number is absent."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 2**63 else None


def usd(value: object) -> Decimal | None:
    """A sum of money with nine decimal places; what is none is absent."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
        return amount.quantize(Decimal("1e-9")) if 0 <= amount < 10**9 else None
    except InvalidOperation:
        return None


def ttft_ms(span: SpanData, known: Mapping[str, Value]) -> float | None:
    """Milliseconds to the first token, by a `known` field or by the first event that marks it.

    What lies before the start is a fault of a clock, and absent.
    """
    found = _told_ttft_ms(span, known)
    return found if found is not None and 0 <= found < math.inf else None


def _told_ttft_ms(span: SpanData, known: Mapping[str, Value]) -> float | None:
    for field, factor in (("ttft_s", 1000.0), ("ttft_ms", 1.0)):
        value = known.get(field)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value) * factor
    first = _first_token_at(span, known)
    if first is None or span.started_at is None:
        return None
    return (first - span.started_at).total_seconds() * 1000.0


def _first_token_at(span: SpanData, known: Mapping[str, Value]) -> datetime | None:
    said = known.get("first_token_at")
    if isinstance(said, str):
        try:
            at = datetime.fromisoformat(said.strip('"'))  # Langfuse writes the time as JSON
        except ValueError:
            return None
        return at if at.tzinfo is not None else None
    return next((event.at for event in span.events if event.name in FIRST_TOKEN), None)


def finish(value: object) -> str | None:
    """A finish reason in OpenAI's words; given as text, a list, or a list as JSON text."""
    held = value_of(value) if isinstance(value, str) and value.startswith("[") else value
    reason = held[0] if isinstance(held, list) and held else held
    return FINISH.get(reason, clean(reason)) if isinstance(reason, str) and reason else None


def request(attributes: Attributes) -> dict[str, Value]:
    """The parameters of a model call under their bare names, the model apart."""
    found: dict[str, Value] = {}
    for name in _PARAMETERS:
        given = value_of(attributes.get(name))
        if isinstance(given, Mapping):
            found |= {str(key): value for key, value in given.items()}
    if _CHOICE in attributes:
        found["toolChoice"] = value_of(attributes[_CHOICE])
    own = [key for key in attributes if key.startswith(_REQUEST)]
    for prefix in reversed(_REQUEST):
        found |= {k.removeprefix(prefix): attributes[k] for k in own if k.startswith(prefix)}
    return {
        key: value
        for key, value in found.items()
        if value is not None and key not in _NO_PARAMETERS and not key.startswith(_CONTEXT)
    }


def error(span: SpanData) -> str | None:
    """What went wrong, as the product tells it; None where nothing did."""
    kind = span.attributes.get("error.type") or span.attributes.get("error_class")
    level = span.attributes.get("langfuse.observation.level")
    if span.status != "error" and not kind and level != "ERROR":
        return None
    raised = next((e.attributes for e in span.events if e.name == "exception"), {})
    words: Iterable[object] = (
        span.status_message,
        span.attributes.get("langfuse.observation.status_message"),
        raised.get("exception.message"),
        span.attributes.get("error.message"),
        _words(span.attributes.get("error")),
        kind,
        raised.get("exception.type"),
    )
    return next((clean(str(word)) for word in words if word), "error")


def _words(value: Value) -> str | None:
    """Text; many products say no more than that there was an error."""
    return value if isinstance(value, str) else None
