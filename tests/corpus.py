"""Rows with everything in them that trainers trip over, by objective.

Parallel calls, arguments of other types under one name, turns without text, Unicode, a long tool
result, turns that must not train, reasoning, no tools, a single turn.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace.curate.conversation import Conversation
from headrace.curate.draft import Draft
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import Objective
from headrace.exporters.row import Rate, Row
from headrace.lake.message import Body
from headrace.lake.record import Split

LONG = "A line of a long result, ü☃🚲.\n" * 60


def _tool(name: str, about: str, **properties: str) -> Body:
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": [*properties][:1],
    }
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": parameters},
    }


TOOLS = (
    _tool("lookup_order", "Look an order up.", order_id="string"),
    _tool("refund", "Give money back.", order_id="string", amount="number", options="object"),
)
SEARCH = (_tool("search_help", "Search the help pages.", query="string", filter="object"),)


def say(role: str, content: str | None, **more: Any) -> Body:
    return {"role": role, "content": content, **more}


def call(id: str, name: str, **arguments: Any) -> Body:
    written = json.dumps(arguments, ensure_ascii=False)
    return {"id": id, "type": "function", "function": {"name": name, "arguments": written}}


def ask(*calls: Body, content: str | None = None, **more: Any) -> Body:
    return say("assistant", content, tool_calls=[*calls], **more)


def result(id: str, content: str, **more: Any) -> Body:
    return say("tool", content, tool_call_id=id, **more)


KIND = say("system", "You help customers of a shop.")

REFUND = [
    KIND,
    say("user", "Refund order A1, please."),
    ask(call("call_a1", "lookup_order", order_id="A1")),
    result("call_a1", '{"id": "A1", "total": 10.5}', name="lookup_order"),
    ask(
        call("call_a2", "refund", order_id="A1", amount=10.5, options={"notify": True, "to": None}),
        content="I give the money back.",
    ),
    result("call_a2", '{"ok": true}', name="refund"),
    say("assistant", "Done: 10.50 are on their way."),
]
PARALLEL = [
    KIND,
    say("user", "Where are A1 and B2?"),
    ask(
        call("call_p1", "lookup_order", order_id="A1"),
        call("call_p2", "lookup_order", order_id="B2"),
    ),
    result("call_p1", "on its way"),
    result("call_p2", LONG),
    say("assistant", "A1 is on its way, B2 takes longer."),
]
UNICODE = [
    say("user", 'Grüße aus Zürich 🚲 ☃ \u2028 「返品」 "quoted" \\ back\\slash <tag> & {brace}'),
    ask(call("call_u1", "search_help", query="返品 & Umtausch", filter={"lang": "de", "n": 2**53})),
    result("call_u1", "Innerhalb von 30 Tagen."),
    say("assistant", "Das geht innerhalb von 30 Tagen.\n\tViele Grüße"),
]
SINGLE = [say("user", "Hello"), say("assistant", "Hello, how can I help?")]
CHAT = [
    KIND,
    say("user", "May I return this?"),
    say("assistant", "Yes, for 30 days.", reasoning_content="The policy says 30 days."),
    say("user", "And who are you?"),
    say("assistant", "I am the shop's assistant."),
]


def _episode(name: str, messages: Sequence[Body], **fields: Any) -> Conversation:
    given: dict[str, Any] = {
        "project": "shop",
        "episode_id": name,
        "messages": tuple(messages),
        "scrubbed": True,
        "trainable": tuple(message["role"] == "assistant" for message in messages),
        "tools": TOOLS,
        "resolution": "success",
        "representative": True,
        "trace_ids": (),
        "request": "",
        "defects": (),
        "metadata": {},
    }
    empty = dict.fromkeys(Conversation.__struct_fields__)
    return Conversation(**{**empty, **given, **fields})


def _talks() -> dict[str, Conversation]:
    made = (
        _episode("e1", REFUND),
        _episode("e2", PARALLEL),
        _episode("e3", UNICODE, tools=SEARCH),
        _episode("e4", SINGLE, tools=None),
        _episode("e5", CHAT, tools=None),
    )
    return {episode.episode_id: episode for episode in made}


MASKED = _episode(
    "e6",
    [*CHAT, say("user", "Bye"), say("assistant", "Bye!")],
    tools=None,
    trainable=(False, False, False, False, True, False, True),
)


def _sft(split: Split) -> list[Row]:
    talks = [*_talks().values(), MASKED]
    return [Row.sft(one, Lesson.of(one), split) for one in talks]


def _kto(split: Split) -> list[Row]:
    good = [Row.kto(one, Lesson.of(one), split) for one in _talks().values()]
    bad = [
        _episode("f1", [*REFUND[:6], say("assistant", "No.")], resolution="failure"),
        _episode("f2", REFUND[:3], resolution="failure"),
        _episode("f4", [SINGLE[0], say("assistant", "Go away.")], tools=None, resolution="failure"),
    ]
    return [*good, *(Row.kto(one, Lesson.of(one), split) for one in bad)]


def _pairs(split: Split, objective: Objective) -> list[Row]:
    talks = _talks()
    wrong = ask(call("call_a2", "refund", order_id="A1", amount=105))
    others = {
        "e1": (4, _episode("f1", [*REFUND[:4], wrong], resolution="failure")),
        "e2": (5, _episode("f2", [*PARALLEL[:5], say("assistant", "Lost.")], resolution="failure")),
        "e4": (
            1,
            _episode("f4", [SINGLE[0], say("assistant", "Go away.")], tools=None),
        ),
        "e5": (
            4,
            _episode("f5", [*CHAT[:4], say("assistant", "Who knows.")], tools=None),
        ),
    }
    margins = {"e1": 0.75, "e2": 0.5, "e4": 1.0, "e5": 0.25}
    return [
        Row.pair(
            talks[name], bad, at, split, objective, margins[name] if objective == "rm" else None
        )
        for name, (at, bad) in others.items()
    ]


def _rl(split: Split) -> list[Row]:
    talks = _talks()
    calls = [{"name": "refund", "arguments": REFUND[4]["tool_calls"][0]["function"]["arguments"]}]
    drafts = {
        "e1": Draft(messages=tuple(REFUND[:4]), target=calls, scorer="tool_calls"),
        "e3": Draft(
            messages=tuple(UNICODE[:1]),
            target=[UNICODE[1]["tool_calls"][0]["function"]],
            scorer="tool_calls",
        ),
        "e4": Draft(messages=tuple(SINGLE[:1]), target=SINGLE[1]["content"], scorer="match"),
        "e5": Draft(messages=tuple(CHAT[:4]), target=CHAT[4]["content"], scorer="match"),
    }
    measured = Rate(passed=2, samples=5, models=("gpt-4.1", "gpt-4.1-mini"))
    rates = {"e1": measured, "e4": Rate(passed=1, samples=1, models=("gpt-4.1",))}
    return [
        Row.rl(talks[name], question, split, rates.get(name, Rate()))
        for name, question in drafts.items()
    ]


_MADE: Mapping[Objective, Callable[[Split], list[Row]]] = {
    "sft": _sft,
    "kto": _kto,
    "dpo": lambda split: _pairs(split, "dpo"),
    "rm": lambda split: _pairs(split, "rm"),
    "rl": _rl,
}


def corpus(objective: Objective, split: Split = "train") -> list[Row]:
    """The rows of an objective, all on one side of the split."""
    return _MADE[objective](split)


def masked(rows: Sequence[Row]) -> list[Row]:
    """Of rows for `sft` those with a turn that must not train."""
    return [row for row in rows if row.is_masked]
