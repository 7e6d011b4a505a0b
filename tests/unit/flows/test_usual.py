"""What nights find beside what is usual."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.flows.night import Line, Night, record
from headrace.flows.usual import Counted, nights_before, unusual, words
from headrace.lake import Lake

AT = datetime(2026, 6, 1, 3, tzinfo=UTC)
USUAL = [Counted(seen=1000, found={"phone": 100, "email": 400, "iban": 1})] * 5


def counted(seen: int = 1000, **found: int) -> Counted:
    return Counted(seen=seen, found={"phone": 100, "email": 400, "iban": 1, **found})


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (counted(), []),
        (counted(phone=1200), ["phone: 1,200, 12 times the usual"]),
        (counted(phone=299, email=1199), []),
        (counted(email=0), ["email: 0, usually 400"]),
        (counted(email=133, phone=33), ["email: 133, usually 400", "phone: 33, usually 100"]),
        (counted(card=40), ["card: 40, usually none"]),
        (counted(card=19, iban=19), []),  # so few come and go by chance
        (counted(10, phone=1, email=4, iban=0), []),  # a small night has few of everything
        (counted(0), []),
    ],
)
def test_what_rose_or_fell_is_told_for_as_many_rows(now: Counted, told: list[str]) -> None:
    assert unusual(now, USUAL) == told


def test_nothing_is_unusual_before_there_is_a_usual() -> None:
    empty = [Counted(seen=0, found={})] * 9
    assert unusual(counted(phone=9_000), [*USUAL[:2], *empty]) == []
    assert unusual(counted(phone=9_000), [*empty, *USUAL[:3]]) != []


def test_words_end_a_sentence_or_are_none() -> None:
    assert words([]) == ""
    assert words(["a: 1", "b: 2"]) == "; look at a: 1; b: 2"


def test_the_nights_before_are_read_newest_first(tmp_path: Path) -> None:
    with Lake.open(tmp_path) as lake:
        assert nights_before(lake, "p", "scrub") == []
        for day, (seen, state) in enumerate(
            [(10, "done"), (20, "done"), (0, "done"), (30, "failed"), (40, "done")]
        ):
            lines = (
                Line(project="p", step="scrub", said="", seen=seen, notes={"phone": seen},
                     state=state),  # type: ignore[arg-type]
                Line(project="q", step="scrub", said="", seen=7),
                Line(project="p", step="dedupe", said="", seen=8),
            )  # fmt: skip
            at = AT + timedelta(days=day)
            record(
                lake, Night(night_id=f"{day}", started_at=at, ended_at=at, until=at, lines=lines)
            )
        found = nights_before(lake, "p", "scrub")
    assert [(night.seen, night.found) for night in found] == [
        (40, {"phone": 40}), (20, {"phone": 20}), (10, {"phone": 10})
    ]  # fmt: skip
