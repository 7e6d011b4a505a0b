"""When a message recorded as output and its echo in a later input are the same message.

Libraries drop texts, re-serialise arguments and lose ids on the way, so that exact equality would
tear conversations apart; reasoning, names and finish reasons never count.
"""

import json
from collections.abc import Mapping, Sequence

import msgspec

from headrace.curate.unit import arguments
from headrace.lake.message import Body, Message, text_of


class Call(msgspec.Struct, frozen=True):
    """A tool call as far as it is compared."""

    id: str | None
    name: str
    arguments: str  # parsed and sorted


class Face(msgspec.Struct, frozen=True):
    """A message as far as it is compared."""

    role: str
    text: str
    media: int  # parts that are no text
    calls: tuple[Call, ...]
    call_id: str | None
    close: int  # a key that equal messages nearly always share
    coarse: int  # a key that equal messages always share

    @classmethod
    def of(cls, body: Body) -> "Face":
        role, content = body["role"], body.get("content")
        parts = content if isinstance(content, list) else []
        text = text_of(content).replace("\r\n", "\n").strip()
        media = sum(isinstance(p, Mapping) and "text" not in p for p in parts)
        calls = tuple(_call(call) for call in body.get("tool_calls") or ())
        call_id = body.get("tool_call_id") or None
        close = (role, call_id) if role == "tool" else (role, _gist(text, calls), media)
        return cls(
            role=role,
            text=text,
            media=media,
            calls=calls,
            call_id=call_id,
            close=hash(close),
            coarse=hash(role if role in ("assistant", "tool") else close),
        )


class Faces:
    """The faces of messages by hash, each made once."""

    def __init__(self, bodies: Mapping[str, Body]) -> None:
        self._bodies = bodies
        self._made: dict[str, Body] = {}
        self._faces: dict[str, Face] = {}
        self._chained: dict[tuple[str, ...], tuple[Sequence[str], list[tuple[int, int]]]] = {}

    def __getitem__(self, name: str) -> Face:
        face = self._faces.get(name)
        if face is None:
            face = self._faces[name] = Face.of(self.body(name))
        return face

    @property
    def bodies(self) -> Mapping[str, Body]:
        """The messages by hash, those that no span recorded included."""
        return {**self._bodies, **self._made} if self._made else self._bodies

    def learn(self, message: Message, body: Body) -> None:
        """Know a message that no span recorded."""
        self._made[message.hash] = body

    def body(self, name: str) -> Body:
        """The message of a hash."""
        found = self._made.get(name)
        return self._bodies[name] if found is None else found

    def alike(self, recorded: Sequence[str], echo: Sequence[str]) -> bool:
        """Whether two lists of messages, by hash, are leniently equal one by one."""
        return len(recorded) == len(echo) and (
            recorded == echo
            or all(a == b or alike(self[a], self[b]) for a, b in zip(recorded, echo, strict=True))
        )

    def chain(self, names: Sequence[str]) -> list[tuple[int, int]]:
        """After each message a hash, close and coarse, of the list so far.

        Python's own hash serves, as it never leaves the process and each hit is verified.
        """
        marks = self._shared(names)
        close, coarse = marks[-1] if marks else (0, 0)
        for name in names[len(marks) :]:
            face = self[name]
            close, coarse = hash((close, face.close)), hash((coarse, face.coarse))
            marks.append((close, coarse))
        self._chained[tuple(names[:2])] = names, marks
        return marks

    def _shared(self, names: Sequence[str]) -> list[tuple[int, int]]:
        """The marks of the last list with the same opening, as far as this one repeats it.

        A history grows from call to call: it is not hashed again, nor kept again.
        """
        before, marks = self._chained.get(tuple(names[:2]), ((), []))
        for length in (len(before), len(before) - 1):  # the last turn may come back changed
            if length > 0 and names[:length] == before[:length]:
                return marks[:length]
        return []


def alike(recorded: Face, echo: Face) -> bool:
    """Lenient equality of a recorded message and its echo."""
    if recorded.role != echo.role:
        return False
    if recorded.role == "assistant":
        return _same_turn(recorded, echo)
    if recorded.role == "tool":
        return _same_id(recorded.call_id, echo.call_id) and _same_result(recorded.text, echo.text)
    return recorded.text == echo.text and recorded.media == echo.media


def _gist(text: str, calls: Sequence[Call]) -> object:
    return tuple(sorted(call.id or call.name for call in calls)) if calls else text


def _same_turn(recorded: Face, echo: Face) -> bool:
    texts = recorded.text == echo.text
    if not recorded.calls:  # MLflow's streams record the text of a turn without its calls
        return texts or (not recorded.text and bool(echo.calls))
    return _same_calls(recorded.calls, echo.calls) and (texts or not recorded.text or not echo.text)


def _same_calls(recorded: Sequence[Call], echo: Sequence[Call]) -> bool:
    if len(recorded) != len(echo):
        return False
    # those with ids first: a call without one must not take the pair of another
    left = sorted(echo, key=_is_nameless)
    for call in sorted(recorded, key=_is_nameless):
        twin = next((other for other in left if _same_call(call, other)), None)
        if twin is None:
            return False
        left.remove(twin)
    return True


def _is_nameless(call: Call) -> bool:
    return call.id is None


def _same_call(a: Call, b: Call) -> bool:
    if a.id and b.id:
        return a.id == b.id and a.name == b.name
    return (a.name, a.arguments) == (b.name, b.arguments)


def _same_id(a: str | None, b: str | None) -> bool:
    return a == b or not a or not b


def _same_result(a: str, b: str) -> bool:
    return a == b or not a or not b or _parsed(a) == _parsed(b)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _call(call: Mapping[str, object]) -> Call:
    function = call["function"]
    assert isinstance(function, Mapping)
    return Call(
        id=str(call["id"]) if call.get("id") else None,
        name=function["name"],
        arguments=arguments(function["arguments"]),
    )
