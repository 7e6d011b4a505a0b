"""A Hub on loopback with nothing in it, and data sets to push there."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import datasets
import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.hf_file_system import HfFileSystem

from headrace.exporters import dataset
from headrace.lake import Lake
from tests.hub import Hub, serving

NOW = datetime(2026, 3, 2, tzinfo=UTC)
REPO = "mill/refunds"


class Stock(Protocol):
    lake: Lake

    def episode(self, name: str, **fields: Any) -> None: ...


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in; `datasets` and the client of this process ask it."""
    with serving(tmp_path / "hub") as served:
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", served.address)
        template = served.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cached"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
        yield served
    system: Any = HfFileSystem
    system.clear_instance_cache()


@pytest.fixture
def api(hub: Hub) -> HfApi:
    """The client of somebody who may write."""
    return HfApi(endpoint=hub.address, token="hf_writes")


@pytest.fixture
def loaded(hub: Hub, tmp_path: Path) -> Callable[..., set[tuple[str, str]]]:
    """Row ids and sides that `load_dataset` gives a trainer."""

    def load(config: str, revision: str, repo: str = REPO) -> set[tuple[str, str]]:
        found = datasets.load_dataset(
            repo, config, revision=revision, token="hf_writes", cache_dir=str(tmp_path / "cache")
        )
        return {(name, split) for split, rows in found.items() for name in rows["row_id"]}

    return load


@pytest.fixture(scope="module")
def sets(still_shop: Stock, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The folder of a data set by its objective and what else is asked of it, built once."""
    made: dict[tuple[str, ...], Path] = {}

    def built(objective: str, name: str = "refunds", license: str = "other") -> Path:
        asked = (objective, name, license)
        if asked not in made:
            place = tmp_path_factory.mktemp("set") / objective
            dataset.build(
                still_shop.lake, "shop", name, objective, out=place, now=NOW, license=license
            )
            made[asked] = place
        return made[asked]

    return built
