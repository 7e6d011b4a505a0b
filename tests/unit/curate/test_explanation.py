"""Why an episode is a duplicate, or is none, in words that name the partner and the likeness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.curate.dedupe import dedupe
from headrace.curate.errors import UnknownEpisode
from headrace.curate.explanation import Explanation, Tie, explain, shortest
from headrace.curate.units import units
from headrace.lake.record import Episode, Resolution
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, said, system, user
from tests.unit.curate.test_dedupe import TALK, steps


def night(lake: Lake, world: World, *marked: tuple[Episode, Resolution]) -> None:
    for episode, resolution in marked:
        world.resolve(episode, resolution)
    world.drain(lake)
    units(lake, world.project, now=NOW)
    dedupe(lake, world.project, now=NOW)


def told(lake: Lake, episode: Episode) -> Explanation:
    return explain(lake, episode.episode_id)


def test_a_duplicate_names_its_partner_and_how_alike_they_are(lake: Lake, world: World) -> None:
    a, b = world.post("a", steps(6, tail="All done now.")), world.post("b", steps(6), 1)
    night(lake, world, (a, "success"), (b, "success"))
    found = told(lake, a)
    assert (found.kept, found.reason, found.rank, found.size) == (False, "duplicate", 2, 2)
    assert found.partner is not None
    assert (found.partner.episode_id, found.partner.shared) == (b.episode_id, "transcript")
    [tie] = found.partner.path
    assert tie.score == found.partner.similarity
    first, second = found.words
    assert f"{b.episode_id} stands for it, the latest of 2 with the outcome success" in first
    assert f"transcripts are {tie.score:.2f} alike, with the same" in second


def test_the_one_that_stands_for_others_says_so(lake: Lake, world: World) -> None:
    a, b = world.post("a", TALK), world.post("b", TALK, 1)
    night(lake, world, (a, "failure"), (b, "failure"))
    assert told(lake, b).words == (
        "Kept: it is the latest of 2 that are as good as the same, all with the outcome failure.",
    )
    [_, likeness] = told(lake, a).words
    assert likeness == "Their transcripts are equal once masked, with no tool calls in either."


def test_the_same_request_with_another_outcome_is_told_as_kept_apart(
    lake: Lake, world: World
) -> None:
    a, b = world.post("a", TALK), world.post("b", TALK, 1)
    night(lake, world, (a, "success"), (b, "failure"))
    found = told(lake, a)
    assert (found.reason, found.partner) == ("unique", None)
    assert found.words == (
        "Kept: nothing with the outcome success is as good as the same.",
        "1 with the outcome failure ask nearly the same and are kept apart, such as "
        f"{b.episode_id}.",
    )


def test_a_task_that_the_product_named_is_told_as_such(lake: Lake, world: World) -> None:
    call = said(None, ("1", "pay", "{}"))
    posted = [
        world.post(name, [user(text), call, said("Done.")], at, metadata={"task": "refund"})
        for at, (name, text) in enumerate({"a": "My money", "b": "A refund please"}.items())
    ]
    night(lake, world, *[(episode, "success") for episode in posted])
    found = told(lake, posted[0])
    assert found.partner is not None and found.partner.shared == "task"
    assert found.words[1] == (
        "The product gives both the same task, done with the same line of steps."
    )


def test_two_that_are_alike_through_a_third_show_the_way(lake: Lake, world: World) -> None:
    words = [f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(140)]
    whole, fresh = words[:100], words[100:]
    texts = [whole, fresh[:8] + whole[8:], fresh[:8] + whole[8:90] + fresh[20:30]]
    posted = [
        world.post(name, [user("Go on"), said(" ".join(text))], at)
        for at, (name, text) in enumerate(zip("abc", texts, strict=True))
    ]
    night(lake, world, *[(episode, "success") for episode in posted])
    found = told(lake, posted[0])
    assert found.partner is not None and found.partner.episode_id == posted[2].episode_id
    assert len(found.partner.path) == 2
    assert "alike through 1 between them" in found.words[1]


def test_an_unknown_episode_is_named_with_the_cure(lake: Lake, world: World) -> None:
    with pytest.raises(UnknownEpisode, match="no episode 'nowhere'.*headrace status"):
        explain(lake, "nowhere")


def test_an_episode_that_no_night_has_seen_is_told(lake: Lake, world: World) -> None:
    fresh = world.post("fresh", [system(), user("Hi"), said("Yes?")])
    world.drain(lake)
    with pytest.raises(UnknownEpisode, match="run `headrace nightly`"):
        told(lake, fresh)


TIES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


@given(TIES, st.integers(0, 9), st.integers(0, 9))
def test_the_shortest_way_leads_from_end_to_end(
    pairs: list[tuple[int, int]], start: int, end: int
) -> None:
    ties = [Tie(a=a, b=b, score=0.8) for a, b in pairs]
    way = shortest(ties, start, end)
    at = {start}
    for tie in way:
        assert at & {tie.a, tie.b}
        at = {tie.a, tie.b}
    reach = {start}
    for _ in pairs:
        reach |= {n for a, b in pairs if {a, b} & reach for n in (a, b)}
    assert (end in at) == (end in reach)
    assert len(way) <= 9
