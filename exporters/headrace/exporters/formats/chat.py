"""Chats in the shape of OpenAI's fine-tuning files, and where the services that read it differ."""

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from headrace.exporters.call import names
from headrace.exporters.formats.dialect import Lost, Record
from headrace.exporters.formats.said import in_order, marked, without_reasoning
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of a tool, and of who speaks
ASK = ("system", "user", "tool")  # roles of what an answer can follow


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """What one service takes beyond messages, weights, tools and pairs, and what it refuses."""

    speakers: bool = False  # a message may name who speaks
    reasoning: bool = False  # `reasoning_content` of the turns of a whole conversation
    flagged: bool = False  # `parallel_tool_calls` beside tools
    ordered: bool = False  # results go by their calls: templates of open models drop ids
    instructs: str = "system"  # role of the instructions of a task
    one_system: bool = False  # there is one system message at most
    plain_names: bool = False  # tools are named in letters, digits, `_` and `-`, 64 of them
    most_tools: int | None = None
    asks: tuple[str, ...] = ASK  # roles on which a task may end

    def records(self, row: Row, lost: Lost) -> Iterable[Record]:
        """The record of a row; none, and the reason told, where the service would refuse it."""
        if (reason := self._against(row)) is not None:
            lost(f"row_skipped:{reason}")
            return
        made = {"sft": self._sft, "dpo": self._dpo, "rl": self._rl}
        yield made[row.objective](row, lost)

    def _against(self, row: Row) -> str | None:
        tools = _tools(row)
        if self.most_tools is not None and len(tools) > self.most_tools:
            return "too_many_tools"
        if self.plain_names and not all(map(NAME.fullmatch, names(tools))):
            return "tool_name"
        roles = [message["role"] for message in row.messages or row.prompt]
        if self.one_system and roles.count("system") > 1:
            return "role_order"
        if row.objective == "sft":
            return None
        asks = self.asks if row.objective == "rl" else ASK
        return None if roles and roles[-1] in asks else "role_order"

    def _sft(self, row: Row, lost: Lost) -> Record:
        """The whole conversation; weight 0 on what must not train."""
        said = self._said(row.messages, lost, reasoning=self.reasoning)
        messages = marked(said, row.trainable, lambda on: {"weight": int(on)})
        return {"messages": messages, **self._toolset(row)}

    def _dpo(self, row: Row, lost: Lost) -> Record:
        """Each side is one message."""
        return {
            "input": {"messages": self._said(row.prompt, lost), **self._toolset(row)},
            "preferred_output": self._said(row.chosen, lost),
            "non_preferred_output": self._said(row.rejected, lost),
        }

    def _rl(self, row: Row, lost: Lost) -> Record:
        """A prompt, and what its grader may read; nothing but `messages` and `tools` is taken by
        the service, `parallel_tool_calls` included."""
        said = self._said(row.prompt, lost)
        tools = {"tools": _tools(row)} if row.tools else {}
        return {
            "messages": [self._instructing(message, lost) for message in said],
            **tools,
            **row.task,
            "reference": reference(row),
        }

    def _toolset(self, row: Row) -> Record:
        if not row.tools:
            return {}
        # The default of the API. Told by row, it would give away whether the answer calls twice.
        flag = {"parallel_tool_calls": True} if self.flagged else {}
        return {"tools": _tools(row), **flag}

    def _said(self, messages: Messages, lost: Lost, *, reasoning: bool = False) -> list[Body]:
        said = in_order(messages) if self.ordered else messages
        told = said if reasoning else without_reasoning(said, lost)
        return [self._named(message, lost) for message in told]

    def _named(self, message: Body, lost: Lost) -> Body:
        """A message without a name that the service has no place for."""
        name = message.get("name")
        taken = self.speakers and message["role"] != "tool" and NAME.fullmatch(name or "")
        if name is None or taken:
            return message
        lost("name_dropped")
        return {key: value for key, value in message.items() if key != "name"}

    def _instructing(self, message: Body, lost: Lost) -> Body:
        if message["role"] != "system" or self.instructs == "system":
            return message
        lost("role_renamed")
        return {**message, "role": self.instructs}


def reference(row: Row) -> Any:
    """What is right, as JSON: a text, or a list of calls with their arguments as JSON text."""
    return json.loads(row.reference or "") if row.scorer == "tool_calls" else row.reference


def _tools(row: Row) -> list[Body]:
    tools: list[Body] = json.loads(row.tools) if row.tools else []
    return tools
