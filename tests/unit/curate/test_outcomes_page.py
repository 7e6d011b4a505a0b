"""docs/outcomes.md says the policy that is in force."""

import re
from pathlib import Path
from typing import get_args

from headrace.curate.outcomes import POLICY
from headrace.ingest.posted import TARGETS
from headrace.lake.record import Resolution
from headrace.lake.threshold import Comparator

PAGE = (Path(__file__).parents[3] / "docs" / "outcomes.md").read_text(encoding="utf-8")


def column(head: str, number: int) -> list[str]:
    """A column of the table whose head row begins so."""
    table = PAGE.split(f"| {head} |", 1)[1].split("\n\n", 1)[0]
    return [line.split("|")[number].strip() for line in table.splitlines()[2:]]


def words(cells: list[str]) -> list[str]:
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def test_the_table_of_sources_is_the_policy_in_its_order() -> None:
    shown = list(zip(words(column("source", 1)), column("source", 2), strict=True))
    assert shown == [(rank.source, rank.because) for rank in POLICY]


def test_every_resolution_target_and_comparator_is_on_the_page() -> None:
    assert sorted(words(column("resolution", 1))) == sorted(get_args(Resolution))
    assert sorted(words(column("target", 1))) == sorted(TARGETS)
    [sentence] = re.findall(r"Comparators are (.*?)\. ", PAGE, re.DOTALL)
    assert words([sentence]) == list(get_args(Comparator))
