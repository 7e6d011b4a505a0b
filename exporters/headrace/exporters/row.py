"""The canonical row: what one episode or pair teaches, the same for every trainer."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec

from headrace.curate.conversation import Conversation
from headrace.curate.draft import Draft
from headrace.exporters.call import arguments, text
from headrace.exporters.identity import identified
from headrace.exporters.lesson import Lesson
from headrace.exporters.objective import SCHEMAS, Objective
from headrace.lake.message import Body, digest, dump, text_of
from headrace.lake.record import Split

Messages = tuple[Body, ...]

_TASK = ("task_id", "scorer", "reference", "pass_rate", "samples", "policy")


# As many as TRL answers a prompt with by default. Where so many outcomes were alike, a group would
# mostly be; from fewer nobody can tell.
ENOUGH = 8


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """How often production has answered a request well."""

    passed: int = 0
    samples: int = 0  # successes and failures
    models: tuple[str, ...] = ()  # that gave them, by name

    @property
    def is_edge(self) -> bool:
        """Whether all of enough outcomes were the same."""
        return self.samples >= ENOUGH and self.passed in (0, self.samples)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row; the fields that an objective does not have stay empty."""

    objective: Objective
    split: Split
    row_id: str = ""  # named by content alone: equal rows have equal names in every version
    episode_ids: tuple[str, ...]
    messages: Messages = ()
    trainable: tuple[bool, ...] = ()  # one per message
    prompt: Messages = ()
    completion: Messages = ()
    chosen: Messages = ()
    rejected: Messages = ()
    label: bool | None = None
    margin: float | None = None  # by how much the chosen side is better
    task_id: str | None = None  # names a prompt and its tools: the unit of a group of samples
    scorer: str | None = None  # of the evaluation, which tells what an answer is worth
    reference: str | None = None  # what is right: text, for `tool_calls` a JSON list of calls
    pass_rate: float | None = None  # share of successes among the samples, 0 to 1
    samples: int | None = None
    policy: str | None = None  # the models that gave the samples
    tools: str | None = None  # JSON list

    @classmethod
    def sft(cls, episode: Conversation, lesson: Lesson, split: Split) -> Self:
        """The whole lesson, with the turns to be trained marked."""
        return cls(
            objective="sft",
            split=split,
            episode_ids=(episode.episode_id,),
            messages=canonical(lesson.messages),
            trainable=lesson.trainable,
            tools=tools_text(episode),
        )._named()

    @classmethod
    def kto(cls, episode: Conversation, lesson: Lesson, split: Split) -> Self:
        """The last trained turn after everything before it, and whether it was good."""
        *prompt, completion = canonical(lesson.messages)
        return cls(
            objective="kto",
            split=split,
            episode_ids=(episode.episode_id,),
            prompt=tuple(prompt),
            completion=(completion,),
            label=episode.resolution == "success",
            tools=tools_text(episode),
        )._named()

    @classmethod
    def pair(
        cls,
        chosen: Conversation,
        rejected: Conversation,
        cut: int,
        split: Split,
        objective: Objective = "dpo",
        margin: float | None = None,
    ) -> Self:
        """Two answers to one prompt: the messages before `cut`, equal on both sides."""
        ids = (chosen.episode_id, rejected.episode_id)
        made = cls._pair(rejected, ids, chosen.messages[:cut], chosen.messages[cut], split)
        return msgspec.structs.replace(made, objective=objective, margin=margin)._named()

    @classmethod
    def corrected(
        cls,
        episode: Conversation,
        message: Body,
        cut: int,
        split: Split,
        objective: Objective = "dpo",
    ) -> Self:
        """What should have been said, against what an episode said at message `cut`."""
        ids = (episode.episode_id,)
        made = cls._pair(episode, ids, episode.messages[:cut], message, split)
        return msgspec.structs.replace(made, objective=objective)._named()

    @classmethod
    def rl(cls, episode: Conversation, question: Draft, split: Split, rate: Rate) -> Self:
        """What was asked at the turn that a scorer can look at, and what is right there."""
        prompt, tools = canonical(question.messages), tools_text(episode)
        right = question.target
        return cls(
            objective="rl",
            split=split,
            episode_ids=(episode.episode_id,),
            prompt=prompt,
            task_id=digest(dump([prompt, tools])),
            scorer=question.scorer,
            reference=right if isinstance(right, str) else text(right),
            pass_rate=rate.passed / rate.samples if rate.samples else None,
            samples=rate.samples,
            policy=", ".join(rate.models) or None,
            tools=tools,
        )._named()

    @classmethod
    def read(cls, objective: Objective, split: Split, columns: Mapping[str, Any]) -> Self:
        """A row from its columns as a reader of Parquet gives them, nulls of messages included."""
        return cls(objective=objective, split=split, **{k: _plain(v) for k, v in columns.items()})

    @property
    def is_masked(self) -> bool:
        """Whether an assistant turn of the row must not train."""
        turns = zip(self.messages, self.trainable, strict=True)
        return any(message["role"] == "assistant" and not mark for message, mark in turns)

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of this row's objective, in the order of its schema."""
        return {name: getattr(self, name) for name in SCHEMAS[self.objective].names}

    @property
    def task(self) -> dict[str, Any]:
        """What a reward, and whoever picks tasks, is told of a row of `rl` beside its prompt."""
        return {name: getattr(self, name) for name in _TASK}

    @property
    def about(self) -> dict[str, Any]:
        """The same but for what is right."""
        return {name: value for name, value in self.task.items() if name != "reference"}

    @property
    def hash(self) -> str:
        """The name of everything in the row, row id and episodes included."""
        return digest(dump(self.columns))

    @classmethod
    def _pair(
        cls,
        rejected: Conversation,
        ids: tuple[str, ...],
        prompt: Sequence[Body],
        good: Body,
        split: Split,
    ) -> Self:
        return cls(
            objective="dpo",
            split=split,
            episode_ids=ids,
            prompt=canonical(prompt),
            chosen=canonical([good], len(prompt)),
            rejected=canonical([rejected.messages[len(prompt)]], len(prompt)),
            tools=tools_text(rejected),
        )

    def _named(self) -> Self:
        content = {k: v for k, v in self.columns.items() if k not in ("row_id", "episode_ids")}
        name = digest(dump({"objective": self.objective, **content}))
        return msgspec.structs.replace(self, row_id=name)


def canonical(messages: Sequence[Body], start: int = 0) -> Messages:
    """Messages in canonical form: text content, arguments re-written, no key without a value.

    Calls and results without an id are given one; `start` is the place of the first message.
    """
    return identified([_message(message) for message in messages], start)


def tools_text(episode: Conversation) -> str | None:
    return text(list(episode.tools)) if episode.tools else None


def _message(message: Body) -> Body:
    made = [_call(call) for call in message.get("tool_calls") or ()]
    content = message.get("content")
    fields: Body = {
        "role": message["role"],
        "content": None if content is None and made else text_of(content),
        "reasoning_content": message.get("reasoning_content") or None,
        "tool_calls": made or None,
        "tool_call_id": message.get("tool_call_id"),
        "name": message.get("name"),
    }
    return {key: value for key, value in fields.items() if value is not None}


def _call(call: Body) -> Body:
    function = call["function"]
    given = {"name": function["name"], "arguments": text(arguments(call))}
    return {"id": call.get("id") or None, "type": "function", "function": given}


def _plain(value: object) -> Any:
    """Lists as tuples, messages without the nulls that Arrow adds to them."""
    if not isinstance(value, list):
        return value
    return tuple(
        {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item
        for item in value
    )
