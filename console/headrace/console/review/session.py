"""One sitting of one reviewer: what waits, what was answered, what can be taken back."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from headrace.curate.review.answer import Answer, answer, undo
from headrace.curate.review.item import Look, Waiting, look, waiting
from headrace.lake import Lake
from headrace.lake.record import Review, ReviewAction

KEPT = 4  # looks that are held: one may be large


class Session:
    """The open items of a reviewer in a fixed order; those answered here stay in it.

    The methods that ask the lake may run in any thread, one at a time.
    """

    def __init__(
        self, lake: Lake, project: str, reviewer: str, clock: Callable[[], datetime]
    ) -> None:
        self.project = project
        self.reviewer = reviewer
        self.clock = clock
        self.items: list[Waiting] = []
        self.given: dict[str, Review] = {}  # by item, in the order in which they were given
        self._lake = lake
        self._looks: dict[str, Look | None] = {}
        self.refresh()

    @property
    def open(self) -> list[Waiting]:
        return [item for item in self.items if item.item_id not in self.given]

    @property
    def counts(self) -> Counter[str]:
        """What was answered in this sitting, by action."""
        return Counter(review.action for review in self.given.values())

    def refresh(self) -> None:
        """Take out what others have answered meanwhile, put in what came."""
        waits = {item.item_id: item for item in waiting(self._lake, self.project, self.reviewer)}
        kept = [
            waits.pop(item.item_id, item)
            for item in self.items
            if item.item_id in waits or item.item_id in self.given
        ]
        self.items = [*kept, *waits.values()]

    def look(self, item: Waiting) -> Look | None:
        """What is known of an item; None where its episode is gone."""
        if item.item_id not in self._looks:
            while len(self._looks) >= KEPT:
                del self._looks[next(iter(self._looks))]
            self._looks[item.item_id] = look(self._lake, self.project, item.episode_id)
        return self._looks[item.item_id]

    def say(self, item: Waiting, action: ReviewAction, **fields: Any) -> Review:
        """Answer an item. Raises ReviewRefused."""
        given = Answer(item_id=item.item_id, reviewer=self.reviewer, action=action, **fields)
        review = answer(self._lake, self.project, given, now=self.clock())
        self.given[item.item_id] = review
        return review

    def forget(self, item: Waiting) -> None:
        """Let go of an item that turned out to be no longer open, or to have grown."""
        self._looks.pop(item.item_id, None)
        self.refresh()

    def undo(self) -> Review | None:
        """Take the last answer of this sitting back; None where there is none."""
        if not self.given:
            return None
        name, review = list(self.given.items())[-1]
        undo(self._lake, self.project, review, now=self.clock())
        del self.given[name]
        return review
