"""A state of a sample as Inspect would hand it to a solver."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from inspect_ai.model import ModelName
from inspect_ai.solver import TaskState

from headrace.evals.solvers.chat import chat
from tests.served import serving

ASK = {"role": "user", "content": "Where?"}


@pytest.fixture
def state() -> Callable[..., TaskState]:
    def made(**metadata: Any) -> TaskState:
        return TaskState(
            model=ModelName("none/none"),
            sample_id="c1",
            epoch=2,
            input=chat([ASK]),
            messages=chat([ASK]),
            metadata={"messages": [ASK], "tools": None, "cluster": "acme", **metadata},
        )

    return made


@pytest.fixture
def server() -> Iterator[Any]:
    """`answers` are given in their order, the last one again and again."""
    with serving("/agent") as made:
        made.answer = lambda _: made.answers[min(len(made.asked), len(made.answers)) - 1]
        yield made
