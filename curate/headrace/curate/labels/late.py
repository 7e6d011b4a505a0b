"""Outcomes that are known by a time: what their absence says, once that time is over."""

from datetime import timedelta
from typing import Literal

import msgspec

from headrace.lake.record import Source


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome of the product that comes within `window` after the end of an episode, or never.

    A booking that was not paid within three days failed: silence 0. A ticket that was not opened
    again within a week is solved: silence 1.
    """

    name: str
    window: timedelta
    silence: Literal[0, 1]
    source: Source = "product"
    family: str | None = None
