"""Coverage against a computation that anyone can check, and the bounds of the table."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.curate.contamination import Document, Item, Match, Matcher
from tests.unit.curate.conftest import result, said, system, user

FEW = settings(max_examples=100, deadline=None)
WORDS = st.lists(st.sampled_from("abc"), max_size=30)  # so few that runs are often shared


def item(words: Sequence[str], case_id: str = "case") -> Item:
    return Item(case_id=case_id, hashes=frozenset(), words=tuple(words))


def document(words: Sequence[str], name: str = "e", group: str = "g") -> Document:
    return Document(name=name, group=group, hashes=frozenset(), words=tuple(words))


def found(items: Sequence[Item], words: Sequence[str]) -> Match | None:
    return Matcher(items).matches([document(words)]).get("e")


def covered(case: Sequence[str], words: Sequence[str]) -> float | None:
    """The share by sliding a window over both texts, letter by letter of the guide's rule 2."""
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
@given(WORDS, WORDS)
def test_coverage_is_what_a_plain_count_gives(case: list[str], words: list[str]) -> None:
    share = covered(case, words)
    match = found([item(case)], words)
    if share is None or share < 0.5:
        assert match is None
    else:
        assert match == Match(case_id="case", rule="ngram", similarity=share)


@FEW
@given(st.lists(WORDS, max_size=4), WORDS, st.integers(0, 9))
def test_of_several_cases_the_one_given_away_most_is_named_in_any_order(
    cases: list[list[str]], words: list[str], seed: int
) -> None:
    items = [item(case, f"case{i}") for i, case in enumerate(cases)]
    shares = [covered(case, words) or 0.0 for case in cases]
    match = found(items, words)
    assert (match.similarity if match else None) == (
        max(shares) if max(shares, default=0.0) >= 0.5 else None
    )
    Random(seed).shuffle(items)
    assert found(items, words) == match


@FEW
@given(WORDS, WORDS, WORDS, WORDS)
def test_more_text_around_gives_no_less_away(
    case: list[str], before: list[str], words: list[str], after: list[str]
) -> None:
    alone = found([item(case)], words)
    more = found([item(case)], [*before, "x", *words, "y", *after])
    assert alone is None or (more is not None and more.similarity >= alone.similarity)


@FEW
@given(st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=30))
def test_a_case_is_given_away_by_itself_and_the_text_turned_round_is_another(
    case: list[str],
) -> None:
    own = found([item(case)], case)
    assert own is not None and own.similarity == 1.0
    numbered = [f"{word}{i}" for i, word in enumerate(case)]
    assert found([item(numbered)], numbered[::-1]) is None


@pytest.mark.parametrize(
    ("length", "gram"),
    [(0, None), (7, None), (8, 5), (15, 5), (16, 8), (400, 8)],
)
def test_the_length_of_a_case_says_how_it_is_matched(length: int, gram: int | None) -> None:
    assert item(["w"] * length).gram == gram


@pytest.mark.parametrize("length", range(8))
def test_a_case_below_eight_words_is_matched_by_nothing_but_an_equal_request(length: int) -> None:
    words = [f"w{i}" for i in range(length)]
    assert found([item(words)], ["so", *words, "there"]) is None


def crowd(groups: int, sharing: int) -> dict[str, Match]:
    """What is found where `sharing` of `groups` groups hold the words of the case."""
    case = [f"w{i}" for i in range(16)]
    documents = [
        document(case if i < sharing else ["other"], f"e{i}", f"g{i}") for i in range(groups)
    ]
    return Matcher([item(case)]).matches(documents)


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
    assert len(crowd(groups, sharing)) == (0 if boilerplate else sharing)


def test_boilerplate_leaves_what_is_the_own_part_of_a_case() -> None:
    template, own = [f"t{i}" for i in range(10)], [f"o{i}" for i in range(20)]
    documents = [document([*template, f"x{i}"], f"e{i}", f"g{i}") for i in range(300)]
    documents.append(document([*template, *own], "leak", "leak"))
    matches = Matcher([item([*template, *own])]).matches(documents)
    assert {name: match.similarity for name, match in matches.items()} == {"leak": 27 / 30}


def test_an_item_of_boilerplate_alone_is_still_found_when_asked_exactly() -> None:
    case = [user(" ".join(f"t{i}" for i in range(10)))]
    documents = [Document.of(f"e{i}", f"g{i}", f"own {i}", [user("x"), *case]) for i in range(300)]
    documents.append(Document.of("same", "same", str(case[0]["content"]), case))
    matches = Matcher([Item.of("case", case)]).matches(documents)
    assert {name: match.rule for name, match in matches.items()} == {"same": "exact"}


def test_an_equal_request_goes_before_shared_words_and_the_first_case_is_named() -> None:
    words = " ".join(f"w{i}" for i in range(16))
    items = [Item.of(name, [user(text)]) for name, text in
             [("c", "Refund"), ("b", "refund "), ("a", words)]]  # fmt: skip
    told = Document.of("e", "g", "REFUND", [user("Refund"), result("1", words)])
    match = Matcher(items).matches([told])["e"]
    assert match == Match(case_id="c", rule="exact", similarity=1.0)


def test_a_case_without_words_matches_nothing() -> None:
    empty = Item.of("case", [system("Policy"), user("  \n"), said("Hm?")])
    assert (empty.hashes, empty.words, empty.gram) == (frozenset(), (), None)
    nothing = Document.of("e", "g", "", [system("Policy"), user("")])
    assert Matcher([empty]).matches([nothing]) == {}
    assert Matcher([]).matches([nothing]) == {}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["Refund", "my", "ORDER", "Ärger", "é"]), min_size=8, max_size=20))
def test_case_spaces_and_punctuation_hide_nothing(words: list[str]) -> None:
    shouted = user(" \n".join(word.upper() for word in words))
    whispered = user(", ".join(words).lower())
    match = Matcher([Item.of("case", [shouted])]).matches(
        [Document.of("e", "g", "other", [user("Hello"), whispered])]
    )["e"]
    assert match.similarity == 1.0
