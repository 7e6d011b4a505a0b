"""What a loss is called, and that people are told what it means."""

from collections.abc import Callable
from typing import Any

import pytest

from headrace.exporters.formats.loss import HARMLESS, words
from headrace.exporters.formats.registry import FORMATS
from headrace.exporters.objective import Objective
from tests.corpus import corpus


@pytest.mark.parametrize(
    ("format", "objective"), [(n, o) for n, row in FORMATS.items() for o in row.objectives]
)
def test_every_loss_of_a_page_is_told_in_words(
    adapted: Callable[..., Any], format: str, objective: Objective
) -> None:
    made = adapted(format, corpus(objective), objective)
    for loss in made.loss.losses:
        told = words(loss.code)
        assert told is not None, loss.code
        assert f"`{loss.code}`, {loss.count} rows: {told}" in made.files["HOWTO.md"]


def test_every_harmless_loss_has_words_and_a_detail_goes_before_its_kind() -> None:
    assert None not in map(words, HARMLESS)
    assert words("row_skipped:same_ids") == "two calls of a turn have one id"
    assert words("text_dropped:outer_whitespace") == words("text_dropped")
    assert words("unheard_of") is None
