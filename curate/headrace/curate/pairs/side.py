"""An episode that looks for its opposite: what columns tell of it, before a text is read."""

import msgspec

from headrace.lake.record import Split

SUCCESS = 0.9  # least chance of success of the answer to be learnt
FAILURE = 0.1  # most of the answer to be unlearnt


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A resolved episode that training may see."""

    episode_id: str
    revision: int
    request: int  # unit of the masked request
    wording: str | None  # hash of the request with its values
    words: str | None  # hash of what the user said, where the product named the task
    context: int | None  # unit of system prompt and tool definitions
    split: Split
    good: bool
    p: float | None = None  # chance of success; None: a mark decided
    conversation_id: str | None = None
    user_id: str | None = None
    model: str | None = None
    release: str | None = None
    started_at: int | None = None  # microseconds since 1970
