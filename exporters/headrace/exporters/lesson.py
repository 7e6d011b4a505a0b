"""What of a conversation can be learned: everything up to its last trained turn."""

from typing import Self

import msgspec

from headrace.curate.conversation import Conversation
from headrace.exporters.recipe import Masks
from headrace.lake.message import Body


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """The messages up to the last trained assistant turn; all of them where none is trained."""

    messages: tuple[Body, ...]
    trainable: tuple[bool, ...]  # one per message, true on assistant turns only

    @classmethod
    def of(cls, conversation: Conversation, masks: Masks = "all") -> Self:
        """The lesson of a conversation: nothing after the last trained turn can train."""
        turns = zip(conversation.trainable, conversation.messages, strict=True)
        trained = [
            at
            for at, (mark, message) in enumerate(turns)
            if mark and message["role"] == "assistant"
            if masks != "final_answer" or not message.get("tool_calls")
        ]
        kept = {*(trained if masks == "all" else trained[-1:])}
        end = max(kept) + 1 if kept else len(conversation.messages)
        marks = tuple(at in kept for at in range(end))
        return cls(messages=conversation.messages[:end], trainable=marks)

    @property
    def trains(self) -> bool:
        return any(self.trainable)

    @property
    def trained(self) -> tuple[Body, ...]:
        """The turns that train."""
        turns = zip(self.messages, self.trainable, strict=True)
        return tuple(message for message, on in turns if on)
