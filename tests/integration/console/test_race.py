"""`headrace eval race` as people call it, with a provider that lives in this process."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import ModelAPI, ModelOutput, ModelUsage, modelapi
from typer.testing import CliRunner

from headrace.console.cli import app
from headrace.lake.message import digest, dump
from headrace.lake.record import Case
from headrace.lake.store import Lake

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@modelapi("parrot")
def parrot() -> type[ModelAPI]:
    """`parrot/90` repeats 90 % of the numbers that it is told; the same ones for everybody."""

    class Parrot(ModelAPI):
        async def generate(self, input: Any, *_: Any, **__: Any) -> ModelOutput:
            text = input[-1].text
            sure = int(digest(text)[:8], 16) % 100 < int(self.model_name)
            output = ModelOutput.from_content(self.model_name, text if sure else "what?")
            output.usage = ModelUsage(
                input_tokens=5, output_tokens=3, total_tokens=8, total_cost=0.01
            )
            return output

    return Parrot


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("race") / "home"
    rows = [case(number) for number in range(60)]
    with Lake.open(home) as lake:
        lake.write(lambda tx: tx.append("cases", rows))
    return home


def case(number: int) -> Case:
    question = dump({"messages": [{"role": "user", "content": str(number)}], "tools": None})
    return Case(
        project="default",
        suite="s",
        case_id=f"case{number:03d}",
        input=question,
        target=json.dumps(str(number)),
        scorer="match",
        content_hash=digest(question),
        added_at=NOW,
    )


def call(home: Path, *words: str) -> Any:
    return CliRunner().invoke(
        app, ["eval", "race", *words, "--suite", "s", "--home", str(home)], env={"COLUMNS": "120"}
    )


def test_a_race_is_a_table_and_a_sentence_and_progress_goes_to_stderr(home: Path) -> None:
    done = call(home, "parrot/95", "parrot/5", "--incumbent", "parrot/50", "--delta", "0.05")
    assert done.exit_code == 0, done.output
    rows = [line.split()[:4] for line in done.stdout.splitlines()]
    assert ["parrot/95", "winner", "60", "0"] in rows
    assert ["parrot/5", "futile", "60", "0"] in rows
    assert ["parrot/50", "incumbent", "60", "0"] in rows
    assert re.search(r"\+\d+\.\d to \+\d+\.\d", done.stdout)
    assert "parrot/95 leads; 1 of 2 stopped after 60 of 60 cases" in done.stdout
    assert re.search(r"60 of 60 cases: parrot/95 leads.*stopped: parrot/5", done.stderr)


def test_the_same_command_asks_nobody_again_and_json_is_one_document(home: Path) -> None:
    words = ["parrot/95", "parrot/5", "--incumbent", "parrot/50", "--delta", "0.05", "--json"]
    call(home, *words)
    done = call(home, *words)
    told = json.loads(done.stdout)
    assert told["race"]["recalled"] == 180
    assert told["race"]["leader"] == "parrot/95"
    assert told["race"]["cost_usd"] == "1.80"
    assert told["words"].startswith("parrot/95 leads")
    assert "180 answers stand and are not asked for again" in done.stderr


def test_a_file_names_the_incumbent_too(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "race.toml"
    file.write_text(
        "[candidates.new]\nmodel = 'parrot/90'\n[candidates.old]\nmodel = 'parrot/10'\n"
    )
    done = call(home, str(file), "--incumbent", "old", "--fresh", "0", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["race"]
    assert [placing["name"] for placing in told["candidates"]] == ["new"]
    assert told["incumbent"]["name"] == "old"


@pytest.mark.parametrize(
    "words, said",
    [
        (["parrot/90"], "two candidates, or one and an incumbent"),
        (["parrot/90", "parrot/90"], "stands twice"),
        (["parrot/90", "parrot/80", "--incumbent", "old"], "none of the candidates"),
        (["nobody/x", "parrot/90"], "nobody/x"),
        (["parrot/90", "parrot/10", "--max-cases", "40"], "before 50"),
    ],
)
def test_what_makes_no_race_is_an_error_before_any_question(
    home: Path, words: list[str], said: str
) -> None:
    before = set(home.glob("races/*"))
    done = call(home, *words)
    assert done.exit_code != 0
    assert set(home.glob("races/*")) == before
    assert said in f"{done.output} {done.exception}"
