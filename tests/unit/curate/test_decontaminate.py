"""What gives an eval case away is kept out of training, and nothing else."""

from typing import Any

import msgspec
import pytest

from headrace.curate.contamination import Document, Item, Matcher
from headrace.curate.decontaminate import decontaminate, leaks
from headrace.curate.split import Shares, split
from headrace.lake.message import Body
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, World, result, said, short, system, user

WORDS = [f"word{i}" for i in range(400)]
ALL_TRAIN = Shares(train=1, test=0, eval=0)
ALL_EVAL = Shares(train=0, test=0, eval=1)


def text(start: int, length: int) -> str:
    return " ".join(WORDS[start : start + length])


def item(*messages: Body) -> Item:
    return Item.of("case", list(messages))


def hit(case: Item, *messages: Body) -> tuple[str, float] | None:
    document = Document.of("e", "g", str(messages[0]["content"]), list(messages))
    match = Matcher([case]).matches([document]).get("e")
    return (match.rule, match.similarity) if match else None


def test_an_equal_request_is_exact_whatever_its_form() -> None:
    assert hit(item(system(), user("Refund  MY order")), user("refund my order")) == ("exact", 1)


def test_half_of_a_long_case_is_contamination_and_less_is_not() -> None:
    case = item(user(text(0, 40)))
    assert hit(case, user(f"{text(0, 20)} {text(100, 50)}")) == ("ngram", 0.5)
    assert hit(case, user(f"{text(0, 19)} {text(100, 50)}")) is None


def test_scattered_runs_of_words_add_up() -> None:
    parts = [text(0, 10), text(200, 5), text(20, 10)]
    assert hit(item(user(text(0, 40))), user(" ".join(parts))) == ("ngram", 0.5)


def test_a_run_of_seven_words_is_no_long_gram() -> None:
    seven = " zzz ".join(text(i, 7) for i in range(0, 40, 7))
    assert hit(item(user(text(0, 40))), user(seven)) is None


def test_an_item_of_eight_to_fifteen_words_is_matched_by_short_grams() -> None:
    assert hit(item(user(text(0, 10))), user(f"so {text(0, 5)} there")) == ("ngram", 0.5)
    assert hit(item(user(text(0, 16))), user(f"so {text(0, 7)} there, {text(9, 7)}")) is None


def test_a_seven_word_item_is_never_matched_by_grams() -> None:
    case = item(user(text(0, 7)))
    assert hit(case, user(f"so {text(0, 7)} there")) is None
    assert hit(case, user(text(0, 7))) == ("exact", 1)


@pytest.mark.parametrize(
    ("message", "found"),
    [(user(text(0, 30)), True), (result("1", text(0, 30)), True),
     (system(text(0, 30)), False), (said(text(0, 30)), False)],
)  # fmt: skip
def test_user_and_tool_text_count_and_nothing_else(message: Body, found: bool) -> None:
    assert (hit(item(user(text(0, 30))), user("Hi"), message) is not None) is found


def test_the_opening_and_the_whole_of_a_case_are_both_its_request() -> None:
    case = item(user("First"), said("Well"), user("Second"))
    assert hit(case, user("first")) == ("exact", 1)
    assert hit(case, user("first second")) == ("exact", 1)


def documents(count: int, shared: str, groups: int) -> list[Document]:
    return [
        Document.of(f"e{i}", f"g{i % groups}", "", [user(f"{shared} own{i}")]) for i in range(count)
    ]


def test_boilerplate_of_many_groups_is_no_contamination() -> None:
    matcher = Matcher([item(user(text(0, 20)))])
    assert matcher.matches(documents(250, text(0, 20), 250)) == {}
    assert len(matcher.matches(documents(150, text(0, 20), 150))) == 150


def test_one_request_asked_often_is_no_boilerplate() -> None:
    often = documents(30, text(0, 20), 1)
    others = [Document.of(f"o{i}", f"o{i}", "", [user(f"other {i}")]) for i in range(250)]
    found = Matcher([item(user(text(0, 20)))]).matches([*often, *others])
    assert found.keys() == {document.name for document in often}


