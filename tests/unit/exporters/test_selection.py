from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.curate.conversation import Conversation
from headrace.exporters.eligibility import Standing
from headrace.exporters.objective import OBJECTIVES, Objective
from headrace.exporters.selection import choose
from headrace.lake.message import Body

Make = Callable[..., Conversation]
Known = Callable[..., Standing]

EDITS: list[dict[str, Any]] = [
    {},
    {"resolution": "failure"},
    {"resolution": "pending"},
    {"tools": None},
    {"defects": ("no_content",)},
    {"representative": False},
]
PLACES: list[dict[str, Any]] = [{}, {"split": "test"}, {"split": "eval"}, {"request": None}]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    picks=st.lists(
        st.tuples(st.sampled_from(EDITS), st.sampled_from(PLACES), st.sampled_from("abc")),
        max_size=8,
    ),
    objective=st.sampled_from(("sft", "kto", "rl")),
)
def test_drops_and_episodes_in_rows_are_all_episodes(
    episode: Make,
    standing: Known,
    said: Callable[..., Body],
    picks: list[tuple[dict[str, Any], dict[str, Any], str]],
    objective: Objective,
) -> None:
    chat = said("user", "hi")
    episodes = [
        episode(f"e{i}", messages=[chat, said("assistant", answer)], **edit)
        for i, (edit, _, answer) in enumerate(picks)
    ]
    known = {f"e{i}": standing(**place) for i, (_, place, _) in enumerate(picks)}
    chosen = choose(episodes, known, objective)
    in_rows = {name for row in chosen.rows for name in row.episode_ids}
    assert len(in_rows) + sum(chosen.drops.values()) == len(episodes)
    assert in_rows == set(chosen.marks)
    again = choose(list(reversed(episodes)), known, objective)
    assert (again.rows.entries, again.against) == (chosen.rows.entries, chosen.against)
    assert list(again.rows) == list(chosen.rows)


def test_rows_of_one_content_are_kept_once(episode: Make, standing: Known) -> None:
    known = {"e1": standing(), "e2": standing()}
    chosen = choose([episode("e2"), episode("e1")], known, "sft")
    assert [row.episode_ids for row in chosen.rows] == [("e1",)]
    assert chosen.against["e2"].because_of == "e1"
    assert chosen.drops == {"duplicate": 1}


def test_an_answer_with_both_labels_is_refused_on_both_sides(
    episode: Make, standing: Known, said: Callable[..., Body]
) -> None:
    other = [said("user", "hi"), said("assistant", "hello")]
    episodes = [episode(), episode("e2", resolution="failure"), episode("e3", messages=other)]
    chosen = choose(episodes, {e.episode_id: standing() for e in episodes}, "kto")
    assert chosen.drops == {"both_labels": 2}
    assert chosen.against["e1"].because_of == "e2"
    assert chosen.against["e2"].because_of == "e1"
    assert [row.episode_ids for row in chosen.rows] == [("e3",)]


def test_an_episode_unknown_to_curation_is_not_curated(episode: Make) -> None:
    assert choose([episode()], {}, "sft").drops == {"not_curated": 1}


def test_rows_are_ordered_by_name_and_named_by_content(
    episode: Make, standing: Known, said: Callable[..., Body]
) -> None:
    episodes = [
        episode(f"e{i}", messages=[said("user", "hi"), said("assistant", f"{i}")]) for i in range(5)
    ]
    chosen = choose(episodes, {e.episode_id: standing() for e in episodes}, "sft")
    names = [row.row_id for row in chosen.rows]
    assert names == sorted(names)
    again = choose(
        [episode("other", messages=list(episodes[0].messages))],
        {"other": standing(split="test")},
        "sft",
    )
    assert again.rows.entries[0].row_id in names


def test_the_same_messages_for_two_objectives_have_two_names(
    episode: Make, standing: Known
) -> None:
    known = {"e1": standing()}
    sft, kto = (choose([episode()], known, one).rows.entries for one in OBJECTIVES[:2])
    assert sft[0].row_id != kto[0].row_id
