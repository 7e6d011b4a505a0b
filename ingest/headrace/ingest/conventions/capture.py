"""The switches: what makes each instrumentation send the messages of its model calls.

Table: `CAPTURES`, asked by what is stored on a span: its scope, else its convention.
"""

import msgspec

_OTEL = (
    "set OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental and "
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only"
)
_MASKED = "its content is on by default: look for what masks or drops it on the way"
_CLIENT = "instrument the client too"  # of the model's API


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """How the messages of one instrumentation are had."""

    name: str
    cure: str  # the words after "carry no content: "
    default: bool  # whether messages come unless they are switched off
    scopes: tuple[str, ...] = ()  # instrumentation scopes, each with those below it
    conventions: tuple[str, ...] = ()  # of spans whose scope is in no row
    client: str = _CLIENT  # what to do where it tells of agents and of no model call


CAPTURES = (
    Capture(
        name="OpenTelemetry GenAI",
        cure=_OTEL,
        default=False,
        scopes=(
            "opentelemetry.instrumentation.genai",
            "opentelemetry.instrumentation.google_genai",
            "opentelemetry.util.genai",
        ),
        conventions=("gen_ai", "gen_ai_event"),
    ),
    Capture(
        name="OpenTelemetry, OpenAI Agents",
        cure=_OTEL,
        default=False,
        scopes=("opentelemetry.instrumentation.genai.openai_agents",),
        client=f"{_CLIENT} (opentelemetry-instrumentation-genai-openai), then {_OTEL}",
    ),
    Capture(
        name="OpenTelemetry GenAI, one event a message",
        cure="set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true and send its logs too",
        default=False,
        scopes=("opentelemetry.instrumentation.openai_v2",),
        conventions=("gen_ai_message_events",),
    ),
    Capture(
        name="OpenTelemetry GenAI up to 1.27",
        cure="turn on its library's switch for prompts and completions",
        default=False,
        conventions=("gen_ai_content_events",),
    ),
    Capture(
        name="openinference",
        cure="unset OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS",
        default=True,
        scopes=("openinference.instrumentation",),
        conventions=("openinference",),
    ),
    Capture(
        name="OpenLLMetry",
        cure="unset TRACELOOP_TRACE_CONTENT, which is false",
        default=True,
        scopes=("opentelemetry.instrumentation", "traceloop"),
        conventions=("prompt_n", "traceloop"),
    ),
    Capture(
        name="Vercel AI SDK",
        cure="remove recordInputs: false and recordOutputs: false from its telemetry settings",
        default=True,
        scopes=("ai", "gen_ai"),
        conventions=("ai_sdk",),
    ),
    Capture(
        name="Pydantic AI",
        cure="set include_content=True in its InstrumentationSettings",
        default=True,
        scopes=("pydantic-ai",),
        conventions=("events_json", "pydantic_ai"),
    ),
    Capture(
        name="Logfire",
        cure=_MASKED,
        default=True,
        scopes=("logfire",),
        conventions=("logfire",),
    ),
    Capture(
        name="Google ADK",
        cure=f"{_OTEL}; in old versions ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true",
        default=False,
        scopes=("gcp.vertex.agent",),
        conventions=("google_adk",),
    ),
    Capture(
        name="Anthropic SDK",
        cure="set ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content",
        default=False,
        scopes=("com.anthropic.sdk",),
    ),
    Capture(
        name="Claude Code",
        cure="set CLAUDE_CODE_ENABLE_TELEMETRY=1 and OTEL_LOG_RAW_API_BODIES=1, and send its logs",
        default=False,
        scopes=("com.anthropic.claude_code",),
        conventions=("claude_code",),
    ),
    Capture(
        name="GitHub Copilot",
        cure="set COPILOT_OTEL_CAPTURE_CONTENT=true",
        default=False,
        scopes=("copilot-chat", "github.copilot"),
    ),
    Capture(
        name="Langfuse",
        cure=_MASKED,
        default=True,
        scopes=("langfuse-sdk",),
        conventions=("langfuse",),
    ),
    Capture(
        name="LangSmith",
        cure="unset LANGSMITH_HIDE_INPUTS and LANGSMITH_HIDE_OUTPUTS",
        default=True,
        scopes=("langsmith",),
        conventions=("langsmith",),
    ),
    Capture(name="MLflow", cure=_MASKED, default=True, scopes=("mlflow",), conventions=("mlflow",)),
    Capture(
        name="Strands",
        cure="let span events through, in which its messages are",
        default=True,
        scopes=("strands",),
    ),
)
UNKNOWN = Capture(
    name="an instrumentation without a row here",
    cure="turn content capture on in its instrumentation",
    default=False,
)

_BY_SCOPE = {scope: row for row in CAPTURES for scope in row.scopes}
_BY_CONVENTION = {name: row for row in CAPTURES for name in row.conventions}


def capture_of(convention: str, scope: str | None) -> Capture:
    """The row of a span: of the nearest scope that is known, else of its convention."""
    place = scope or ""
    while place:
        if place in _BY_SCOPE:
            return _BY_SCOPE[place]
        place = place.rpartition(".")[0]
    return _BY_CONVENTION.get(convention, UNKNOWN)
