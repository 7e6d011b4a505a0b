"""One lake for the tests of a file, as it takes long to make; each has rows of its own."""

from collections.abc import Iterator

import pytest

from headrace.lake import Lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("lake")) as opened:
        yield opened