def test_text_without_spaces_is_matched_by_character() -> None:
    question = "請問明天早上八點從台北到高雄的高鐵還有沒有座位"
    assert hit(item(user(question)), user(f"你好{question}謝謝")) == ("ngram", 1)


def decided(lake: Lake, world: World) -> dict[str | None, tuple[Any, ...]]:
    rows = lake.rows(
        "from decisions where project = $p and step = 'decontaminate'", {"p": world.project}
    )
    return {
        short(r["episode_id"]): (r["kept"], r["reason"], r["because_of"], r["similarity"])
        for r in rows
    }


def test_every_episode_gets_its_decision_and_leaks_find_the_same(lake: Lake, world: World) -> None:
    origin = world.post("held", [user("Held out"), said("Yes.")])
    world.drain(lake)
    split(lake, world.project, now=NOW, shares=ALL_EVAL)
    mate = world.post("mate", [user("Origin of a case"), said("Yes.")], conversation_id="c")
    world.post("sibling", [user("Next turn"), said("Yes.")], conversation_id="c")
    world.post("exact", [user("Promoted  question"), said("Yes.")])
    world.post("near", [user(f"Well, {text(0, 30)}"), said("Yes.")])
    world.post("clean", [user("Weather?"), said("Fine.")])
    world.case("k1", user("Held out"), origin_episode_id=origin.episode_id)
    world.case("k2", user(text(300, 20)), origin_episode_id=mate.episode_id)
    world.case("k3", user("promoted question"))
    world.case("k4", user(text(0, 30)))
    world.case("k5", user("Weather?"), retired_at=NOW)
    world.drain(lake)
    split(lake, world.project, now=NOW, shares=ALL_TRAIN)
    outcome = decontaminate(lake, world.project, now=NOW)
    assert decided(lake, world) == {
        "held": (False, "eval_split", None, None),
        "mate": (False, "contaminated:group", "k2", None),
        "sibling": (False, "contaminated:group", "k2", None),
        "exact": (False, "contaminated:exact", "k3", 1.0),
        "near": (False, "contaminated:ngram", "k4", 1.0),
        "clean": (True, "clean", None, None),
    }
    assert (outcome.kept, outcome.seen, outcome.notes["cases"]) == (1, 6, 4)
    ids = [episode.episode_id for episode in world.posted]
    found = {short(leak.episode_id): leak.case_id for leak in leaks(lake, world.project, ids)}
    assert found == {"held": "k1", "mate": "k2", "sibling": "k2", "exact": "k3", "near": "k4"}
    assert leaks(lake, world.project, [world.posted[-1].episode_id]) == []


def test_a_new_case_takes_out_what_was_clean_and_a_second_run_writes_nothing(
    lake: Lake, world: World
) -> None:
    episode = world.post("a", [user("Cheap flights"), said("Here.")])
    world.drain(lake)
    split(lake, world.project, now=NOW, shares=ALL_TRAIN)
    decontaminate(lake, world.project, now=NOW)
    snapshot = lake.snapshot_id
    decontaminate(lake, world.project, now=NOW)
    assert lake.snapshot_id == snapshot
    assert leaks(lake, world.project, [episode.episode_id]) == []
    world.case("new", user("cheap flights"))
    world.drain(lake)
    assert len(leaks(lake, world.project, [episode.episode_id])) == 1
    assert decontaminate(lake, world.project, now=NOW).dropped == {"contaminated:exact": 1}


def test_a_decision_names_the_revision_that_it_judged(lake: Lake, world: World) -> None:
    def judged() -> list[int]:
        decontaminate(lake, world.project, now=NOW)
        rows = lake.rows("from decisions where project = $p", {"p": world.project})
        return [row["revision"] for row in rows]

    first = world.post("a", [user("Refund"), said("Yes.")])
    world.drain(lake)
    assert judged() == [1]
    world.posted.append(msgspec.structs.replace(first, revision=2, user_id="u"))
    world.drain(lake)
    assert judged() == [2]
