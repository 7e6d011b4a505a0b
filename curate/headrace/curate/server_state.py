"""Calls that sent only what was new, because the provider keeps the history: told in full again."""

from collections.abc import Iterable, Mapping, Sequence

from headrace.curate.ancestry import Call
from headrace.lake.message import Body

DEFECT = "inferred_history"  # no pointer said so

_STATEFUL = "resp_"  # ids of the OpenAI Responses API


def stitched(calls: Iterable[Call], bodies: Mapping[str, Body]) -> list[Call]:
    """The calls in their order, each with the history that its provider added.

    A call that names the response before it continues that one. Without a name the one before in
    its conversation is taken, if the tokens it was billed for show that there was more.
    """
    done: list[Call] = []
    by_response: dict[str, Call] = {}
    latest: dict[tuple[str, str | None], Call] = {}
    for call in calls:
        place = (call.conversation_id or "", call.agent)
        before = by_response.get(call.span.previous_response_id or "")
        if before is not None:
            call = call.evolve(input=_history(before, call, bodies))
        elif call.conversation_id and _continues(latest.get(place), call, bodies):
            defects = tuple(sorted({*call.span.defects, DEFECT}))
            call = call.evolve(input=_history(latest[place], call, bodies), defects=defects)
        done.append(call)
        if call.span.response_id:
            by_response[call.span.response_id] = call
        if call.span.output:
            latest[place] = call
    return done


def _history(before: Call, call: Call, bodies: Mapping[str, Body]) -> tuple[str, ...]:
    """Instructions are the call's own: the API does not carry them over."""
    system, said = _parted(call.span.input, bodies)
    _, earlier = _parted(before.span.input, bodies)
    return (*system[:1], *earlier, *before.span.output, *said)


def _continues(before: Call | None, call: Call, bodies: Mapping[str, Body]) -> bool:
    if before is None or before.span.trace_id == call.span.trace_id:
        return False
    if not (call.span.response_id or "").startswith(_STATEFUL) or not call.span.input:
        return False
    spent, known = call.span.input_tokens, before.span.input_tokens
    if spent is None or known is None or spent <= known:
        return False
    system, said = _parted(call.span.input, bodies)
    same = system == _parted(before.span.input, bodies)[0]
    return same and all(bodies[name]["role"] != "assistant" for name in said)


def _parted(
    names: Sequence[str], bodies: Mapping[str, Body]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    system = tuple(name for name in names if bodies[name]["role"] == "system")
    return system, tuple(name for name in names if bodies[name]["role"] != "system")
