"""What a judge below its bar lacks, and what would mend it, in sentences."""

import pytest

from headrace.evals.judges.agreement import agree
from headrace.evals.judges.bar import Bar, kappa_words, shortfalls

Table = tuple[int, int, int, int]  # (human, judge): pass/pass, pass/fail, fail/pass, fail/fail


def lacks(table: Table, bar: Bar | None = None) -> tuple[str, ...]:
    kinds = [(1, 1), (1, 0), (0, 1), (0, 0)]
    pairs = [pair for pair, count in zip(kinds, table, strict=True) for _ in range(count)]
    human, judge = (list(column) for column in zip(*pairs, strict=True))
    return shortfalls(agree(human, judge, [str(i) for i in range(len(pairs))]), bar)


@pytest.mark.parametrize("table", [(60, 4, 4, 32), (90, 5, 5, 50), (500, 50, 50, 400)])
def test_a_good_judge_lacks_nothing(table: Table) -> None:
    assert lacks(table) == ()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ((24, 1, 1, 14), ["40 attempts labelled by people, 100 needed: label 60 more."]),
        (
            (1, 0, 0, 1),
            ["2 attempts labelled", "Kappa may be as low as -0.83, 0.4 is needed: label"],
        ),
        ((98, 0, 1, 0), ["99 attempts labelled", "it passes 100 % of what people fail"]),
        (
            (22, 1, 24, 3),
            [
                "50 attempts labelled by people, 100 needed: label 50 more.",
                "Kappa 0.06 [-0.09, 0.21] is no better than chance: give the judge another prompt",
                "it passes 89 % of what people fail.",
            ],
        ),
        ((50, 40, 5, 45), ["Kappa 0.39 [0.2", "it fails 44 % of what people pass."]),
        ((120, 0, 0, 0), ["People call all of them passes: label failures too."]),
        ((0, 0, 20, 100), ["People call all of them failures: label passes too."]),
    ],
)
def test_a_judge_below_its_bar_is_told_what_mends_it(table: Table, says: list[str]) -> None:
    found = lacks(table)
    for part in says:
        assert any(part in sentence for sentence in found), found


def test_a_bound_that_is_wide_alone_asks_for_as_many_labels_as_it_takes() -> None:
    table: Table = (200, 20, 20, 80)
    easy = Bar(youden=0.0, kappa_bound=0.66)
    [sentence] = lacks(table, easy)
    more = int(sentence.rpartition("about ")[2].split()[0])
    assert "Kappa may be as low as" in sentence

    def grown(share: float) -> tuple[str, ...]:
        size = 1 + share * more / sum(table)
        a, b, c, d = (round(count * size) for count in table)
        return lacks((a, b, c, d), easy)

    assert grown(0.5) != ()
    assert grown(1.3) == ()


def test_a_youden_that_is_uncertain_alone_asks_for_labels() -> None:
    table: Table = (100, 4, 2, 6)
    [*_, sentence] = lacks(table, Bar(kappa=0.0, kappa_bound=-1.0))
    assert sentence.startswith("A gain may show at only") and "label about" in sentence


def test_a_bar_may_be_set_otherwise() -> None:
    easy = Bar(labels=10, kappa=0.0, kappa_bound=-1.0, youden=0.0)
    assert lacks((14, 6, 6, 14), easy) == ()
    assert lacks((14, 6, 6, 14)) != ()


def test_kappa_is_never_told_without_its_interval() -> None:
    ones = agree([1, 1, 1], [1, 1, 1], ["a", "b", "c"])
    assert kappa_words(ones) == "not defined"
    some = agree([1, 0, 1, 0], [1, 0, 0, 0], ["a", "b", "c", "d"])
    assert kappa_words(some).startswith("0.50 [") and ", " in kappa_words(some)
