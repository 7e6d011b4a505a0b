from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any, NamedTuple

import pytest

from headrace.curate.conversation import Conversation
from headrace.curate.pairs.reason import REASONS
from headrace.exporters.eligibility import Finding, Standing
from headrace.exporters.pair import Made, Mined, pairs
from headrace.exporters.reason import ADVICE
from headrace.exporters.row import Row
from headrace.exporters.rowfile import RowFile
from headrace.lake.message import Body

Make = Callable[..., Conversation]
Known = Callable[..., Standing]
Say = Callable[..., Body]

MADE = Made(chosen="e1", rejected="f1", turn=4)


@pytest.fixture
def failed(episode: Make, talk: Callable[[], list[Body]], said: Say) -> Conversation:
    """The plain episode but for its last answer, and a failure."""
    messages = [*talk()[:4], said("assistant", "No")]
    return episode("f1", messages=messages, resolution="failure")


class Pairing(NamedTuple):
    rows: tuple[Row, ...]
    alone: Mapping[str, Finding]


@pytest.fixture
def paired(standing: Known) -> Callable[..., Pairing]:
    """The rows of pairs from episodes that are fit, all on one side unless told otherwise."""

    def pairing(found: Mined, *episodes: Conversation, **split: str) -> Pairing:
        fit = {
            one.episode_id: standing(split=split.get(one.episode_id, "train")) for one in episodes
        }
        rows = RowFile()
        alone = pairs(
            found,
            fit,
            lambda names: [one for one in episodes if one.episode_id in names],
            "dpo",
            rows,
        )
        return Pairing(tuple(rows), alone)

    return pairing


def reasons(pairing: Pairing) -> dict[str, str]:
    return {name: found.reason for name, found in pairing.alone.items()}


def test_a_row_is_cut_where_the_two_part(
    episode: Make, failed: Conversation, paired: Callable[..., Pairing]
) -> None:
    [row] = paired(Mined(pairs=(MADE,)), episode(), failed).rows
    assert [message["role"] for message in row.prompt] == ["system", "user", "assistant", "tool"]
    assert row.chosen == ({"role": "assistant", "content": "Done"},)
    assert row.rejected == ({"role": "assistant", "content": "No"},)
    assert (row.episode_ids, row.split) == (("e1", "f1"), "train")


def test_what_should_have_been_said_stands_against_what_was(
    failed: Conversation, said: Say, paired: Callable[..., Pairing]
) -> None:
    made = Made(chosen="f1", rejected="f1", turn=4, corrected=said("assistant", "You are paid"))
    [row] = paired(Mined(pairs=(made,)), failed).rows
    assert row.chosen == ({"role": "assistant", "content": "You are paid"},)
    assert row.rejected == ({"role": "assistant", "content": "No"},)
    assert row.episode_ids == ("f1",)


@pytest.mark.parametrize("text", ["No", " No\n"])
def test_a_correction_that_says_what_was_said_makes_no_row(
    failed: Conversation, said: Say, paired: Callable[..., Pairing], text: str
) -> None:
    made = Made(chosen="f1", rejected="f1", turn=4, corrected=said("assistant", text))
    found = paired(Mined(pairs=(made,)), failed)
    assert found.rows == ()
    assert reasons(found) == {"f1": "pair_out_of_date"}


def test_a_correction_calls_no_tool_that_is_unknown(
    failed: Conversation, called: Say, paired: Callable[..., Pairing]
) -> None:
    for name, rows in (("refund", 1), ("burn", 0)):
        made = Made(chosen="f1", rejected="f1", turn=4, corrected=called(name=name))
        assert len(paired(Mined(pairs=(made,)), failed).rows) == rows


def test_a_partner_that_cannot_be_exported_leaves_the_other_alone(
    episode: Make, paired: Callable[..., Pairing]
) -> None:
    found = paired(Mined(pairs=(MADE,)), episode())
    assert found.rows == ()
    assert found.alone == {"e1": Finding(reason="partner_left_out", because_of="f1")}


@pytest.mark.parametrize(
    "change",
    [
        {"resolution": "success"},
        {"tools": ()},
        {"trainable": (False,) * 5},
        {"messages": [{"role": "user", "content": "My money back"}]},
    ],
)
def test_a_pair_whose_episodes_have_changed_makes_no_row(
    episode: Make, failed: Conversation, paired: Callable[..., Pairing], change: dict[str, Any]
) -> None:
    given = {"messages": list(failed.messages), "resolution": "failure", **change}
    found = paired(Mined(pairs=(MADE,)), episode(), episode("f1", **given))
    assert found.rows == ()
    assert reasons(found) == {"e1": "pair_out_of_date", "f1": "pair_out_of_date"}


def test_another_prompt_and_the_same_answer_make_no_row(
    episode: Make, failed: Conversation, talk: Callable[[], list[Body]], said: Say,
    paired: Callable[..., Pairing],
) -> None:  # fmt: skip
    asked = [talk()[0], said("user", "Other"), *failed.messages[2:]]
    for messages in (asked, talk()):
        other = episode("f1", messages=messages, resolution="failure")
        assert paired(Mined(pairs=(MADE,)), episode(), other).rows == ()


def test_sides_of_the_split_never_meet(
    episode: Make, failed: Conversation, paired: Callable[..., Pairing]
) -> None:
    assert paired(Mined(pairs=(MADE,)), episode(), failed, e1="test").rows == ()


@pytest.mark.parametrize("order", list(permutations("123")))
def test_pairs_that_say_the_same_make_one_row_and_the_others_name_it(
    episode: Make, failed: Conversation, paired: Callable[..., Pairing], order: tuple[str, ...]
) -> None:
    bad = {"messages": list(failed.messages), "resolution": "failure"}
    talks = [talk for i in order for talk in (episode(f"e{i}"), episode(f"f{i}", **bad))]
    made = tuple(Made(chosen=f"e{i}", rejected=f"f{i}", turn=4) for i in order)
    found = paired(Mined(pairs=made), *talks)
    assert [row.episode_ids for row in found.rows] == [("e1", "f1")]
    told = Finding(reason="duplicate", because_of="e1")
    assert found.alone == dict.fromkeys(("e2", "f2", "e3", "f3"), told)


def test_the_reason_of_the_night_is_told_and_without_one_that_no_night_was(
    episode: Make, failed: Conversation, paired: Callable[..., Pairing]
) -> None:
    told = Mined(alone={"e1": Finding(reason="slots_differ", because_of="f1")})
    assert paired(told, episode(), failed).alone == {
        "e1": Finding(reason="slots_differ", because_of="f1"),
        "f1": Finding(reason="not_paired"),
    }


def test_every_reason_has_advice() -> None:
    assert {*REASONS, "not_paired", "partner_left_out", "pair_out_of_date"} <= set(ADVICE)
