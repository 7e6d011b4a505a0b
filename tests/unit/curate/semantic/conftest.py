"""The default model, loaded once; and vectors of words, for tests that ask for no meaning."""

from collections.abc import Sequence

import numpy as np
import pytest

from headrace.curate import unit
from headrace.curate.semantic.encoder import Encoder, Vectors
from headrace.curate.semantic.weights import MODEL, Weights


class WordEncoder(Encoder):
    """A text is the mean of the random vectors of its words."""

    def __init__(self, name: str = "words") -> None:
        weights = Weights.of(MODEL, "fp32")
        super().__init__(weights)
        self._name = name
        self.read: list[str] = []  # every text that was encoded

    @property
    def recipe(self) -> str:
        return self._name

    def encode(self, texts: Sequence[str], workers: int | None = 1) -> Vectors:
        self.read += texts
        return np.array([self._mean(text) for text in texts], np.float32).reshape(-1, 32)

    def _mean(self, text: str) -> Vectors:
        mean = np.mean([_drawn(self._name, word) for word in unit.words(text)], axis=0)
        rounded: Vectors = (mean / np.linalg.norm(mean)).astype(np.float16).astype(np.float32)
        return rounded


def _drawn(name: str, word: str) -> Vectors:
    seed = np.frombuffer(f"{name} {word}".encode(), dtype=np.uint8)
    drawn: Vectors = np.random.default_rng(seed.tolist()).normal(size=32).astype(np.float32)
    return drawn


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder.of(MODEL)


@pytest.fixture
def words() -> WordEncoder:
    return WordEncoder()
