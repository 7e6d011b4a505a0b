from collections.abc import Callable

import pytest

from headrace.curate.pairs.meeting import meet
from headrace.lake.message import Body
from tests.unit.curate.pairs.conftest import ask, dialogue, say, talk

LATE = "Error: request timed out after 30 s"


def lookup(result: str, id: str = "l1") -> list[Body]:
    return [ask('{"q": "A1"}', name="lookup", id=id), say("tool", result, tool_call_id=id)]


def test_two_answers_to_one_prompt_part_at_the_answer() -> None:
    assert meet(dialogue(talk("Yes, done")), dialogue(talk("No, sorry")), "across") == 4


def test_ids_of_calls_spaces_and_line_ends_make_no_difference() -> None:
    other = [
        say("system", "Be kind.\r\n"),
        say("user", "My money back"),
        ask('{"order_id":"A1"}', id="zz"),
        say("tool", "ok", tool_call_id="zz"),
        say("assistant", "No, sorry"),
    ]
    assert meet(dialogue(talk("Yes, done")), dialogue(other), "across") == 4


def test_other_arguments_are_another_answer() -> None:
    other = talk()
    other[2] = ask('{"order_id": "B2"}')
    assert meet(dialogue(talk()), dialogue(other), "across") == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda m: [m[0], say("user", "Another thing"), *m[2:]], "other_prompt"),
        (lambda m: [*m[:3], say("tool", "no", tool_call_id="c1"), m[4]], "observations_differ"),
        (lambda m: [*m[:3], say("tool", LATE, tool_call_id="c1"), m[4]], "latency_only"),
        (lambda m: m, "identical"),
        (lambda m: [*m[:4], say("assistant", "done. ")], "length_only"),
        (lambda m: [*m[:4], say("assistant", "DONE ")], "identical"),
        (lambda m: [*m[:4], say("assistant", "Done done done done")], "length_only"),
        (lambda m: [*m[:4], say("assistant", "x" * 9)], "length_ratio"),
        (lambda m: [*m[:2], {**m[2], "content": "I look"}, *m[3:]], "wording_only"),
    ],
)
def test_what_teaches_nothing_makes_no_pair(
    change: Callable[[list[Body]], list[Body]], expected: str
) -> None:
    one, other = dialogue(talk()), dialogue(change(talk()))
    assert meet(one, other, "across") == expected
    assert meet(other, one, "across") == expected


def test_one_that_stops_where_a_tool_did_not_answer_in_time_failed_for_that_alone() -> None:
    short = [*talk()[:3], say("tool", LATE, tool_call_id="c1")]
    assert meet(dialogue(talk()), dialogue(short), "across") == "latency_only"


def test_a_turn_that_must_not_train_is_context() -> None:
    marks = [False, False, True, False, False]
    one, other = (dialogue(talk(answer), marks) for answer in ("Yes, done", "No, sorry"))
    assert isinstance(meet(one, other, "across"), str)


def test_other_words_are_no_other_answer_where_the_tool_was_late() -> None:
    """The same call, in time in one of them alone, and then what was said about it."""
    head = [say("user", "My money back")]
    good = [*head, say("assistant", "I look into that"), *lookup("paid"), say("assistant", "Done")]
    bad = [*head, say("assistant", "Let me see it now"), *lookup(LATE), say("assistant", "Sorry")]
    assert meet(dialogue(good), dialogue(bad), "across") == "latency_only"


def test_a_success_on_other_data_says_nothing_about_a_failure() -> None:
    head = [say("user", "My money back")]
    good = [*head, say("assistant", "Which one?"), *lookup("paid"), say("assistant", "Done")]
    bad = [*head, *lookup("unpaid"), say("assistant", "Sorry")]
    assert meet(dialogue(good), dialogue(bad), "across") == "observations_differ"
    assert meet(dialogue(good), dialogue(bad), "replay") == "observations_differ"


def test_a_retry_may_see_what_the_first_try_has_changed() -> None:
    head = [say("user", "My money back")]
    good = [*head, say("assistant", "I look that up now"), *lookup("paid"), say("assistant", "Ok")]
    bad = [*head, say("assistant", "Which order is it?"), *lookup("due"), say("assistant", "Hm")]
    assert meet(dialogue(good), dialogue(bad), "retry") == 1


def test_the_same_calls_and_the_same_last_word_are_the_same_end() -> None:
    head = [say("user", "My money back")]
    tail = [*lookup("paid"), say("assistant", "Done")]
    one = [*head, say("assistant", "Which order is it?"), say("user", "A1"), *tail]
    other = [*head, say("assistant", "What did you buy?"), say("user", "A1"), *tail]
    assert meet(dialogue(one), dialogue(other), "across") == "same_end"
