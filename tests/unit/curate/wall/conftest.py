"""Vectors of words, for tests that ask for no meaning."""

import pytest

from tests.unit.curate.semantic.conftest import WordEncoder


@pytest.fixture
def words() -> WordEncoder:
    return WordEncoder()
