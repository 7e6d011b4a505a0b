"""Episodes read through for known wordings."""

from collections.abc import Iterable, Sequence

import msgspec

from headrace.curate.conversation import Conversation
from headrace.curate.screens.pattern import VOICES, Voice, found
from headrace.lake.message import Body, text_of


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern in an episode."""

    episode_id: str
    pattern: str


def look(episodes: Iterable[Conversation]) -> list[Hit]:
    """Each pattern that an episode holds, once, by name."""
    return [
        Hit(episode_id=episode.episode_id, pattern=name)
        for episode in episodes
        for name in patterns(episode.messages)
    ]


def patterns(messages: Sequence[Body]) -> list[str]:
    """The names of the patterns in what users, tools and the assistant said."""
    said: dict[Voice, list[str]] = {voice: [] for voice in VOICES}
    for message in messages:
        if message["role"] in said:
            said[message["role"]].append(text_of(message.get("content")))
            said[message["role"]] += _calls(message)
    # Texts apart: a full stop ends what one wording may reach over.
    return sorted({name for voice in VOICES for name in found(" . ".join(said[voice]), voice)})


def _calls(message: Body) -> Iterable[str]:
    for call in message.get("tool_calls") or ():
        yield call["function"]["name"]
        yield call["function"]["arguments"]
