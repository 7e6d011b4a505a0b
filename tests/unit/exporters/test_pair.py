from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate.conversation import Conversation
from headrace.exporters import pair
from headrace.exporters.eligibility import Standing
from headrace.exporters.pair import (
    PER_CLUSTER,
    PER_EPISODE,
    PER_SIDE,
    REASONS,
    Pairing,
    Side,
    pairs,
    side,
)
from headrace.exporters.reason import ADVICE
from headrace.lake.message import Body

Make = Callable[..., Conversation]
Known = Callable[..., Standing]
Say = Callable[..., Body]

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def mine(standing: Known) -> Callable[..., Pairing]:
    def pairing(*episodes: Conversation, **known: Any) -> Pairing:
        at = standing(**known)
        return pairs(side(episode, at, at.split or "train") for episode in episodes)

    return pairing


@pytest.fixture
def failed(episode: Make, talk: Callable[[], list[Body]], said: Say) -> Conversation:
    """The plain episode but for its last answer, and a failure."""
    messages = [*talk()[:4], said("assistant", "No")]
    return episode("f1", messages=messages, resolution="failure")


def reasons(pairing: Pairing) -> dict[str, str]:
    return {name: found.reason for name, found in pairing.alone.items()}


def test_a_pair_is_cut_at_the_first_turn_that_differs(
    episode: Make, failed: Conversation, mine: Callable[..., Pairing]
) -> None:
    [row] = mine(episode(), failed).rows
    assert [message["role"] for message in row.prompt] == ["system", "user", "assistant", "tool"]
    assert row.chosen == ({"role": "assistant", "content": "Done"},)
    assert row.rejected == ({"role": "assistant", "content": "No"},)
    assert row.episode_ids == ("e1", "f1")


def test_ids_of_calls_spaces_and_line_ends_make_no_difference(
    episode: Make, said: Say, called: Say, mine: Callable[..., Pairing]
) -> None:
    other = [
        said("system", "Be kind.\r\n"),
        said("user", "My money back"),
        called('{"order_id":"A1"}', id="zz"),
        said("tool", "ok", tool_call_id="zz"),
        said("assistant", "Done!"),
    ]
    [row] = mine(episode(), episode("f1", messages=other, resolution="failure")).rows
    assert len(row.prompt) == 4


def test_other_arguments_are_another_answer(
    episode: Make, talk: Callable[[], list[Body]], called: Say, mine: Callable[..., Pairing]
) -> None:
    messages = talk()
    messages[2] = called('{"order_id": "B2"}')
    [row] = mine(episode(), episode("f1", messages=messages, resolution="failure")).rows
    assert len(row.prompt) == 2
    assert row.rejected[0]["tool_calls"][0]["function"]["arguments"] == '{"order_id": "B2"}'


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda m, said: [said("system", "Be rude."), *m[1:]], "other_prompt"),
        (lambda m, said: [m[0], said("user", "Another thing"), *m[2:]], "other_prompt"),
        (
            lambda m, said: [*m[:3], said("tool", "no", tool_call_id="c1"), m[4]],
            "observations_differ",
        ),
        (lambda m, said: m, "same_reply"),
        (lambda m, said: m[:3], "same_reply"),
    ],
)
def test_sides_that_do_not_share_a_prompt_make_no_pair(
    episode: Make,
    talk: Callable[[], list[Body]],
    said: Say,
    mine: Callable[..., Pairing],
    change: Callable[..., list[Body]],
    expected: str,
) -> None:
    other = episode("f1", messages=change(talk(), said), resolution="failure")
    pairing = mine(episode(), other)
    assert pairing.rows == ()
    assert reasons(pairing) == {"e1": expected, "f1": expected}
    assert pairing.alone["e1"].because_of == "f1"


def test_other_tools_make_no_pair(
    episode: Make, failed: Conversation, mine: Callable[..., Pairing]
) -> None:
    more = episode(tools=(*(episode().tools or ()), {"function": {"name": "lookup"}}))
    assert reasons(mine(more, failed)) == {"e1": "other_tools", "f1": "other_tools"}


