from collections.abc import Callable
from typing import Any

import pytest

from headrace.exporters.objective import Objective
from tests.corpus import corpus


@pytest.mark.parametrize(
    ("format", "objective"),
    [("axolotl", "sft"), ("prime", "sft"), ("ms-swift", "rl"), ("skyrl", "rl")],
)
@pytest.mark.parametrize("rows", [slice(None), slice(1)])
def test_where_types_are_guessed_the_page_tells_the_cure(
    adapted: Callable[..., Any], format: str, objective: Objective, rows: slice
) -> None:
    page = adapted(format, corpus(objective)[rows], objective).files["HOWTO.md"]
    assert "`Couldn't cast`" in page and "top of the file" in " ".join(page.split())
