"""Personal data on their way into a case: none arrives."""

import json
from typing import Any

import pytest

from headrace.curate.scrubbing import scrub
from headrace.evals.case import build, cases
from headrace.evals.cases.intent import intents
from headrace.evals.errors import NoEvalEpisodes, NotPromoted
from headrace.evals.promotion import promote

EMAIL = "jane.roe@gmail.com"
TALK = [
    {"role": "user", "content": f"I am {EMAIL}. Where is my order?"},
    {"role": "tool", "tool_call_id": "c", "content": json.dumps({"customer": {"name": "Jane"}})},
    {"role": "assistant", "content": f"On its way, Jane, I wrote to {EMAIL}."},
]
ABOUT = {"slice": f"of {EMAIL}", "intent": f"ask {EMAIL}", "reference": f"Jane, see {EMAIL}"}


def told(product: Any) -> str:
    build(product.lake, product.project, now=product.now)
    found = cases(product.lake, product.project, "production")
    assert len(found) == 1
    asked = intents(product.lake, product.project)
    return "\n".join(map(str, [*found, *asked]))


@pytest.mark.parametrize("resolution", ["success", "failure"])
@pytest.mark.parametrize("corrected", [False, True])
def test_no_personal_data_reach_a_case(product: Any, resolution: Any, corrected: bool) -> None:
    product.episode("e1", messages=TALK, resolution=resolution, metadata=ABOUT, scrubbed=False)
    scrub(product.lake, product.project, now=product.now)
    if corrected:
        product.correct("episode", "e1", f"It left today, Jane; mail {EMAIL}")
    text = told(product)
    assert "@example.com" in text
    assert EMAIL not in text
    assert "Jane" not in text
    if corrected:
        assert "It left today, " in text


def test_a_case_is_grown_from_a_scrubbed_episode_alone(product: Any) -> None:
    product.episode("e1", messages=TALK, scrubbed=False)
    with pytest.raises(NoEvalEpisodes):
        build(product.lake, product.project, now=product.now)
    with pytest.raises(NotPromoted, match=r"'e1' is not scrubbed.*headrace nightly"):
        promote(product.lake, product.project, "e1", now=product.now)
    scrub(product.lake, product.project, now=product.now)
    assert build(product.lake, product.project, now=product.now).added == 1
