"""What of a conversation can be learned: everything up to its last trained turn."""

from typing import Self

import msgspec

from headrace.curate.conversation import Conversation
from headrace.lake.message import Body


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """The messages up to the last trained assistant turn; all of them where none is trained."""

    messages: tuple[Body, ...]
    trainable: tuple[bool, ...]  # one per message, true on assistant turns only

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """The lesson of a conversation: nothing after the last trained turn can train."""
        marks = [
            mark and message["role"] == "assistant"
            for mark, message in zip(conversation.trainable, conversation.messages, strict=True)
        ]
        end = max((i + 1 for i, mark in enumerate(marks) if mark), default=len(marks))
        return cls(messages=conversation.messages[:end], trainable=tuple(marks[:end]))

    @property
    def trains(self) -> bool:
        return any(self.trainable)
