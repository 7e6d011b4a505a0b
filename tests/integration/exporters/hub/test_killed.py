"""The command as a process of its own, with the token and the address from its environment."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Protocol

import pytest

from headrace.exporters import dataset
from headrace.lake import Lake
from tests.hub import Hub
from tests.hub_store import Refusal
from tests.integration.exporters.hub.conftest import NOW, REPO

Command = Callable[..., subprocess.Popen[str]]


class Stock(Protocol):
    lake: Lake


@pytest.fixture
def command(hub: Hub, tmp_path: Path) -> Command:
    """`headrace dataset push` on the lake of a home."""

    def start(place: Path, home: Path, **environment: str) -> subprocess.Popen[str]:
        words = ["-m", "headrace.console", "dataset", "push", str(place), REPO]
        given = {
            **os.environ,
            "HF_ENDPOINT": hub.address,
            "HF_TOKEN": "hf_writes",
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            **environment,
        }
        return subprocess.Popen(
            [sys.executable, *words, "--home", str(home)],
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.mark.parametrize("match", ["POST .*/commit/main", "POST .*/tag/"])
def test_a_killed_push_is_finished_by_the_same_command(
    hub: Hub, command: Command, shop: Stock, tmp_path: Path, match: str
) -> None:
    built = dataset.build(shop.lake, "shop", "refunds", "sft", out=tmp_path / "set", now=NOW)
    home, killed = shop.lake.settings.home, list[subprocess.Popen[str]]()

    def kill() -> NoReturn:
        """And what it had asked for is not done."""
        killed[0].send_signal(signal.SIGKILL)
        raise Refusal(503, "nobody waits for this")

    hub.before(match, kill)
    killed.append(command(built.path, home))
    killed[0].communicate()
    assert killed[0].returncode == -signal.SIGKILL
    assert dataset.listed(shop.lake, "shop")[0].hub_repo is None

    out, err = (again := command(built.path, home)).communicate()
    assert (again.returncode, err) == (0, "")
    [commit] = hub.commits(REPO)
    assert hub.store.repos[REPO].tags == {built.version: commit.oid}
    assert f'load_dataset("{REPO}", "sft", revision="{built.version}")' in out
    [known] = dataset.listed(shop.lake, "shop")
    assert (known.hub_repo, known.hub_revision) == (REPO, commit.oid)


def test_a_wrong_token_is_one_line_and_never_printed(
    hub: Hub, command: Command, sets: Any, tmp_path: Path
) -> None:
    ran = command(sets("sft"), tmp_path / "none", HF_TOKEN="hf_wrongwrongwrong")
    out, err = ran.communicate()
    assert (ran.returncode, out) == (1, "")
    assert err.startswith("error: the Hub does not know this token: run `hf auth login`")
    assert err.count("\n") == 1
    assert "hf_wrong" not in err
