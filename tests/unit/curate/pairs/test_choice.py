from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.pairs.candidate import candidates
from headrace.curate.pairs.choice import PER_EPISODE, PER_REQUEST, Mined, mine
from headrace.curate.pairs.correction import Correction
from headrace.curate.pairs.dialogue import Dialogue
from headrace.curate.pairs.side import Side
from headrace.lake.message import Body, Message
from tests.unit.curate.pairs.conftest import dialogue, say, side, talk

Told = tuple[Side, str]  # and its last answer


def mined(told: Sequence[Told], *corrections: Correction) -> Mined:
    sides = [one for one, _ in told]
    said: dict[str, Dialogue] = {one.episode_id: dialogue(talk(text)) for one, text in told}
    return mine([one.episode_id for one in sides], candidates(sides), corrections, said)


def reasons(found: Mined) -> dict[str, str]:
    return {name: one.reason for name, one in found.alone.items()}


def correction(one: Side, text: str, turn: int | None = None) -> Correction:
    body: Body = say("assistant", text)
    return Correction(side=one, turn=turn, message=Message.of(body), body=body)


def test_a_pair_is_named_by_its_episodes_and_where_they_part() -> None:
    [one] = mined([(side("g"), "Yes, done"), (side("b", False), "No, sorry")]).pairs
    assert (one.chosen, one.rejected, one.turn, one.kind) == ("g", "b", 4, "across")
    assert (one.p_chosen, one.p_rejected) == (0.95, 0.05)


def test_a_tie_makes_no_pair() -> None:
    found = mined([(side("g"), "Yes, done"), (side("h"), "No, sorry")])
    assert reasons(found) == {"g": "tie", "h": "tie"}
    assert reasons(mined([(side("g"), "Yes, done")])) == {"g": "no_opposite"}


def test_an_episode_is_in_two_pairs_and_a_request_in_four() -> None:
    good = [(side(f"g{i}"), f"yes, number {i}") for i in range(4)]
    bad = [(side(f"b{i}", False), f"no, nothing {i}") for i in range(4)]
    found = mined([*good, *bad])
    names = Counter(name for one in found.pairs for name in one.names)
    assert len(found.pairs) == PER_REQUEST
    assert max(names.values()) == PER_EPISODE
    assert set(reasons(found).values()) == {"over_cap"}
    assert names.keys() | found.alone.keys() == {one.episode_id for one, _ in (*good, *bad)}


def test_answers_that_won_here_and_lost_there_teach_nothing() -> None:
    found = mined(
        [
            (side("g"), "Yes, done"),
            (side("b", False), "No, sorry"),
            (side("h"), "No, sorry"),
            (side("c", False), "Yes, done"),
        ]
    )
    assert found.pairs == ()
    assert set(reasons(found).values()) == {"both_labels"}


def test_a_pair_of_the_same_texts_is_kept_once() -> None:
    found = mined(
        [(side("g"), "Yes, done"), (side("h"), "Yes, done"), (side("b", False), "No, no")]
    )
    assert [one.names for one in found.pairs] == [{"g", "b"}]
    assert reasons(found) == {"h": "duplicate"}


def test_what_should_have_been_said_goes_before_what_another_said() -> None:
    one = side("b", False)
    found = mined([(side("g"), "Yes, done"), (one, "No, sorry")], correction(one, "You are paid"))
    assert [pair.kind for pair in found.pairs] == ["correction", "across"]
    first = found.pairs[0]
    assert (first.chosen, first.rejected, first.turn) == ("b", "b", 4)
    assert first.correction == Message.of(say("assistant", "You are paid")).hash


def test_a_correction_that_pairs_with_nothing_is_told() -> None:
    one = side("b", False)
    for given_, expected in [
        (correction(side("b"), "You are paid"), "disputed"),
        (correction(one, "no,  SORRY"), "identical"),
        (correction(one, "Done", turn=1), "not_trained"),
        (correction(one, "Done", turn=-1), "not_trained"),
        (correction(one, "No, sorry, I really can not do anything"), "length_only"),
    ]:
        found = mined([(given_.side, "No, sorry")], given_)
        assert (found.pairs, reasons(found)) == ((), {"b": expected})


ENDS = st.tuples(
    st.sampled_from(["yes, I will", "no, I can not", "please wait", "thanks a lot"]),
    st.booleans(),
    st.sampled_from(["train", "test"]),
    st.sampled_from(["w", "v"]),
    st.sampled_from(["m-1", "m-2"]),
    st.sampled_from([None, "c"]),
)


@given(told=st.lists(ENDS, max_size=14), data=st.data())
def test_pairs_hold_their_promises_in_any_order(told: list[Any], data: st.DataObject) -> None:
    runs = [
        (
            side(f"e{i}", good, split=split, wording=wording, model=model, conversation_id=talked),
            text,
        )
        for i, (text, good, split, wording, model, talked) in enumerate(told)
    ]
    found = mined(runs)
    assert mined(data.draw(st.permutations(runs))) == found
    names = Counter(name for one in found.pairs for name in one.names)
    assert len(found.pairs) <= PER_REQUEST
    assert max(names.values(), default=0) <= PER_EPISODE
    assert names.keys() | found.alone.keys() == {one.episode_id for one, _ in runs}
    assert not names.keys() & found.alone.keys()
    by_name = {one.episode_id: (one, text) for one, text in runs}
    for one in found.pairs:
        (good, yes), (bad, no) = by_name[one.chosen], by_name[one.rejected]
        assert good.good and not bad.good and yes != no
        assert (good.split, good.wording) == (bad.split, bad.wording)
