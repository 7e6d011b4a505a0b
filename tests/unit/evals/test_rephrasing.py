"""What a model says of two requests is yes, no or nothing; one is asked where a project says so."""

from pathlib import Path

import pytest
from inspect_ai.model import ChatMessage, ModelOutput, ModelUsage, get_model

from headrace.evals.errors import EvalError
from headrace.evals.rephrasing import RephrasingJudge, rephrasing_judge
from headrace.lake.settings import Settings

QUALITY = '[judges.quality]\nmodel = "mockllm/model"\n'


def output(answer: str) -> ModelOutput:
    """With its usage set: the mock would download a tokenizer to count."""
    made = ModelOutput.from_content("mockllm/model", answer)
    made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return made


def answering(*answers: str) -> RephrasingJudge:
    outputs = [output(answer) for answer in answers]
    return RephrasingJudge(get_model("mockllm/model", custom_outputs=outputs, memoize=False))


@pytest.mark.parametrize(
    ("answer", "same"),
    [
        ("Both want a refund.\nSAME: yes", True),
        ("One asks for 3, one for 4.\n**SAME: No**", False),
        ("SAME: yes\nNo, the dates differ.\nSAME: no", False),
        ("They look alike.", None),
        ("", None),
    ],
)
def test_the_last_verdict_counts_and_none_is_made_up(answer: str, same: bool | None) -> None:
    assert answering(answer).same([("Refund me", "I want my money back")]) == [same]


def test_a_model_that_fails_on_one_pair_answers_the_others_in_order() -> None:
    def about(messages: list[ChatMessage], *_: object) -> ModelOutput:
        if "lost" in messages[-1].text:
            raise ConnectionError("no network")
        return output("SAME: yes" if "refund" in messages[-1].text else "SAME: no")

    judge = RephrasingJudge(get_model("mockllm/model", custom_outputs=about, memoize=False))
    pairs = [("refund", "a"), ("lost", "b"), ("weather", "c")]
    assert judge.same(pairs) == [True, None, False]


def home(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "headrace.toml").write_text(text)
    return Settings.load(tmp_path)


def test_a_project_names_one_of_its_judges(tmp_path: Path) -> None:
    settings = home(tmp_path, QUALITY + '[projects.shop]\njudge_similar = "quality"\n')
    assert rephrasing_judge(settings, "other") is None
    found = rephrasing_judge(settings, "shop")
    assert found is not None
    assert found.judge_hash == found.judge_hash != answering().judge_hash


def test_a_judge_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    settings = home(tmp_path, 'judge_similar = "qualiti"\n' + QUALITY)
    with pytest.raises(EvalError, match=r"judge_similar.*'qualiti', there are: quality"):
        rephrasing_judge(settings, "shop")