def test_a_turn_that_must_not_train_is_context(
    episode: Make, failed: Conversation, mine: Callable[..., Pairing]
) -> None:
    marks = (False, False, True, False, False)
    assert mine(episode(trainable=marks), failed).rows == ()


def test_other_requests_and_no_request_find_no_partner(
    episode: Make, failed: Conversation, standing: Known
) -> None:
    one = side(episode(), standing(request="r1"), "train")
    for request in ("r2", None):
        pairing = pairs([one, side(failed, standing(request=request), "train")])
        assert reasons(pairing) == {"e1": "no_partner", "f1": "no_partner"}


def test_two_successes_are_no_pair(episode: Make, mine: Callable[..., Pairing]) -> None:
    assert reasons(mine(episode(), episode("e2"))) == {"e1": "no_partner", "e2": "no_partner"}


def test_sides_of_the_split_never_meet(
    episode: Make, failed: Conversation, standing: Known
) -> None:
    pairing = pairs([side(episode(), standing(), "train"), side(failed, standing(), "test")])
    assert reasons(pairing) == {"e1": "other_split", "f1": "other_split"}


def test_an_episode_is_in_two_pairs_and_a_cluster_in_four(
    episode: Make, talk: Callable[[], list[Body]], said: Say, mine: Callable[..., Pairing]
) -> None:
    good = [episode(f"g{i}", messages=[*talk()[:4], said("assistant", f"y{i}")]) for i in range(4)]
    bad = [
        episode(f"b{i}", messages=[*talk()[:4], said("assistant", f"n{i}")], resolution="failure")
        for i in range(4)
    ]
    pairing = mine(*good, *bad)
    names = [name for row in pairing.rows for name in row.episode_ids]
    assert len(pairing.rows) == PER_CLUSTER
    assert max(names.count(name) for name in names) == PER_EPISODE
    assert set(reasons(pairing).values()) == {"pair_cap"}
    assert set(pairing.alone) | set(names) == {e.episode_id for e in (*good, *bad)}
    assert mine(*reversed(good), *reversed(bad)) == pairing


def test_the_longest_shared_prompt_goes_first(
    episode: Make, talk: Callable[[], list[Body]], said: Say, mine: Callable[..., Pairing]
) -> None:
    early = [
        episode(f"b{i}", messages=[*talk()[:2], said("assistant", f"n{i}")], resolution="failure")
        for i in range(2)
    ]
    late = episode("z", messages=[*talk()[:4], said("assistant", "No")], resolution="failure")
    pairing = mine(episode(), *early, late)
    assert sorted(row.episode_ids[1] for row in pairing.rows) == ["b0", "z"]
    assert reasons(pairing) == {"b1": "pair_cap"}


def test_answers_that_won_here_and_lost_there_teach_nothing(
    episode: Make, failed: Conversation, mine: Callable[..., Pairing]
) -> None:
    lost = episode("f2", resolution="failure")
    won = episode("e2", messages=list(failed.messages))
    pairing = mine(episode(), failed, won, lost)
    assert pairing.rows == ()
    assert set(reasons(pairing).values()) == {"both_labels"}


def test_a_pair_of_the_same_texts_is_kept_once(
    episode: Make, failed: Conversation, mine: Callable[..., Pairing]
) -> None:
    pairing = mine(episode(), episode("e2"), failed)
    assert [row.episode_ids for row in pairing.rows] == [("e1", "f1")]
    assert reasons(pairing) == {"e2": "duplicate"}


@pytest.fixture
def many(episode: Make, standing: Known, talk: Callable[[], list[Body]], said: Say) -> list[Side]:
    """100 successes and 100 failures of one request, each an answer of its own, minutes apart."""
    told = [(good, i) for i in range(100) for good in (True, False)]
    return [
        side(
            episode(
                f"{'g' if good else 'b'}{i:03}",
                messages=[*talk()[:4], said("assistant", f"{good} {i}")],
                resolution="success" if good else "failure",
                started_at=NOW + timedelta(minutes=i) if i else None,
            ),
            standing(),
            "train",
        )
        for good, i in told
    ]


