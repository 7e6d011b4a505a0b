from pathlib import Path

import pytest
from typer.testing import CliRunner

from headrace.console import cli
from headrace.ingest import sidecar
from headrace.lake.settings import Settings

RUNNER = CliRunner()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings with which the sidecar was asked to serve."""
    asked: list[Settings] = []
    monkeypatch.setattr(sidecar, "serve", asked.append)
    return asked


@pytest.mark.parametrize(
    ("words", "environment", "host", "port"),
    [
        ((), {}, "127.0.0.1", 4318),
        (("--port", "0"), {}, "127.0.0.1", 0),
        (("--port", "65535"), {}, "127.0.0.1", 65535),
        (("--host", "::1"), {}, "::1", 4318),
        ((), {"HEADRACE_PORT": "5000", "HEADRACE_HOST": "0.0.0.0"}, "0.0.0.0", 5000),
        (("--port", "6000"), {"HEADRACE_PORT": "5000"}, "127.0.0.1", 6000),
    ],
)
def test_an_option_goes_before_the_environment_and_that_before_the_default(
    served: list[Settings],
    tmp_path: Path,
    words: tuple[str, ...],
    environment: dict[str, str],
    host: str,
    port: int,
) -> None:
    ran = RUNNER.invoke(cli.app, ["serve", "--home", str(tmp_path), *words], env=environment)
    assert ran.exit_code == 0, ran.output
    [settings] = served
    assert (settings.host, settings.port, settings.home) == (host, port, tmp_path)


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_there_is_not_is_a_usage_error(served: list[Settings], port: str) -> None:
    ran = RUNNER.invoke(cli.app, ["serve", "--port", port])
    assert (ran.exit_code, served) == (2, [])
    assert "--port" in ran.output
