"""What a reviewer says of an item becomes an outcome, in one transaction."""

from datetime import datetime
from typing import Any

import msgspec

from headrace.curate.errors import ReviewRefused
from headrace.curate.review.queue import NAME
from headrace.lake.message import Body, digest, dump
from headrace.lake.record import Outcome, Review, ReviewAction
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

LABELS = ("success", "failure", "correction")  # actions that are outcomes as well

_SQL = "headrace.curate.review", "review.sql"
_ENDS = {"skip": "open", "flag": "flagged"}
_GONE = {
    "answered": "it has been answered meanwhile",
    "skipped": "it has been passed over meanwhile",
    "flagged": "it has been flagged meanwhile",
    "marked": "a person has marked it elsewhere meanwhile",
    "superseded": "its episode has become part of another one",
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A reviewer's word on an item."""

    item_id: str
    reviewer: str
    action: ReviewAction
    revision: int | None = None  # of the episode that was looked at; None: the current one
    comment: str | None = None
    correction: Body | None = None  # what should have been said; with the action `correction`


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    """An open item whose episode stands."""

    episode_id: str
    revision: int
    asked: int


def answer(lake: Lake, project: str, given: Answer, *, now: datetime) -> Review:
    """Write an answer: a row of `reviews`, and of `outcomes` where it is a label.

    Two who answer at once are asked one after the other: the second is refused unless the item
    asks for two. Raises ReviewRefused, and nothing is written, where the item is not open to this
    reviewer or its episode has changed since it was looked at.
    """
    _check(given)
    sql, where = statements(*_SQL), {"project": project, "item": given.item_id}

    def write(tx: Transaction) -> Review:
        item = _open(tx, project, given)
        others = tx.run(sql["of_item"], where)
        answers = sum(outcome is not None for _, _, outcome in others)
        _mine(given, others, answers, item.asked)
        review = _review(project, given, item, now)
        if review.outcome_id is not None:
            tx.append("outcomes", [_outcome(given, review)])
        tx.append("reviews", [review])
        labelled = "answered" if answers + 1 >= item.asked else "open"
        state = _ENDS.get(given.action, labelled)
        tx.run(sql["touch"], {**where, "state": state, "at": now})
        return review

    return lake.write(write)


def undo(lake: Lake, project: str, review: Review, *, now: datetime) -> None:
    """Take an answer back as though it had not been given; the item is open again.

    Raises ReviewRefused where it does not stand any more.
    """
    sql, where = statements(*_SQL), {"project": project, "item": review.item_id}

    def write(tx: Transaction) -> None:
        standing = tx.run(sql["of_item"], where)
        if (review.reviewer, review.action, review.outcome_id) not in standing:
            raise ReviewRefused(f"{review.action} on {review.item_id} was taken back before")
        tx.run(sql["take_back"], {**where, "reviewer": review.reviewer})
        if review.outcome_id is not None:
            outcome = {"project": project, "outcome": review.outcome_id}
            tx.run(sql["take_back_outcome"], outcome)
        tx.run(sql["touch"], {**where, "state": "open", "at": now})

    lake.write(write)


def named(lake: Lake, project: str, name: str) -> str:
    """The item of an id, the beginning of one, or of an episode. Raises ReviewRefused."""
    found = lake.rows(statements(*_SQL)["named"], {"project": project, "item": name})
    if len(found) != 1:
        fault = "no item" if not found else "more than one item"
        raise ReviewRefused(f"{fault} {name!r}: `headrace review --list` has those that are open")
    return str(found[0]["item_id"])


def _check(given: Answer) -> None:
    if not given.reviewer.strip():
        raise ReviewRefused("no reviewer: give a name with --reviewer or HEADRACE_REVIEWER")
    if (given.action == "correction") != (given.correction is not None):
        raise ReviewRefused("a correction is what should have been said: give it, or a failure")


def _open(tx: Transaction, project: str, given: Answer) -> _Item:
    sql, where = statements(*_SQL), {"project": project}
    rows = tx.run(sql["item"], {**where, "item": given.item_id})
    if not rows:
        raise ReviewRefused(
            f"no item {given.item_id!r}: `headrace review --list` has the open ones"
        )
    [(episode_id, asked, state)] = rows
    if state != "open":
        raise ReviewRefused(f"{given.item_id}: {_GONE[state]}")
    [(revision, superseded)] = tx.run(sql["current"], {**where, "episode": episode_id})
    if revision is None or superseded:
        raise ReviewRefused(f"{given.item_id}: {_GONE['superseded']}")
    if given.revision not in (None, revision):
        raise ReviewRefused(f"{given.item_id}: its episode has grown since, look at it again")
    return _Item(episode_id=episode_id, revision=revision, asked=asked)


def _mine(given: Answer, others: list[tuple[Any, ...]], answers: int, asked: int) -> None:
    """Refuse a second word of one reviewer, and one more than was asked for."""
    for reviewer, action, _ in others:
        if reviewer == given.reviewer:
            raise ReviewRefused(f"{given.item_id}: {reviewer} has said {action} before")
    if answers >= asked:
        raise ReviewRefused(f"{given.item_id}: {_GONE['answered']}")


def _review(project: str, given: Answer, item: _Item, now: datetime) -> Review:
    said = dump([project, given.item_id, given.reviewer, now.isoformat()])
    return Review(
        project=project,
        item_id=given.item_id,
        episode_id=item.episode_id,
        revision=item.revision,
        reviewer=given.reviewer,
        action=given.action,
        comment=given.comment,
        outcome_id="rv_" + digest(said) if given.action in LABELS else None,
        at=now,
    )


def _outcome(given: Answer, review: Review) -> Outcome:
    assert review.outcome_id is not None
    return Outcome(
        project=review.project,
        outcome_id=review.outcome_id,
        target_kind="episode",
        target_id=review.episode_id,
        name=NAME,
        success=given.action == "success",
        comment=given.comment,
        correction=None if given.correction is None else dump(given.correction),
        source="human",
        author=given.reviewer,
        at=review.at,
        received_at=review.at,
    )
