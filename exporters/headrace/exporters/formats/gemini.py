"""Gemini: contents of parts, calls without ids, one trained turn at the end of a row."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from headrace.exporters.call import arguments, calls, text
from headrace.exporters.formats import gemini_howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.obstacle import obstacle
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.said import unmarked
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")  # of a function
TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})
KEYS = frozenset(  # of a schema in the dialect of `parameters`
    "additionalProperties anyOf default description enum example format items maxItems maxLength "
    "maxProperties maximum minItems minLength minProperties minimum nullable pattern properties "
    "propertyOrdering required title type".split()
)
NOTHING: Body = {"type": "object", "properties": {}}  # a schema that asks for nothing
REFERENCES = ("task_id", "scorer", "reference", "pass_rate", "samples", "policy")


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """There is no mask, and Google does not say which model turns of a row train. The last one
    does, so each trained turn ends a row of its own."""
    if (reason := obstacle(row, NAME)) is not None:
        lost(f"row_skipped:{reason}")
        return
    tools = {"tools": [{"functionDeclarations": _declared(row.tools)}]} if row.tools else {}
    for record in _RECORDS[row.objective](row, lost):
        yield {**_instruction(row.messages or row.prompt), **record, **tools}


def pages(written: Written) -> Mapping[str, str]:
    reward = {gemini_howto.REWARD: gemini_howto.reward()}
    return {
        HOWTO: gemini_howto.howto(written),
        **(reward if written.shape.objective == "rl" else {}),
    }


def _sft(row: Row, lost: Lost) -> Iterable[Record]:
    for prompt, turn in unmarked(row, lost):
        yield {"contents": _contents((*prompt, turn), lost)}


def _dpo(row: Row, lost: Lost) -> Iterable[Record]:
    """One turn of text a side: a preference is told by texts alone."""
    sides = ((1, row.chosen), (0, row.rejected))
    yield {
        "contents": _contents(row.prompt, lost),
        "completions": [
            {"score": score, "completion": _contents(side, lost)[0]} for score, side in sides
        ],
    }


def _rl(row: Row, lost: Lost) -> Iterable[Record]:
    """References go from text to text; what nobody knows is not among them."""
    known = {name: getattr(row, name) for name in REFERENCES}
    yield {
        "contents": _contents(row.prompt, lost),
        "references": {
            name: value if isinstance(value, str) else text(value)
            for name, value in known.items()
            if value is not None
        },
    }


_RECORDS = {"sft": _sft, "dpo": _dpo, "rl": _rl}


def _instruction(messages: Messages) -> Record:
    parts = [
        {"text": message["content"]}
        for message in messages
        if message["role"] == "system" and message.get("content")
    ]
    return {"systemInstruction": {"role": "system", "parts": parts}} if parts else {}


def _contents(messages: Messages, lost: Lost) -> list[Body]:
    """Turns of user and model; the results of one turn are one turn of the user."""
    made: list[Body] = []
    asked: list[Body] = []
    for is_result, group in groupby(messages, key=lambda message: bool(message["role"] == "tool")):
        said = list(group)
        if is_result:
            made.append({"role": "user", "parts": _results(asked, said, lost)})
        else:
            made += [_turn(message, lost) for message in said if message["role"] != "system"]
            asked = calls(said[-1:])
    return made


def _turn(message: Body, lost: Lost) -> Body:
    for key, code in (("reasoning_content", "reasoning_dropped"), ("name", "name_dropped")):
        if key in message:
            lost(code)
    parts: list[Body] = [{"text": message["content"]}] if message.get("content") else []
    for call in calls([message]):
        lost("ids_dropped")
        made = {"name": call["function"]["name"], "args": arguments(call)}
        parts.append({"functionCall": made})
    return {"role": "model" if message["role"] == "assistant" else "user", "parts": parts}


def _results(asked: Sequence[Body], results: Sequence[Body], lost: Lost) -> list[Body]:
    """In the order of the calls that they answer: nothing else tells which is whose."""
    waiting = dict(enumerate(asked))
    found: dict[int, Body] = {}
    for result in results:
        same = (at for at, call in waiting.items() if call["id"] == result["tool_call_id"])
        at = next(same)  # there is one: no call and no result of the row is an orphan
        name = waiting.pop(at)["function"]["name"]
        if result.get("name", name) != name:
            lost("name_dropped")
        response = {"name": name, "response": {"result": result["content"]}}
        found[at] = {"functionResponse": response}
    return [found[at] for at in sorted(found)]


def _declared(tools: str) -> list[Body]:
    return [_declaration(tool["function"]) for tool in json.loads(tools)]


def _declaration(function: Body) -> Body:
    made = {"name": function["name"]}
    if function.get("description"):
        made["description"] = function["description"]
    schema = function.get("parameters") or {}
    if {**NOTHING, **schema} != NOTHING:  # without parameters there is to be no schema
        plain = schema.get("properties") and _is_plain(schema)
        made["parameters" if plain else "parametersJsonSchema"] = schema
    return made


def _is_plain(schema: object) -> bool:
    """Whether a schema keeps to the words that `parameters` knows; the other field takes any."""
    if not isinstance(schema, dict) or not schema.keys() <= KEYS:
        return False
    if str(schema.get("type", "object")) not in TYPES:
        return False
    if not all(isinstance(value, str) for value in schema.get("enum", ())):
        return False
    below = [*(schema.get("properties") or {}).values(), *schema.get("anyOf", ())]
    return all(map(_is_plain, [*below, *([schema["items"]] if "items" in schema else [])]))
