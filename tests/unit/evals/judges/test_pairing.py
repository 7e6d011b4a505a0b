"""People's labels and a judge's scores, paired by release, case and epoch, and what is left out."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from headrace.evals.judge import JudgeTrial, tried
from headrace.evals.judges.pairing import Pairs, pair
from headrace.evals.series import Series
from tests.unit.evals.conftest import T0

Row = tuple[str, float | None]
"""Case and value; an epoch after a slash, `q/2`."""


def rows(*given: Row, release: str = "v1", run: int = 0, number: int = 0) -> pl.DataFrame:
    """As `series.scores` gives them."""
    made = [
        {
            "release": number,
            "measured": release,
            "run": run,
            "case_id": name.partition("/")[0],
            "cluster": f"case:{name.partition('/')[0]}",
            "slice": "easy" if name < "m" else "hard",
            "epoch": int(name.partition("/")[2] or 1),
            "value": value,
        }
        for name, value in given
    ]
    schema = {"value": pl.Float64(), "slice": pl.String()}
    return pl.DataFrame(made, schema_overrides=schema)


def paired(found: Pairs) -> list[tuple[str, str, int, int, int]]:
    columns = ("measured", "case_id", "epoch", "human", "judge")
    return found.frame.select(columns).rows()


def test_attempts_are_paired_by_release_case_and_epoch() -> None:
    judge = pl.concat(
        [
            rows(("a", 1), ("a/2", 0), ("b", 1), ("c", 0)),
            rows(("a", 0), ("z", 1), release="v2", run=1, number=1),
        ]
    )
    people = rows(("a/2", 1), ("b", 1), ("a", 0)), rows(("a", 0), release="v2")
    found = pair(judge, people)
    assert paired(found) == [
        *[("v1", "a", 1, 0, 1), ("v1", "a", 2, 1, 0), ("v1", "b", 1, 1, 1)],
        ("v2", "a", 1, 0, 0),
    ]
    assert found.rest.select("measured", "value").rows() == [("v1", 0.0), ("v2", 1.0)]
    assert found.labels == {
        "human": [0, 1, 1, 0],
        "judge": [1, 0, 1, 0],
        "cluster": ["case:a", "case:a", "case:b", "case:a"],
    }


def test_what_cannot_be_paired_is_counted_and_never_a_zero() -> None:
    judge = rows(("a", 1), ("b", None), ("e", 1))
    people = rows(("a", 1), ("b", 1), ("c", 1), ("d", None), ("e", None))
    found = pair(judge, [people])
    assert paired(found) == [("v1", "a", 1, 1, 1)]
    assert (found.absent, found.unjudged) == (1, 1)
    assert found.rest["value"].to_list() == [1.0], "nobody labelled e"


def test_a_judge_that_scored_an_attempt_twice_counts_where_it_said_the_same() -> None:
    again = rows(("a", 1), ("b", 0), ("c", None), run=1)
    found = pair(
        pl.concat([rows(("a", 1), ("b", 1), ("c", 1)), again]), [rows(("a", 1), ("b", 1), ("c", 1))]
    )
    assert paired(found) == [("v1", "a", 1, 1, 1), ("v1", "c", 1, 1, 1)]
    assert (found.ambiguous, found.absent) == (1, 0)


def test_most_people_decide_and_where_they_are_divided_nobody_does() -> None:
    people = [
        pl.concat([rows(("a", 1), ("b", 1), ("c", 1)), rows(("a", 0), ("b", 0), run=1)]),
        rows(("a", 1)),
    ]
    found = pair(rows(("a", 0), ("b", 0), ("c", 0)), people)
    assert paired(found) == [("v1", "a", 1, 1, 0), ("v1", "c", 1, 1, 0)]
    assert found.split == 1
    assert found.doubles.select("first", "second").rows() == [(1, 0), (1, 0)]
    assert found.rest.is_empty(), "a divided attempt is no attempt without a label"


def test_a_graded_value_passes_from_one_half_up_and_is_counted() -> None:
    judge = rows(("a", 0.5), ("b", 0.49), ("c", 1.0), ("d", 0.0))
    found = pair(judge, [rows(("a", 1), ("b", 0.7), ("c", 0.2), ("d", 0))])
    assert [(h, j) for *_, h, j in paired(found)] == [(1, 1), (1, 0), (0, 1), (0, 0)]
    assert found.graded == 2
    assert found.frame["value"].to_list() == [0.5, 0.49, 1.0, 0.0]


SERIES = Series(scorer="graded", judge_hash=None, releases=1, cases=9, newest="v1", newest_at=T0)


@pytest.fixture
def trial() -> Callable[..., JudgeTrial]:
    def run(judge: pl.DataFrame, *people: pl.DataFrame) -> JudgeTrial:
        return tried("p", "s", SERIES, "human", pair(judge, people))

    return run


def many(share: int, of: int, **more: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A judge that errs at every `share`-th of so many cases, half of which pass."""
    human = [(f"{'am'[i % 4 // 2]}{i}", float(i % 2)) for i in range(of)]
    judge = [(name, 1 - v if i % share == 0 else v) for i, (name, v) in enumerate(human)]
    return rows(*judge, **more), rows(*human, **more)


def test_a_good_judge_may_be_trusted_and_has_a_line_for_each_slice(trial: Any) -> None:
    found = trial(*many(11, 200))
    assert found.trusted and found.shortfalls == ()
    assert found.words.startswith("Judge graded may be trusted: kappa 0.81 [0.7")
    assert [(part.name, part.agreement.n) for part in found.slices] == [
        ("easy", 100),
        ("hard", 100),
    ]
    [whole] = found.anchored
    assert (whole.release, whole.rate.labels, whole.rate.judged) == (None, 200, 0)


def test_each_release_with_labels_enough_has_a_rate_of_its_own(trial: Any) -> None:
    first, second, third = (
        many(11, n, release=f"v{r}", run=r, number=r) for r, n in enumerate((60, 19, 60))
    )
    extra = rows(*((f"x{i}", 1.0) for i in range(50)), release="v2", run=2, number=2)
    judge = pl.concat([first[0], second[0], third[0], extra])
    found = trial(judge, pl.concat([first[1], second[1], third[1]]))
    shown = [(part.release, part.rate.labels, part.rate.judged) for part in found.anchored]
    assert shown == [("v0", 60, 0), ("v2", 60, 50), (None, 139, 50)]
    assert found.anchored[1].rate.judge == pytest.approx((27 + 3 + 50) / 110)


@pytest.mark.parametrize(
    ("people", "says"),
    [
        ([("y", 1.0)], "scored no attempt in common: label attempts that the judge scored"),
        ([("a", None)], "No attempt has a label that tells anything: label 100."),
    ],
)
def test_a_judge_that_nobody_checked_may_not_be_trusted(
    trial: Any, people: list[Row], says: str
) -> None:
    found = trial(rows(("a", 1), ("b", 0)), rows(*people))
    assert not found.trusted and found.agreement is None and found.anchored == ()
    assert says in found.words


def test_everything_left_out_is_told(trial: Any) -> None:
    judge = pl.concat([rows(("a", 0.5), ("b", None), ("d", 1)), rows(("d", 0), run=1)])
    people = [rows(("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)), rows(("e", 0), ("a", 1))]
    said = trial(judge, *people).words
    for part in (
        "1 attempt left out: people are divided.",
        "1 labelled attempt without a score of the judge.",
        "1 labelled attempt that the judge never saw.",
        "1 labelled attempt left out: it scored them differently.",
        "1 graded score of the judge count as passes from 0.5 up.",
    ):
        assert part in said
