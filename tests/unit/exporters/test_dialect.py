import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters.formats.dialect import Shape
from headrace.exporters.rowfile import RowFile
from tests.corpus import corpus
from tests.talk import USER, row


def shape(name: str) -> Shape:
    return Shape.of(name, "sft", RowFile.of([]))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("refunds", "refunds"),
        ("Refunds_2026-v1", "Refunds_2026-v1"),
        ("par[c]els & co", "par-c-els-co"),
        ("Rückgaben 2026", "R-ckgaben-2026"),
        ("-a-", "a"),
        ("../../etc", "etc"),
        ("返金", "dataset"),
        ("--", "dataset"),
        ("$(rm -rf)", "rm--rf"),
    ],
)
def test_a_slug_is_the_name_without_what_shells_and_trainers_stumble_over(
    name: str, slug: str
) -> None:
    assert shape(name).slug == slug


@given(name=st.text())
def test_any_name_has_a_slug_that_is_its_own_slug(name: str) -> None:
    slug = shape(name).slug
    assert re.fullmatch(r"[A-Za-z0-9_-]+", slug) and not slug.startswith("-")
    assert shape(slug).slug == slug


def test_a_shape_tells_what_holds_for_all_rows() -> None:
    rows = [*corpus("sft"), row("sft", [USER])]
    whole = Shape.of("s", "sft", RowFile.of(rows))
    assert (whole.rows, whole.splits) == ({"train": len(rows), "test": 0}, ("train",))
    assert whole.masked and whole.tools
    plain = Shape.of("s", "sft", RowFile.of([r for r in corpus("sft") if not r.is_masked]))
    assert not plain.masked
    assert not Shape.of("s", "sft", RowFile.of([row("sft", [USER])])).tools


def test_a_shape_counts_labels_of_the_rows_to_train_on_alone() -> None:
    rows = corpus("kto")
    good = sum(one.label is True for one in rows)
    found = Shape.of("s", "kto", RowFile.of(rows))
    assert (found.desirable, found.undesirable) == (good, len(rows) - good)
    test = Shape.of("s", "kto", RowFile.of(corpus("kto", "test")))
    assert (test.desirable, test.undesirable, test.splits) == (0, 0, ("test",))


def test_there_is_a_margin_where_every_pair_has_one() -> None:
    pairs = corpus("rm")
    assert Shape.of("s", "rm", RowFile.of(pairs)).margin
    some = [*pairs[:-1], row("rm", [USER], margin=None)]
    assert not Shape.of("s", "rm", RowFile.of(some)).margin
