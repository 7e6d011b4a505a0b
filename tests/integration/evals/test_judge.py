"""Judges on trial through the lake: a real one that is no better than chance, and a good one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.evals.compare import compare_releases
from headrace.evals.errors import UntrustedJudge
from headrace.evals.judge import try_judge
from headrace.evals.load import Picks, load
from headrace.evals.series import UnknownSeries
from headrace.evals.trend import trend

DATA = Path(__file__).parents[4] / "shared" / "data"
VERDICTS = DATA / "tau2_judge" / "airline_verdicts.jsonl.gz"
PASSES = ("pass", "satisfied", "satisfactory", "compliant", "correct")


@pytest.fixture
def airline(product: Any) -> Any:
    """Four judges and the true reward of the same 50 conversations."""
    verdicts: dict[str, Any] = {
        **{"case": "simulation_id", "value": "judge_verdict", "scorer": "judge_prompt_name"},
        **{"passing": PASSES, "failing": ("fail",)},
    }
    truth = {"case": "simulation_id", "value": "tau2_success", "scorer": "'human'", "epoch": "`1`"}
    for picks in (verdicts, truth):
        load(
            product.lake,
            product.project,
            [VERDICTS],
            suite="airline",
            mapping=Picks(**picks),
            release="gpt-4o",
            now=product.now,
        )
    return product


def kappa_of(counts: dict[str, int]) -> float:
    """Cohen's kappa from the counts published beside the data, `truth|verdict`."""
    table = {(truth, said): 0 for truth in (True, False) for said in (True, False)}
    for kind, count in counts.items():
        truth, _, said = kind.partition("|")
        table[truth == "ok", said != "fail"] += count
    n = sum(table.values())
    good, passed = (
        (table[True, True] + table[True, False]) / n,
        (table[True, True] + table[False, True]) / n,
    )
    equal, chance = (
        (table[True, True] + table[False, False]) / n,
        good * passed + (1 - good) * (1 - passed),
    )
    return (equal - chance) / (1 - chance)


@pytest.mark.skipif(not DATA.exists(), reason="the larger data sets are not beside this checkout")
def test_no_real_judge_of_the_airline_may_feed_a_verdict(airline: Any) -> None:
    facts = json.loads((DATA / "facts.json").read_text())["dev/tau2_judge/airline_verdicts"]
    for judge, told in facts["prompts"].items():
        found = try_judge(airline.lake, suite="airline", project=airline.project, judge=judge)
        assert found.agreement is not None and found.agreement.n == 50
        assert found.agreement.kappa == pytest.approx(kappa_of(told["verdict_by_truth"]))
        assert not found.trusted and "label 50 more" in found.words
    triage = try_judge(
        airline.lake, suite="airline", project=airline.project, judge="quick_triage_v1"
    )
    assert triage.words == (
        "Judge quick_triage_v1 may not feed a verdict: kappa 0.06 [-0.09, 0.21] over 50 labels. "
        "50 attempts labelled by people, 100 needed: label 50 more. "
        "Kappa 0.06 [-0.09, 0.21] is no better than chance: give the judge another prompt or "
        "model, or score by people. "
        "A gain shows at 7 % of its size through this judge, more than 50 % is needed: it passes "
        "89 % of what people fail. "
        "Human-anchored pass rate 46 % [31 %, 61 %]; the judge alone says 92 %."
    )


@pytest.fixture
def graded(product: Any, tmp_path: Path) -> Callable[..., None]:
    """Scores of a judge over two releases, and people's labels on the first so many cases."""

    def write(
        *, cases: int = 240, labels: int = 160, wrong: int = 12, suite: str = "s", gain: int = 0
    ) -> None:
        rows: list[dict[str, Any]] = []
        for release in ("v1", "v2"):
            for i in range(cases):
                good = int(i % 10 < (5 if release == "v1" else 5 + gain))
                about = {"release": release, "case_id": f"c{i}", "epoch": 1}
                said = 1 - good if i % wrong == 0 else good
                rows.append({**about, "scorer": "graded", "value": said})
                if i < labels and release == "v1":
                    rows.append({**about, "scorer": "human", "value": good})
        file = tmp_path / f"{suite}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        load(product.lake, product.project, [file], suite=suite, now=product.now)

    return write


def test_a_good_judge_passes_and_its_rate_is_anchored_in_the_labels(
    graded: Any, product: Any
) -> None:
    graded()
    found = try_judge(product.lake, suite="s", project=product.project)
    assert (found.judge, found.trusted, found.shortfalls) == ("graded", True, ())
    rate = found.anchored[-1].rate
    assert (rate.labels, rate.judged) == (160, 320)
    assert rate.low < 0.5 < rate.high
    assert found.words.startswith("Judge graded may be trusted: kappa 0.8")


