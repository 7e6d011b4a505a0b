"""What stands around a conversation: the list, the head, the progress."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from headrace.console.page import counted
from headrace.console.review.plain import line
from headrace.curate.review.item import Look, Said, Waiting
from headrace.curate.review.reason import probability
from headrace.lake.record import Review

WIDTH = 22  # of the list
DONE = {
    "success": "✓ success", "failure": "✗ failure", "correction": "✎ corrected",
    "skip": "- skipped", "flag": "! flagged",
}  # fmt: skip
_SAID = 4  # words on an episode that are shown, the latest


def entry(item: Waiting, given: Review | None, now: datetime, *, here: bool) -> str:
    """Two lines of the list: what it is, or what was answered, and what was asked."""
    what = DONE[given.action] if given else f"{item.stratum} · {age(now - item.picked_at)}"
    mark = "▸" if here else " "
    return f"{mark}{line(what, WIDTH)}\n {line(item.request or '(no request)', WIDTH)}"


def about(item: Waiting, look: Look | None) -> list[str]:
    """The lines over a conversation."""
    when = f"{item.started_at:%Y-%m-%d %H:%M}" if item.started_at else None
    release = f"release {item.release}" if item.release else None
    told = (item.item_id, release, item.model, when, _size(look))
    asked = " Two reviewers are asked." if item.asked > 1 else ""
    return [
        "  ".join(line(part, 60) for part in told if part),
        f"why: {line(item.why, 300)}.{asked}",
        f"so far: {_so_far(item)}",
        *_said(look),
    ]


def age(passed: timedelta) -> str:
    """How long ago, in one unit."""
    hours = max(0, int(passed.total_seconds() // 3600))
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"


def summary(counts: dict[str, int], left: int) -> str:
    """What a sitting came to."""
    said = ", ".join(f"{count} {action}" for action, count in counts.items())
    total = counted(sum(counts.values()), "answer")
    return f"{total}: {said}; {left} left" if said else f"no answers; {left} left"


def _size(look: Look | None) -> str | None:
    if look is None:
        return None
    return counted(len(look.conversation.messages), "message")


def _so_far(item: Waiting) -> str:
    state = item.resolution or "nobody has weighed it"
    return state if item.p_success is None else f"{state}, p = {probability(item.p_success)}"


def _said(look: Look | None) -> Iterator[str]:
    """The latest words on an episode, and how many there are besides."""
    said = () if look is None else look.said
    yield from map(_word, said[-_SAID:])
    if len(said) > _SAID:
        yield f"- and {len(said) - _SAID:,} earlier"


def _word(said: Said) -> str:
    """Who said what."""
    who = f"{said.source} {said.name}" + (f" ({said.author})" if said.author else "")
    success = {True: "success", False: "failure", None: None}[said.success]
    score = None if said.score is None else f"{said.score:g}"
    parts = (success, "corrected" if said.corrected else None, score, said.label)
    what = ", ".join(part for part in parts if part) or "says"
    return line(f"- {who}: {what}" + (f" “{said.comment}”" if said.comment else ""), 300)
