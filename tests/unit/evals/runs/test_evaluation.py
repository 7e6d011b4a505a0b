"""How patiently a run is made: what makes no sense is refused with its name."""

from typing import Any

import pytest

from headrace.evals.errors import EvalError
from headrace.evals.runs.evaluation import Terms


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": -1},
        {"limit": -1},
        {"time_limit": -5},
        {"connections": -1},
        {"request_timeout": -1},
        {"retries": -1},
        {"request_retries": -1},
    ],
)
def test_terms_that_make_no_sense_are_named(wrong: dict[str, Any]) -> None:
    [name] = wrong
    with pytest.raises(EvalError, match=name.removeprefix("request_")):
        Terms(**wrong)


def test_no_retries_is_a_choice() -> None:
    assert Terms(retries=0, request_retries=0).retries == 0