def test_a_good_judge_with_few_labels_is_told_how_many_are_missing(
    graded: Any, product: Any
) -> None:
    graded(labels=40)
    found = try_judge(product.lake, suite="s", project=product.project)
    assert not found.trusted
    assert found.shortfalls[0] == "40 attempts labelled by people, 100 needed: label 60 more."


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"human": "expert"}, "no labels by people in suite 's' under the name 'expert'; scorers:"),
        ({"judge": "nobody"}, "no scorer 'nobody' in suite 's'; there are: graded, human"),
        ({"judge": "human"}, "has no scorer beside 'human' to put on trial"),
        ({"suite": "none"}, "no complete run of suite 'none'"),
    ],
)
def test_who_is_not_there_is_named_with_those_who_are(
    graded: Any, product: Any, asked: dict[str, str], says: str
) -> None:
    graded(cases=4, labels=2)
    with pytest.raises(UnknownSeries, match=says):
        try_judge(product.lake, **{"suite": "s", "project": product.project, **asked})


def test_people_alone_leave_nobody_to_put_on_trial(product: Any, tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text(json.dumps({"release": "v1", "case_id": "a", "value": 1, "scorer": "human"}))
    load(product.lake, product.project, [file], suite="s", now=product.now)
    with pytest.raises(UnknownSeries, match="load the judge's scores into the same suite"):
        try_judge(product.lake, suite="s", project=product.project)


def test_the_trend_refuses_a_judge_that_people_contradict_and_says_what_mends_it(
    graded: Any, product: Any
) -> None:
    graded(wrong=3, labels=120)
    found = trend(product.lake, suite="s", project=product.project, scorer="graded", delta=0.1)
    assert found.refused and found.judge is not None and not found.judge.trusted
    verdict = found.verdict
    assert (verdict.state, verdict.reason) == ("inconclusive", "untrusted judge")
    assert (verdict.gain, verdict.low, verdict.high, verdict.certifiable_delta) == (None,) * 4
    assert (found.established, found.slices) == (None, ())
    assert found.words.startswith(
        "No verdict: the judge graded may not feed one. Kappa 0.33 [0.16, 0.50] is below 0.6: "
        "read the attempts on which judge and people differ"
    )
    assert found.frame["mean"].null_count() == 0, "the means are shown all the same"


def test_a_judge_with_few_labels_and_nothing_against_it_stays_on_trial(
    graded: Any, product: Any
) -> None:
    graded(labels=40)
    found = trend(product.lake, suite="s", project=product.project, scorer="graded")
    assert not found.refused and found.judge is not None and not found.judge.trusted
    assert found.verdict.judge is not None, "delta is shrunk by what 40 labels vouch for"
    assert "Its judge is still on trial. " in found.words and "label 60 more." in found.words


def test_labels_that_are_all_alike_tell_nothing_of_a_judge(graded: Any, product: Any) -> None:
    graded(labels=1)
    found = trend(product.lake, suite="s", project=product.project, scorer="graded")
    assert (found.refused, found.verdict.judge) == (False, None)
    assert "Its judge is still on trial. " in found.words


def test_a_trusted_judge_shrinks_delta_by_what_comes_through_it(graded: Any, product: Any) -> None:
    graded(wrong=20)
    found = trend(product.lake, suite="s", project=product.project, scorer="graded", delta=0.1)
    assert not found.refused and found.judge is not None and found.judge.trusted
    assert found.verdict.judge is not None and 0.8 < found.verdict.judge.youden < 0.95
    assert found.verdict.reason != "untrusted judge"
    assert "The judge agrees with people with kappa 0.90" in found.words
    assert "points stand for delta" in found.words


def test_labels_speak_of_the_judge_that_they_are_beside_and_of_no_other(
    graded: Any, product: Any, tmp_path: Path
) -> None:
    graded(wrong=2)
    rows = [{"release": f"v{r}", "case_id": f"x{i}", "value": 1} for r in (1, 2) for i in range(30)]
    file = tmp_path / "exact.jsonl"
    file.write_text("".join(json.dumps({**row, "scorer": "exact"}) + "\n" for row in rows))
    load(product.lake, product.project, [file], suite="s", now=product.now)
    about: dict[str, Any] = {"suite": "s", "project": product.project, "delta": 0.1}
    assert trend(product.lake, scorer="exact", **about).judge is None
    assert trend(product.lake, scorer="human", **about).judge is None
    assert trend(product.lake, scorer="graded", **about).refused
    other = trend(product.lake, scorer="graded", human="exact", **about)
    assert other.judge is None, "the two scored nothing in common"
    with pytest.raises(UnknownSeries, match="under the name 'expert'"):
        trend(product.lake, scorer="graded", human="expert", **about)


def test_a_comparison_is_refused_for_the_same_reason(graded: Any, product: Any) -> None:
    graded(wrong=3, labels=120)
    graded(wrong=12, labels=160, suite="good")
    about: dict[str, Any] = {"a": "v1", "b": "v2", "project": product.project}
    with pytest.raises(UntrustedJudge, match=r"No verdict: the judge graded .* sharpen the judge"):
        compare_releases(product.lake, suite="s", scorer="graded", **about)
    assert compare_releases(product.lake, suite="good", scorer="graded", **about).n == 240
