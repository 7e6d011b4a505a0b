"""Raw requests and answers of model APIs."""

from typing import Any

import pytest

from headrace.ingest.conventions.raw_body import answered, finish, requested, usage

HI = {"role": "user", "content": "hi"}
SYSTEM = {"role": "system", "content": "be kind"}


@pytest.mark.parametrize(
    ("request_", "messages"),
    [
        ({"messages": [HI]}, [HI]), ({"system": "be kind", "messages": [HI]}, [SYSTEM, HI]),
        ({"instructions": "be kind", "input": "hi"}, [SYSTEM, HI]), ({"input": [HI]}, [HI]),
        ([HI, 7], [HI]), ({"system": "be kind"}, []), ({"messages": {}}, []), ("hi", []),
        (None, []), ({"messages": [[HI]]}, []),
    ],
)  # fmt: skip
def test_a_request_is_its_messages_after_its_instructions(request_: Any, messages: Any) -> None:
    assert requested(request_) == messages


@pytest.mark.parametrize(
    ("response", "output"),
    [
        ({"choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]},
         [{"role": "assistant", "content": "a"}]),
        ({"choices": [{"text": "a"}]}, []),
        ({"output": [{"type": "reasoning"}, 7, {"type": "message"}]},
         [{"type": "reasoning"}, {"type": "message"}]),
        ({"role": "assistant", "content": []}, [{"role": "assistant", "content": []}]),
        ({"content": []}, []), ({"choices": {"a": 1}}, []), (None, []), ([], []),
    ],
)  # fmt: skip
def test_an_answer_is_its_first_choice_its_items_or_its_blocks(response: Any, output: Any) -> None:
    assert answered(response) == output


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"choices": [{"finish_reason": "stop"}]}, "stop"), ({"stop_reason": "refusal"}, "refusal"),
        ({"status": "completed"}, "completed"), ({"status": "in_progress"}, None),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
         "max_output_tokens"),
        ({"choices": [{"finish_reason": 7}]}, None), ({}, None), (None, None),
    ],
)  # fmt: skip
def test_why_an_answer_ended_is_told_in_the_words_of_its_api(response: Any, reason: Any) -> None:
    assert finish(response) == reason


def test_usage_of_both_apis_is_the_same_and_a_missing_figure_is_absent() -> None:
    chat = {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}}
    items = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}}
    assert usage(chat) == usage(items) == {"input_tokens": 9, "cached_tokens": 0}
    assert usage("cut {") == usage(None) == {}
