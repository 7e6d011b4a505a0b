"""Ids of calls and results where a trace has left them out."""

from collections.abc import Sequence

from headrace.exporters.call import calls
from headrace.lake.message import Body

Place = tuple[int, int]  # of a call: its message, its number there


def identified(messages: Sequence[Body], start: int = 0) -> tuple[Body, ...]:
    """The messages with an id on every call and result: that of the other side where it has one,
    else `call_<place>_<number>`, where `start` is the place of the first message."""
    if all(map(_has_ids, messages)):
        return tuple(messages)
    names: dict[Place, str | None] = {}
    answers: dict[int, Place] = {}
    turn: list[Place] = []
    waiting: list[Place] = []
    for at, message in enumerate(messages):
        if message["role"] != "tool":
            told = {(at, n): call.get("id") for n, call in enumerate(calls([message]))}
            names |= told
            turn, waiting = [*told], [*told]
        elif (place := _asked(message.get("tool_call_id"), waiting, names)) is not None:
            waiting.remove(place)
            answers[at] = place
            # what another call of the turn is called would be answered by the first of the two
            if not names[place] and message.get("tool_call_id") not in map(names.get, turn):
                names[place] = message.get("tool_call_id")
    known = _all_named(names, start)
    return tuple(_named(message, at, known, answers) for at, message in enumerate(messages))


def _all_named(names: dict[Place, str | None], start: int) -> dict[Place, str]:
    """With names of their own for calls that have none."""
    taken = {*filter(None, names.values())}
    known: dict[Place, str] = {}
    for (at, n), name in names.items():
        made = name or f"call_{start + at}_{n}"
        while not name and made in taken:
            made += "_"
        known[at, n] = made
        taken.add(made)
    return known


def _has_ids(message: Body) -> bool:
    if message["role"] == "tool":
        return bool(message.get("tool_call_id"))
    return all(call.get("id") for call in calls([message]))


def _asked(name: str | None, waiting: list[Place], names: dict[Place, str | None]) -> Place | None:
    """The call that a result answers: the first of its name or as nameless, else the first that
    either side leaves open."""
    same = [place for place in waiting if (names[place] or None) == (name or None)]
    free = [place for place in waiting if not names[place]] if name else waiting
    return next(iter([*same, *free]), None)


def _named(message: Body, at: int, known: dict[Place, str], answers: dict[int, Place]) -> Body:
    if at in answers:
        return {**message, "tool_call_id": known[answers[at]]}
    made = calls([message])
    if not made:
        return message
    named = [{**call, "id": known[at, n]} for n, call in enumerate(made)]
    return {**message, "tool_calls": named}
