"""A model's answer is a name, or nothing."""

from pathlib import Path

import pytest
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from headrace.evals.errors import ModelUnusable
from headrace.evals.naming import ModelNamer, namer_of
from headrace.lake.errors import SettingsError
from headrace.lake.settings import Settings


def answering(*answers: str) -> ModelNamer:
    """With its usage set: the mock would download a tokenizer to count."""
    outputs = [ModelOutput.from_content("mockllm/model", answer) for answer in answers]
    for output in outputs:
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return ModelNamer(get_model("mockllm/model", custom_outputs=outputs, memoize=False))


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("cancel a reservation", "cancel a reservation"),
        ('\n"Cancel a Reservation."\nBecause they all ask it.', "cancel a reservation"),
        ("**change seat/bag**", "change seat/bag"),
        ("These users would all like to cancel something that they booked", None),
        ("", None),
        ("...", None),
    ],
)
def test_an_answer_is_a_short_name_or_nothing(answer: str, name: str | None) -> None:
    assert answering(answer)(["cancel <id>"]) == name


def test_a_model_that_fails_names_nothing() -> None:
    def fails(*_: object) -> ModelOutput:
        raise ConnectionError("no network")

    namer = ModelNamer(get_model("mockllm/model", custom_outputs=fails, memoize=False))
    assert namer(["cancel <id>"]) is None


def test_the_model_is_named_as_inspect_names_it() -> None:
    assert answering("x").model == "mockllm/model"


def home(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "headrace.toml").write_text(text)
    return Settings.load(tmp_path)


def test_a_project_may_set_up_a_model(tmp_path: Path) -> None:
    settings = home(tmp_path, '[projects.shop.intents]\nmodel = "mockllm/model"\n')
    found = namer_of(settings, "shop")
    assert found is not None
    assert found.model == "mockllm/model"
    assert namer_of(settings, "other") is None


def test_a_table_that_cannot_be_used_is_refused_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[intents\]: .*`modell`.*model = 'openai"):
        namer_of(home(tmp_path, '[intents]\nmodell = "mockllm/model"\n'), "shop")
    with pytest.raises(ModelUnusable, match="PROVIDER/MODEL"):
        namer_of(home(tmp_path, '[intents]\nmodel = "nobody"\n'), "shop")
