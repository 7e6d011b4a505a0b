"""One lake for all, as it takes long to make, and a project for each test."""

import random
from collections.abc import Iterator

import pytest

from headrace.lake import Lake
from tests.reviewed import Desk


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("lake"), rng=random.Random(1)) as opened:
        yield opened


@pytest.fixture
def desk(lake: Lake, request: pytest.FixtureRequest) -> Desk:
    return Desk(lake, request.node.name)