def test_of_many_equal_requests_the_latest_are_compared(
    many: list[Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[tuple[str, str]] = []
    meet = pair.meet

    def count(chosen: Side, rejected: Side) -> pair.Pair | str:
        met.append((chosen.name, rejected.name))
        return meet(chosen, rejected)

    monkeypatch.setattr(pair, "meet", count)
    pairing = pairs(many)
    assert len(met) == PER_SIDE**2
    assert {name for names in met for name in names} == {
        f"{outcome}{i:03}" for outcome in "gb" for i in range(100 - PER_SIDE, 100)
    }
    assert {reasons(pairing)[name] for name in ("g000", "b000", "g035")} == {"pair_cap"}
    in_rows = {name for row in pairing.rows for name in row.episode_ids}
    assert len(in_rows) + len(pairing.alone) == len(many)
    assert pairs(reversed(many)) == pairing


def test_a_crowd_of_other_tools_leaves_room_for_those_that_fit(
    many: list[Side], episode: Make, failed: Conversation, standing: Known
) -> None:
    tools = ({"function": {"name": "lookup"}},)
    fitting = [episode("old", tools=tools), msgspec.structs.replace(failed, tools=tools)]
    pairing = pairs([*many[::2], *(side(one, standing(), "train") for one in fitting)])
    assert [row.episode_ids for row in pairing.rows] == [("old", "f1")]


def test_a_crowd_without_an_opposite_is_told_what_differs(
    many: list[Side], failed: Conversation, standing: Known
) -> None:
    other = msgspec.structs.replace(failed, tools=({"function": {"name": "lookup"}},))
    pairing = pairs([*many[::2], side(other, standing(), "train")])
    assert Counter(reasons(pairing).values()) == {"other_tools": 101}


def test_every_reason_has_advice() -> None:
    assert set(REASONS) <= set(ADVICE)


ANSWERS = st.tuples(
    st.sampled_from(["yes", "no", "wait"]),
    st.booleans(),
    st.sampled_from(["train", "test"]),
    st.sampled_from(["r1", "r2", None]),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=st.lists(ANSWERS, max_size=10), data=st.data())
def test_pairs_hold_their_promises_in_any_order(
    episode: Make, standing: Callable[..., Standing], told: list[Any], data: st.DataObject
) -> None:
    sides = [
        side(
            episode(
                f"e{i}",
                messages=[{"role": "user", "content": "hi"}, {"role": "assistant", "content": a}],
                resolution="success" if good else "failure",
            ),
            standing(request=request),
            split,
        )
        for i, (a, good, split, request) in enumerate(told)
    ]
    found = pairs(sides)
    assert pairs(data.draw(st.permutations(sides))) == found
    in_rows = Counter(name for row in found.rows for name in row.episode_ids)
    assert max(in_rows.values(), default=0) <= PER_EPISODE
    assert in_rows.keys() | found.alone.keys() == {one.name for one in sides}
    assert not in_rows.keys() & found.alone.keys()
    by_name = {one.name: one for one in sides}
    clusters = Counter(by_name[row.episode_ids[0]].request for row in found.rows)
    assert max(clusters.values(), default=0) <= PER_CLUSTER
    for row in found.rows:
        good, bad = (by_name[name] for name in row.episode_ids)
        assert good.good and not bad.good and good.split == bad.split == row.split
        assert good.request == bad.request is not None
        assert len(row.chosen) == len(row.rejected) == 1 and row.chosen != row.rejected
        assert (row.chosen[0]["role"], row.rejected[0]["role"]) == ("assistant", "assistant")
    taught = {(str(row.prompt), str(row.chosen), str(row.rejected)) for row in found.rows}
    assert not any((p, bad, good) in taught for p, good, bad in taught)
