"""A model call in canonical messages, whatever convention told it."""

from collections.abc import Iterable, Mapping

import msgspec

from headrace.ingest.conventions.content import Content
from headrace.ingest.errors import Undecodable
from headrace.ingest.memo import Memo
from headrace.ingest.messages import read
from headrace.lake.message import Body, Message

_MEDIA = ("text", "image_url", "file", "input_audio")
HIDDEN = ("__REDACTED__", "[REDACTED]")  # what instrumentation puts in the place of a text

UNNAMED = "missing_tool_id"  # ids were made for tool calls or results that came without


class ModelCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a span says in messages, canonical."""

    convention: str
    input: list[Body] = []
    output: list[Body] = []
    tools: list[Body] | None = None
    defects: tuple[str, ...] = ()
    read: frozenset[str] = frozenset()  # keys whose content is here whole
    finish: str | None = None
    response: Mapping[str, object] = {}
    told: tuple[tuple[Message, ...], tuple[Message, ...]] | None = None  # rows that are made yet

    @property
    def rows(self) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
        """The messages of input and output as they are stored."""
        return self.told or (tuple(map(row, self.input)), tuple(map(row, self.output)))

    @property
    def last_turn(self) -> Body | None:
        """The last assistant message of the input."""
        return next((one for one in reversed(self.input) if one["role"] == "assistant"), None)


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """A canonical message as it is stored, and what is wrong with it."""

    message: Message
    defects: frozenset[str]


def model_call(content: Content, convention: str, *, failed: bool) -> ModelCall:
    """The call that a content amounts to; of one that `failed` an empty answer is none."""
    try:
        return _canonical(content, convention, failed)
    except Undecodable:
        return ModelCall(convention=convention, defects=(*content.defects, "unreadable_messages"))


def row(body: Body) -> Message:
    """The row that stores a canonical message."""
    return _said(body).message


def _canonical(content: Content, convention: str, failed: bool) -> ModelCall:
    """Raises Undecodable where a message has no canonical form."""
    heard = read(content.input)
    sent = heard.messages
    before = sum(len(body.get("tool_calls", ())) for body in sent)
    reply = read(content.output, calls_before=before)
    answered = [
        body
        for body in reply.messages
        if body["role"] == "assistant" and not (_empty(body) and failed)
    ]
    said = [[_said(body) for body in bodies] for bodies in (sent, answered)]
    defects = [*content.defects, *frozenset[str]().union(*(o.defects for o in said[0] + said[1]))]
    nothing, unnamed = not sent and not answered, not (heard.named and reply.named)
    noted = [name for name, found in (("no_content", nothing), (UNNAMED, unnamed)) if found]
    return ModelCall(
        convention=convention,
        input=sent,
        output=answered[:1],
        tools=content.tools,
        defects=(*defects, *noted),
        read=frozenset() if defects or nothing else content.read,
        finish=content.finish,
        response=content.response,
        told=(tuple(one.message for one in said[0]), tuple(one.message for one in said[1][:1])),
    )


def _empty(body: Body) -> bool:
    return not body["content"] and not body.get("tool_calls")


def _judged(body: Body) -> _Said:
    return _Said(message=Message.of(body), defects=frozenset(_seen(body)))


_said = Memo(_judged)


def _seen(body: Body) -> Iterable[str]:
    parts = body["content"] if isinstance(body["content"], list) else ()
    if any(part.get("type") not in _MEDIA for part in parts):
        yield "unknown_part"
    if any(text in HIDDEN for text in _texts(body)):
        yield "content_hidden"


def _texts(body: Body) -> Iterable[object]:
    content = body["content"]
    yield from (part.get("text") for part in content) if isinstance(content, list) else (content,)
    yield from (entry["function"]["arguments"] for entry in body.get("tool_calls", ()))
