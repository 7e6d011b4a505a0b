"""What an assistant should have said, told by a person, against what it did say."""

import msgspec

from headrace.curate.pairs.dialogue import Dialogue, key
from headrace.curate.pairs.meeting import weighed
from headrace.curate.pairs.side import Side
from headrace.lake.message import Body, Message


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A corrected turn of an episode."""

    side: Side
    turn: int | None  # message that was corrected; None: the last trained one
    message: Message  # what should have been said, without personal data
    body: Body

    def place(self, dialogue: Dialogue) -> int | str:
        """The message that the correction replaces, or the reason why it makes no pair."""
        if self.side.good:
            return "disputed"
        own = [i for i, mark in enumerate(dialogue.trainable) if mark]
        turn = self.turn if self.turn is not None else max(own, default=-1)
        if turn not in own:
            return "not_trained"
        against = weighed(
            key(self.body), dialogue.keys[turn], self.message.chars, dialogue.chars[turn]
        )
        return against or turn
