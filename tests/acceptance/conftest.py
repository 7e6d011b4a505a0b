"""The wheel in a fresh environment, without the checkout and without development tools."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from datetime import UTC, datetime
from importlib.metadata import Distribution, distribution, distributions
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from headrace.console.sample import observed_tools, taubench

ROOT = Path(__file__).parent.parent.parent


def run(*words: str | Path, cwd: Path, environment: dict[str, str]) -> str:
    """The standard output of a command that must succeed."""
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def declared(root: Distribution, extra: str) -> list[Distribution]:
    """What a distribution with an extra needs, and what that needs, as it is installed here."""
    known = {canonicalize_name(root.name): root}
    seen = {(canonicalize_name(root.name), extra)}
    waiting = list(seen)
    while waiting:
        name, of_extra = waiting.pop()
        for wanted in map(Requirement, known[name].requires or ()):
            if wanted.marker and not wanted.marker.evaluate({"extra": of_extra}):
                continue
            needed = canonicalize_name(wanted.name)
            known.setdefault(needed, distribution(wanted.name))
            more = {(needed, each) for each in ("", *wanted.extras)} - seen
            seen |= more
            waiting += more
    return [one for one in known.values() if one is not root]


def link(installed: Distribution, site: Path) -> None:
    """Put the files of a distribution into another site-packages, compiled as they are here.

    Its scripts are left out.
    """
    assert installed.files, installed.name
    for file in installed.files:
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        source, target = Path(str(file.locate())), site / file
        place(source, target)
        compiled = Path(cache_from_source(str(source)))
        if source.suffix == ".py" and compiled.exists():
            place(compiled, target.parent / "__pycache__" / compiled.name)


def place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)


@pytest.fixture(scope="session")
def bare() -> dict[str, str]:
    """An environment without anything that points to this checkout or to a Headrace home."""
    drop = re.compile("PYTHONPATH|VIRTUAL_ENV|HEADRACE_.*|PREFECT_.*|INSPECT_.*")
    return {key: value for key, value in os.environ.items() if not drop.fullmatch(key)}


@pytest.fixture(scope="session")
def headrace(tmp_path_factory: pytest.TempPathFactory, bare: dict[str, str]) -> Path:
    """The command `headrace`, installed from the built wheel beside what its extras declare.

    What is declared is linked from the environment of the tests, as to download and unpack it
    takes minutes; whatever else is installed there stays out of reach.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    run(*build, cwd=ROOT, environment=bare)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "env", symlinks=True)
    pip = (sys.executable, "-m", "pip", "--python", folder / "env" / "bin" / "python")
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps")
    run(*pip, "install", *quiet, wheel, cwd=folder, environment=bare)
    [site] = (folder / "env").glob("lib/python*/site-packages")
    [installed] = distributions(path=[str(site)])
    for needed in declared(installed, "all"):
        link(needed, site)
    return folder / "env" / "bin" / "headrace"


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with the files that the pages speak of, and rooms of the same names."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("lake", "ingest", "evals", "flows"):  # a user's own folders must not be taken
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise RuntimeError('not this one')\n")
    shutil.copytree(ROOT / "tests" / "fixtures" / "shapes", folder, dirs_exist_ok=True)
    runs = list(taubench(datetime(2026, 1, 1, tzinfo=UTC)))
    tools = observed_tools(runs)
    with (folder / "runs.jsonl").open("w") as file:
        for one in runs:
            row = {"task": one.task, "reward": float(one.success), "tools": tools}
            file.write(json.dumps({**row, "messages": one.messages}) + "\n")
    with (folder / "scores.jsonl").open("w") as file:
        for release in range(4):
            for case in range(30):
                value = None if case == 7 else float((case + release) % 3 == 0)
                row = {"release": f"r{release}", "case_id": f"c{case}", "value": value}
                file.write(json.dumps(row) + "\n")
    with (folder / "cases.jsonl").open("w") as file:
        for number in range(30):
            row = {
                "id": f"q{number}",
                "question": f"What is {number} + 1?",
                "answer": str(number + 1),
            }
            file.write(json.dumps(row) + "\n")
    (folder / "runs.jsonl.gz").write_bytes(gzip.compress((folder / "runs.jsonl").read_bytes()))
    return folder


@pytest.fixture(scope="session")
def demo(headrace: Path, desk: Path, bare: dict[str, str]) -> str:
    """What `headrace demo` of the wheel prints; it leaves `demo-out` on the desk."""
    return run(headrace, "demo", cwd=desk, environment=bare)
