import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.evals.races.contender import Contender, ContenderUnfit, contenders
from headrace.lake.record import Case

FILE = """
[candidates.short]
model = "openai/gpt-4.1"
system = "prompts/short.md"
params = { temperature = 0.2 }

[candidates.tuned]
model = "support-7b-800"
base_url = "http://localhost:8000/v1"
api_key_env = "VLLM_KEY"

[candidates.agent]
agent = "shop.agent:answer"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "short.md").write_text("Be short.\n")
    path = tmp_path / "race.toml"
    path.write_text(FILE)
    return path


def case(*messages: tuple[str, str]) -> Case:
    body = {"messages": [{"role": r, "content": c} for r, c in messages], "tools": None}
    return Case(
        project="p",
        suite="s",
        case_id="c",
        input=json.dumps(body),
        scorer="match",
        content_hash="h",
        added_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_a_name_is_a_model_and_a_toml_file_holds_several(file: Path) -> None:
    found = contenders(["openai/gpt-5", str(file)])
    assert [contender.name for contender in found] == ["openai/gpt-5", "short", "tuned", "agent"]
    plain, short, tuned, agent = found
    assert plain.model == "openai/gpt-5"
    assert (short.system, short.params) == ("Be short.", {"temperature": 0.2})
    assert (tuned.base_url, tuned.api_key_env) == ("http://localhost:8000/v1", "VLLM_KEY")
    assert (agent.model, agent.agent) == (None, "shop.agent:answer")


def test_the_file_that_the_docs_show_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "race.md").read_text()
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "short.md").write_text("Be short.")
    file = tmp_path / "candidates.toml"
    file.write_text(page.partition("```toml\n")[2].partition("```")[0])
    assert [c.name for c in contenders([str(file)])] == ["short-prompt", "step-800", "agent"]


def test_a_prompt_takes_the_place_of_every_system_message() -> None:
    told = Contender(name="n", model="m", system="Be short.").ask(
        case(("system", "Be kind."), ("developer", "Be quick."), ("user", "Hi"))
    )
    assert json.loads(told.input)["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Hi"},
    ]


def test_without_a_prompt_a_case_is_asked_as_it_is() -> None:
    asked = case(("system", "Be kind."), ("user", "Hi"))
    assert Contender(name="n", model="m").ask(asked) is asked


def test_the_identity_is_that_of_the_settings_not_of_the_name() -> None:
    one = Contender(name="a", model="m", system="x")
    assert one.identity == Contender(name="b", model="m", system="x").identity
    assert one.identity != Contender(name="a", model="m", system="y").identity
    assert one.identity != Contender(name="a", model="m", system="x", params={"seed": 1}).identity


@pytest.mark.parametrize(
    "text, said",
    [
        ("[candidates.a", "is no TOML"),
        ("[others.a]\nmodel = 'm'", "names no candidates"),
        ("[candidates.a]\nmodle = 'm'", "'a'.*modle"),
        ("[candidates.a]\nmodel = 3", "'a'.*str"),
        ("[candidates.a]\nparams = {}", "'a' needs a model or an agent"),
        ("[candidates.a]\nmodel = 'm'\nsystem = 'gone.md'", "gone.md cannot be read"),
        ("[candidates.a]\nmodel = 'm'\nsystem = 'empty.md'", "empty.md is empty"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "empty.md").write_text(" \n")
    file = tmp_path / "race.toml"
    file.write_text(text)
    with pytest.raises(ContenderUnfit, match=said):
        contenders([str(file)])


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ContenderUnfit, match="nowhere.toml cannot be read"):
        contenders(["nowhere.toml"])
