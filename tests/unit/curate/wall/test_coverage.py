"""Coverage against a computation that anyone can check, and the bounds of the table."""

from collections.abc import Sequence
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.wall.coverage import Grams, common, length
from headrace.curate.wall.item import Item
from tests.unit.curate.conftest import said, system, user

FEW = settings(max_examples=100, deadline=None)
WORDS = st.lists(st.sampled_from("abc"), max_size=30)  # so few that runs are often shared
MANY = ["".join(letters) for letters in product("abcdefghij", repeat=3)]


def item(words: Sequence[str], case_id: str = "case") -> Item:
    return Item(
        case_id=case_id, hashes=frozenset(), shapes=frozenset(), asked="", shape="",
        words=tuple(words),
    )  # fmt: skip


def shares(items: Sequence[Item], *texts: str) -> dict[tuple[int, int], float]:
    """Text and item -> share, of those that are covered by half."""
    grams = Grams(items)
    found = grams.covered(grams.shared(texts), "text")
    return {(text, at): share for text, at, share in found.drop("starts").iter_rows()}


def covered(case: Sequence[str], words: Sequence[str]) -> float | None:
    """The share by sliding a window over both texts, letter by letter of the rule."""
    if len(case) < 8:
        return None
    size = 8 if len(case) >= 16 else 5
    held = [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
    marks = [False] * len(case)
    for start in range(len(case) - size + 1):
        if tuple(case[start : start + size]) in held:
            marks[start : start + size] = [True] * size
    return sum(marks) / len(case)


@FEW
@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=3))
def test_coverage_is_what_a_plain_count_gives(
    cases: list[list[str]], texts: list[list[str]]
) -> None:
    plain = {
        (text, at): covered(case, words)
        for text, words in enumerate(texts)
        for at, case in enumerate(cases)
    }
    expected = {key: share for key, share in plain.items() if share is not None and share >= 0.5}
    found = shares([item(case) for case in cases], *map(" ".join, texts))
    assert found == pytest.approx(expected)


@FEW
@given(WORDS, WORDS, WORDS, WORDS)
def test_more_text_around_gives_no_less_away(
    case: list[str], before: list[str], words: list[str], after: list[str]
) -> None:
    alone = shares([item(case)], " ".join(words)).get((0, 0), 0.0)
    more = shares([item(case)], " ".join([*before, "x", *words, "y", *after])).get((0, 0), 0.0)
    assert more >= alone


def test_runs_add_up_over_the_messages_of_an_episode() -> None:
    grams = Grams([item(MANY[:40])])
    shared = grams.shared([" ".join(MANY[:10]), "nothing", " ".join(MANY[20:30])])
    told = shared.join(pl.DataFrame({"text": [0, 2], "n": [7, 7]}), on="text")
    [(episode, share)] = grams.covered(told, "n").select("n", "share").iter_rows()
    assert (episode, share) == (7, 0.5)


def test_two_messages_are_not_read_as_one() -> None:
    assert shares([item(MANY[:16])], " ".join(MANY[:7]), " ".join(MANY[7:14])) == {}


@pytest.mark.parametrize(("words", "gram"), [(0, 0), (7, 0), (8, 5), (15, 5), (16, 8), (400, 8)])
def test_the_length_of_a_case_says_how_it_is_matched(words: int, gram: int) -> None:
    assert length(words) == gram


@pytest.mark.parametrize("words", range(8))
def test_a_case_below_eight_words_is_never_matched_by_grams(words: int) -> None:
    assert shares([item(MANY[:words])], f"so {' '.join(MANY[:words])} there") == {}


def test_half_of_a_case_is_a_match_and_less_is_none() -> None:
    case = item(MANY[:40])
    assert shares([case], " ".join(MANY[:20] + MANY[50:90])) == {(0, 0): 0.5}
    assert shares([case], " ".join(MANY[:19] + MANY[50:90])) == {}


def test_a_run_of_seven_words_is_no_long_gram() -> None:
    sevens = " zzz ".join(" ".join(MANY[i : i + 7]) for i in range(0, 40, 7))
    assert shares([item(MANY[:40])], sevens) == {}


def test_a_number_is_a_slot_of_a_request_however_it_is_written() -> None:
    said_so = "please refund order {} for {} and tell me when it is done and paid".format
    case = item(said_so("A12", "3.50").replace(".", " ").split())
    assert shares([case], said_so("9917", "120")) == {(0, 0): 1.0}
    assert shares([case], said_so("mine", "all")) == {(0, 0): 9 / 15}


def test_text_without_spaces_is_matched_by_character() -> None:
    question = "請問明天早上八點從台北到高雄的高鐵還有沒有座位"
    case = Item.of("case", [user(question)])
    assert shares([case], f"你好{question}謝謝") == {(0, 0): 1.0}


@FEW
@given(st.lists(st.sampled_from(["Refund", "my", "ORDER", "Ärger", "é"]), min_size=8, max_size=20))
def test_case_spaces_and_punctuation_hide_nothing(words: list[str]) -> None:
    shouted = user(" \n".join(word.upper() for word in words))
    assert shares([Item.of("case", [shouted])], ", ".join(words).lower()) == {(0, 0): 1.0}


def test_a_case_without_words_matches_nothing() -> None:
    empty = Item.of("case", [system("Policy"), user("  \n"), said("Hm?")])
    assert (empty.hashes, empty.shapes, empty.words) == (frozenset(), frozenset(), ())
    assert shares([empty], "", "policy hm") == {}
    assert shares([], "anything at all") == {}


@pytest.mark.parametrize(
    ("groups", "sharing", "boilerplate"),
    [
        (199, 199, False),  # too few groups to tell
        (200, 200, True),
        (200, 10, False),  # 5 %, but ten could be rewordings of one case
        (200, 11, True),
        (1000, 10, False),
        (1000, 11, True),
        (1500, 15, False),  # exactly 1 %
        (1500, 16, True),
    ],
)
def test_boilerplate_begins_beyond_its_bounds(groups: int, sharing: int, boilerplate: bool) -> None:
    rows = pl.DataFrame({"group": [f"g{i}" for i in range(sharing)]}).with_columns(item=0, start=3)
    assert len(common(pl.concat([rows, rows]), groups)) == boilerplate


def test_one_group_that_asks_often_is_no_boilerplate() -> None:
    rows = pl.DataFrame({"group": ["g"] * 900, "item": [0] * 900, "start": [3] * 900})
    assert len(common(rows, 900)) == 0
