"""OTel GenAI up to 1.27: prompt and completion as JSON in one span event each."""

from headrace.ingest.conventions.content import Content
from headrace.ingest.conventions.raw_body import answered, finish, requested
from headrace.ingest.jsontext import cut, value_of
from headrace.ingest.telemetry import SpanData
from headrace.lake.message import Body

_INPUT = ("gen_ai.content.prompt", "gen_ai.prompt")  # name of the event, of its attribute
_OUTPUT = ("gen_ai.content.completion", "gen_ai.completion")


def content(span: SpanData) -> Content | None:
    """Messages of both events; bare text is what a user or the model said."""
    if not span.events:
        return None
    prompt, completion = (_told(span, *place) for place in (_INPUT, _OUTPUT))
    if prompt is None and completion is None:
        return None
    sent, said = value_of(prompt), value_of(completion)
    broken = cut(prompt, sent) or cut(completion, said)
    sent, said = _read(prompt, sent), _read(completion, said)
    return Content(
        input=requested({"input": sent} if isinstance(sent, str) else sent),
        output=_answer(said)[:1],
        defects=("truncated_value",) if broken else (),
        finish=finish(said),
    )


def _told(span: SpanData, name: str, key: str) -> object:
    return next((event.attributes.get(key) for event in span.events if event.name == name), None)


def _read(text: object, value: object) -> object:
    """A text that is no JSON is what was said, unless it was to be JSON."""
    return text if value is None and not cut(text, value) else value


def _answer(said: object) -> list[Body]:
    if isinstance(said, str):
        return [{"role": "assistant", "content": said}]
    return answered(said) or [{**one, "role": "assistant"} for one in requested(_several(said))]


def _several(said: object) -> object:
    """Choices as messages; one may stand alone."""
    return [said] if isinstance(said, dict) and "content" in said else said
