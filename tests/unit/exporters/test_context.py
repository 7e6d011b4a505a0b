import pytest

from headrace.exporters.formats.context import context, lessons, question, wants_calls
from headrace.exporters.formats.loss import HARMLESS
from headrace.lake.message import Body
from tests.flat_talk import USER, YES, ask, result, row


def test_calls_in_a_prompt_are_told_as_read_and_not_as_trained() -> None:
    codes: list[str] = []
    context((USER, ask("c"), result("c", name="find")), None, codes.append)
    assert set(codes) == {"context_flattened", "name_dropped"} and set(codes) <= HARMLESS


@pytest.mark.parametrize(
    ("scorer", "codes"),
    [
        ("match", set()),
        ("tool_calls", {"calls_flattened"}),
        ("tool_calls:names", {"calls_flattened"}),
        ("tool_calls@2:names", {"calls_flattened"}),
    ],
)
def test_a_policy_that_has_to_call_is_trained_on_calls_in_text(
    scorer: str, codes: set[str]
) -> None:
    told: list[str] = []
    asked = row("rl", [USER], scorer=scorer)
    assert question(asked, told.append) == [USER]
    assert set(told) == codes and wants_calls(asked) == bool(codes)
    assert "calls_flattened" not in HARMLESS


@pytest.mark.parametrize("prompt", [[], [USER, YES], [ask("c")]])
def test_a_task_in_which_it_is_not_the_turn_of_the_policy_is_left_out(prompt: list[Body]) -> None:
    told: list[str] = []
    assert question(row("rl", prompt, scorer="tool_calls"), told.append) is None
    assert told == ["row_skipped:role_order"]


def test_each_trained_turn_ends_a_conversation_of_all_before_it() -> None:
    told: list[str] = []
    prompt = [USER, YES, USER, ask("c"), result("c")]
    marks = (False, False, False, True, False, True)
    made = lessons(row("sft", prompt, trainable=marks), told.append)
    assert [len(messages) for messages in made] == [4, 6]
    assert [messages[-1]["role"] for messages in made] == ["assistant", "assistant"]
    assert set(told) == {"mask_unrolled", "calls_flattened", "context_flattened"}
