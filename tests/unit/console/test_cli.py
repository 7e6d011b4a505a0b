import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from headrace.console import cli
from headrace.lake import Lake
from headrace.lake.errors import HeadraceError

RUNNER = CliRunner()
GROUPS = {
    (): cli.COMMANDS,
    ("eval",): cli.EVAL,
    ("dataset",): cli.DATASET,
    ("doctor",): cli.DOCTOR,
    ("key",): cli.KEY,
    ("label",): cli.LABEL,
}
PATHS = [(*group, name) for group, commands in GROUPS.items() for name in commands]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_help_page_ends_with_an_example_of_the_command(path: tuple[str, ...]) -> None:
    shown = RUNNER.invoke(cli.app, [*path, "--help"])
    assert shown.exit_code == 0, shown.output
    assert f"Example: headrace {' '.join(path)}" in " ".join(shown.output.split())


@pytest.mark.parametrize(
    "path", [p for p in PATHS if p not in {("serve",), ("demo",)}], ids=" ".join
)
def test_every_command_that_shows_a_result_can_print_json(path: tuple[str, ...]) -> None:
    shown = RUNNER.invoke(cli.app, [*path, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert "--json" in shown.output


def test_the_table_of_commands_is_what_the_app_has() -> None:
    group = get_command(cli.app)
    names = set(getattr(group, "commands", {}))
    assert names == {*cli.COMMANDS, "eval", "dataset", "doctor", "key", "label"}


def test_the_version_is_that_of_the_package() -> None:
    assert RUNNER.invoke(cli.app, ["--version"]).output.strip() == "0.1.0"


def test_an_unknown_option_is_a_usage_error() -> None:
    assert RUNNER.invoke(cli.app, ["status", "--no-such"]).exit_code == 2


def leave(raises: Exception) -> Callable[[], None]:
    def app() -> None:
        raise raises

    return app


def test_a_refusal_is_one_line_on_stderr_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "app", leave(HeadraceError("no [suite] here: run this")))
    with pytest.raises(SystemExit) as left:
        cli.main()
    captured = capsys.readouterr()
    assert (left.value.code, captured.out) == (1, "")
    assert captured.err == "error: no [suite] here: run this\n"


def test_a_part_that_is_not_installed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = ModuleNotFoundError("No module named 'prefect'", name="prefect.flows")
    monkeypatch.setattr(cli, "app", leave(missing))
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    assert "pip install 'headrace[flows]'" in capsys.readouterr().err


def test_a_broken_module_of_ours_is_not_dressed_up_as_a_missing_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = ModuleNotFoundError("No module named 'headrace.curate.x'", name="headrace.curate.x")
    monkeypatch.setattr(cli, "app", leave(broken))
    with pytest.raises(ModuleNotFoundError):
        cli.main()


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    heavy = ["torch", "prefect", "inspect_ai", "datasets", "altair", "scipy"]
    heavy += ["numpy", "pyarrow", "polars", "structlog"]
    code = f"import sys, headrace.console.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_status_of_a_new_lake_says_what_to_do_next(tmp_path: Path) -> None:
    Lake.open(tmp_path).close()
    shown = RUNNER.invoke(cli.app, ["status", "--home", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "run `headrace nightly`" in shown.output
    assert "no sidecar has run here" in shown.output


def test_status_as_json_is_one_document(tmp_path: Path) -> None:
    Lake.open(tmp_path).close()
    shown = RUNNER.invoke(cli.app, ["status", "--home", str(tmp_path), "--json"])
    document = json.loads(shown.output)
    assert document["projects"] == [] and document["night"] is None and document["spool"] is None


def test_doctor_passes_on_this_machine(tmp_path: Path) -> None:
    shown = RUNNER.invoke(cli.app, ["doctor", "--home", str(tmp_path), "--json"])
    assert shown.exit_code == 0, shown.output
    states = {check["name"]: check["state"] for check in json.loads(shown.output)}
    assert states["duckdb"] == states["lake"] == states["dead letters"] == "ok"


def test_doctor_fails_where_the_lake_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_text("this is no database, and longer than its header" * 9)
    shown = RUNNER.invoke(cli.app, ["doctor", "--home", str(tmp_path), "--json"])
    states = {check["name"]: check["state"] for check in json.loads(shown.output)}
    assert (shown.exit_code, states["lake"]) == (1, "fail")
