"""The default model, loaded once."""

import pytest

from headrace.curate.semantic.encoder import Encoder
from headrace.curate.semantic.weights import MODEL


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder.of(MODEL)
