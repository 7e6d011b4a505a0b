"""Each text is embedded once for a recipe, however often the night is cut short."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.curate import embed as step
from headrace.curate.embed import embed
from headrace.curate.semantic import shelf
from headrace.curate.semantic.shelf import Kin
from headrace.curate.units import units
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, said, user
from tests.unit.curate.semantic.conftest import WordEncoder

LONG = "please find me a quiet table by the window for tonight and tell the kitchen we are late"


def cut(lake: Lake, world: World, *texts: str) -> None:
    first = len(world.posted)
    for n, text in enumerate(texts, first):
        world.post(f"e{n:02}", [user(text), said("Yes.")], at=n)
    world.drain(lake)
    units(lake, world.project, now=NOW)


def unique(world: World, *texts: str) -> tuple[str, ...]:
    """Vectors belong to texts, not to projects: other tests must not have embedded these."""
    word = "".join(chr(ord("a") + byte % 26) for byte in world.project.encode())
    return tuple(f"{text} {word}" for text in texts)


def held(lake: Lake, world: World, recipe: str) -> dict[str, list[float]]:
    asked = shelf.asked(lake, world.project)
    _, texts = shelf.texts(lake, world.project, asked)
    ids, rows = shelf.vectors(lake, world.project, recipe, asked)
    text_of = dict(zip(asked.tolist(), texts, strict=True))
    return {text_of[i]: row.tolist() for i, row in zip(ids.tolist(), rows, strict=True)}


def test_every_request_has_the_vector_of_its_masked_text(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    cut(lake, world, *unique(world, "Cancel order 1234567", "Cancel order 7654321", "Book a room"))
    found = embed(lake, world.project, now=NOW, encoder=words)
    masked = unique(world, "cancel order <num>", "book a room")
    assert (found.seen, found.kept, words.read) == (2, 2, list(masked))
    assert held(lake, world, "words") == {
        text: WordEncoder().encode([text])[0].tolist() for text in masked
    }


def test_a_rerun_embeds_nothing(lake: Lake, world: World, words: WordEncoder) -> None:
    cut(lake, world, *unique(world, "Cancel it", "Book it"))
    embed(lake, world.project, now=NOW, encoder=words)
    again = WordEncoder()
    assert embed(lake, world.project, now=NOW, encoder=again).seen == 0
    assert again.read == []


def test_near_duplicates_have_the_vector_of_the_text_they_repeat(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    first, second = unique(world, LONG, f"{LONG} thanks")
    cut(lake, world, first, second)
    result = embed(lake, world.project, now=NOW, encoder=words)
    assert words.read == [first]
    assert result.notes == {"requests": 2, "near_duplicates": 1}
    kin = Kin.of(lake, world.project)
    [one, other] = shelf.asked(lake, world.project).tolist()
    assert kin.source(np.array([one, other])).tolist() == [one, one]


def test_who_inherits_from_whom_does_not_depend_on_the_night(lake: Lake, world: World) -> None:
    """A text that comes later may join two that were apart; they keep what they had."""
    texts = [LONG, f"{LONG} {LONG[:40]} or", f"{LONG} thanks", f"{LONG} thanks again", "a b c"]
    other = World(f"{world.project} by night")
    cut(lake, world, *texts)
    for text in texts:
        cut(lake, other, text)
    one, two = Kin.of(lake, world.project), Kin.of(lake, other.project)
    assert (one.ids.tolist(), one.sources.tolist()) == (two.ids.tolist(), two.sources.tolist())
    assert (one.ids != one.sources).any()


def test_another_recipe_embeds_anew_beside_the_first(
    lake: Lake, world: World, words: WordEncoder
) -> None:
    cut(lake, world, *unique(world, "Cancel it"))
    other = WordEncoder("other")
    embed(lake, world.project, now=NOW, encoder=words)
    embed(lake, world.project, now=NOW, encoder=other)
    first, second = held(lake, world, "words"), held(lake, world, "other")
    assert first.keys() == second.keys()
    assert first != second


class Killed(Exception):
    """The power went."""


def failing(after: int, work: Callable[..., Any]) -> Callable[..., Any]:
    calls = iter(range(100))

    def once_more(*given: Any) -> Any:
        if next(calls) == after:
            raise Killed
        return work(*given)

    return once_more


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_night_cut_short_goes_on_where_it_was(
    lake: Lake, world: World, words: WordEncoder, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    texts = unique(world, *(f"ask number {'abcdefgh'[n]}" for n in range(6)))
    cut(lake, world, *texts)
    monkeypatch.setattr(step, "CHUNK", 2)
    with monkeypatch.context() as patch:
        patch.setattr(shelf, "store", failing(after, shelf.store))
        with pytest.raises(Killed):
            embed(lake, world.project, now=NOW, encoder=words)
    told: list[tuple[int, int]] = []
    again = WordEncoder()
    embed(lake, world.project, now=NOW, encoder=again, told=lambda *far: told.append(far))
    assert again.read == list(texts[2 * after :])
    assert told[-1] == (6 - 2 * after, 6 - 2 * after)
    assert len(held(lake, world, "words")) == 6
