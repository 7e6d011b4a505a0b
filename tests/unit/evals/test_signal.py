"""The signals by themselves: limits to the last unit, sides, and a cure wherever one helps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import polars as pl
import pytest

from headrace.evals.judge import JudgeTrial
from headrace.evals.plateau import TrendVerdict
from headrace.evals.series import Series
from headrace.evals.signal import business, churn, maturity, movement, no_evals, sufficiency
from headrace.evals.slices import SliceTrend
from headrace.evals.statistics.needs import Needs
from headrace.evals.trend import Trend
from headrace.lake.record import Release
from headrace.lake.store import Lake

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
Make = Callable[..., Trend]


@pytest.fixture
def trend(verdict: Callable[..., TrendVerdict]) -> Make:
    """The trend of a mature suite in doubt, but for what is given."""

    def make(
        *,
        scorer: str = "exact",
        established: str | None = None,
        on_trial: JudgeTrial | None = None,
        **more: Any,
    ) -> Trend:
        return Trend(
            judge=on_trial,
            project="p",
            suite="refunds",
            scorer=Series(
                scorer=scorer, judge_hash=None, releases=8, cases=250, newest="v8", newest_at=NOW
            ),
            others=(),
            frame=pl.DataFrame(),
            verdict=verdict(**more),
            delta_assumed=False,
            established=established,
        )

    return make


@pytest.mark.parametrize(
    ("limit", "within", "beyond", "short"),
    [
        ("absent", 0.05, 0.0501, "5 % of attempts have no score"),
        ("n", 200, 199, "199 of 200 cases that all releases share"),
        ("clusters", 30, 29, "29 of 30 clusters"),
        ("releases", 3, 2, "2 of 3 releases by one scorer"),
        ("certifiable_delta", 0.06, 0.0601, "a gain of 6 points could hide"),
        ("certifiable_delta", 0.06, None, "a gain of 6 points could hide"),
        ("reason", "underpowered", "saturated", "saturated"),
    ],
)
def test_each_check_of_maturity_fails_alone_right_beyond_its_limit(
    trend: Make, limit: str, within: object, beyond: object, short: str
) -> None:
    at = maturity(trend(**{limit: within}))
    assert (at.state, at.value, at.cure) == ("for", 1.0, None)
    over = maturity(trend(**{limit: beyond}))
    assert over.state == "against"
    assert over.value == pytest.approx(6 / 7)
    assert over.sentence == f"The evals of 'refunds' are not mature: {short}."
    assert over.cure is not None and over.about == "refunds"


def test_several_faults_are_all_named_and_the_first_is_cured_first(trend: Make) -> None:
    found = maturity(trend(n=150, clusters=20, releases=2))
    assert found.sentence.endswith(
        "150 of 200 cases that all releases share; 20 of 30 clusters; "
        "2 of 3 releases by one scorer."
    )
    assert found.cure == "run 50 more cases of 'refunds' on every release compared"
    assert found.value == pytest.approx(4 / 7)


@pytest.mark.parametrize("state", ["improving", "plateaued", "regressed"])
def test_a_decided_state_is_sharp_enough_whatever_it_could_certify(trend: Make, state: str) -> None:
    assert maturity(trend(state=state, reason=None, certifiable_delta=0.5)).state == "for"


def trial(trusted: bool) -> JudgeTrial:
    return JudgeTrial(
        project="p",
        suite="s",
        judge="model_graded_qa",
        human="human",
        trusted=trusted,
        refuted=False,
        shortfalls=() if trusted else ("Too few labels.",),
        agreement=None,
        slices=(),
        people=None,
        anchored=(),
        split=0,
        absent=0,
        unjudged=0,
        ambiguous=0,
        graded=0,
    )


@pytest.mark.parametrize(
    ("scorer", "trusted", "state"),
    [
        ("model_graded_qa", None, "against"),
        ("model_graded_qa", False, "against"),
        ("model_graded_qa", True, "for"),
        ("exact", None, "for"),
        ("exact", False, "against"),
    ],
)
def test_a_model_that_judges_is_proven_first_and_so_is_whatever_people_labelled(
    trend: Make, scorer: str, trusted: bool | None, state: str
) -> None:
    found = maturity(trend(scorer=scorer, on_trial=None if trusted is None else trial(trusted)))
    assert found.state == state
    assert (found.cure == "label 100 cases by hand beside the judge") is (state == "against")


@pytest.mark.parametrize(
    ("verdict_state", "established", "mature", "state", "cure"),
    [
        ("improving", None, True, "against", "go on with the prompt: it still pays"),
        ("improving", "v3", True, "against", "go on with the prompt: it still pays"),
        ("regressed", None, False, "against", "fix first what the newest release broke"),
        ("plateaued", "v3", True, "for", None),
        ("inconclusive", "v3", True, "for", None),  # nothing contradicts it since
        ("plateaued", "v3", False, "unknown", "make the evals mature"),
        ("inconclusive", None, True, "unknown", "run 'refunds' with 3 epochs of every case"),
        ("inconclusive", None, False, "unknown", "run 'refunds' with 3 epochs of every case"),
    ],
)
def test_a_plateau_of_mature_evals_alone_speaks_for_fine_tuning(
    trend: Make,
    verdict_state: str,
    established: str | None,
    mature: bool,
    state: str,
    cure: str | None,
) -> None:
    reason = "underpowered" if verdict_state == "inconclusive" else None
    found = movement(
        trend(state=verdict_state, reason=reason, established=established), mature=mature
    )
    assert found.state == state
    assert (found.cure or "").startswith(cure or "") and (found.cure is None) is (cure is None)


@pytest.mark.parametrize(
    ("state", "cases", "side"),
    [("improving", 25, "against"), ("improving", 24, "for"), ("regressed", 25, "for")],
)
def test_a_large_slice_that_improves_speaks_against_a_plateau(
    trend: Make, state: Any, cases: int, side: str
) -> None:
    part = SliceTrend(
        name="refunds", state=state, reason=None, against=True, n=cases, clusters=cases, length=8,
        gain=0.1, low=0.05, high=0.15, p=0.001, q=0.002,
    )  # fmt: skip
    flat = trend(state="plateaued", reason=None, established="v8")
    found = movement(msgspec.structs.replace(flat, slices=(part,)), mature=True)
    assert found.state == side
    assert (found.cure == "go on with the prompt where it still pays: slice refunds improves") is (
        side == "against"
    )


@pytest.mark.parametrize(
    ("more", "cure"),
    [
        ({"reason": "saturated"}, "add harder cases to 'refunds'"),
        ({"reason": "missing data"}, "run the attempts of 'refunds' again that have no score"),
        ({"needs": None}, "run 'refunds' with more cases and on the next releases"),
        ({"needs": Needs(jitter=True)}, "run 'refunds' with more cases and on the next releases"),
        ({"needs": Needs(releases=1)}, "run 'refunds' with 1 more release"),
    ],
)
def test_doubt_names_what_would_end_it(trend: Make, more: dict[str, Any], cure: str) -> None:
    assert movement(trend(**more), mature=True).cure == cure


def test_a_movement_carries_its_interval_and_its_words(trend: Make) -> None:
    found = movement(trend(), mature=True)
    assert (found.value, found.low, found.high) == (0.01, -0.02, 0.04)
    assert found.sentence.startswith("Trend of 'refunds' by exact: Cannot tell (underpowered): ")


def test_without_evals_there_is_nothing_to_judge_and_a_way_to_begin() -> None:
    assert [(s.name, s.state) for s in no_evals()] == [("evals", "against"), ("trend", "unknown")]
    assert all("headrace eval build" in (signal.cure or "") for signal in no_evals())


def test_what_no_trace_can_tell_is_unknown_and_not_zero() -> None:
    assert [(s.name, s.state, s.value) for s in business()] == [
        ("cost", "unknown", None),
        ("latency", "unknown", None),
    ]


def test_no_success_is_counted_as_zero_of_those_needed(lake: Lake, project: str) -> None:
    found = sufficiency(lake, project)
    assert (found.state, found.value, found.cure) == (
        "against",
        0.0,
        "collect 500 more successes",
    )


Prompts = list[tuple[float, str | None, str | None]]  # days ago, prompt, tools


@pytest.fixture
def moved(lake: Lake, project: str) -> Callable[..., Any]:
    """The churn of a product with these releases, oldest first."""

    def run(releases: Prompts, what: Literal["tools", "prompt"] = "prompt") -> Any:
        rows = [
            Release(
                project=project,
                release=f"v{i:03}",
                at=NOW - timedelta(days=days),
                prompt_hash=prompt,
                tools_hash=tools,
            )
            for i, (days, prompt, tools) in enumerate(releases)
        ]
        lake.write(lambda tx: tx.append("releases", rows))
        return churn(lake, project, what, NOW)

    return run


def of_twenty(changes: int, what: str) -> Prompts:
    """Twenty recent releases after an old one, so many of which changed the prompt or tools."""
    names = [str(min(i, changes)) for i in range(21)]
    days = [40.0, *(20 - i * 0.5 for i in range(20))]
    if what == "prompt":
        return [(day, name, "t") for day, name in zip(days, names, strict=True)]
    return [(day, "p", name) for day, name in zip(days, names, strict=True)]


@pytest.mark.parametrize(
    ("what", "changes", "state"),
    [
        *[("tools", 0, "for"), ("tools", 1, "for"), ("tools", 2, "against")],
        *[("prompt", 3, "for"), ("prompt", 4, "against")],
    ],
)
def test_churn_is_the_share_of_recent_releases_that_changed_it(
    moved: Any, what: Any, changes: int, state: str
) -> None:
    """Exactly at 5 % of tools or 15 % of prompts nothing is moving yet."""
    found = moved(of_twenty(changes, what), what)
    assert (found.state, found.value) == (state, pytest.approx(changes / 20))
    assert found.sentence == f"{changes} of 20 releases in four weeks changed the {what}."
    assert (found.cure is None) is (state == "for")


@pytest.mark.parametrize(
    ("releases", "state", "value"),
    [
        ([], "unknown", None),  # nothing is known: nothing can be said
        ([(60, "a", "t"), (28, "b", "t")], "for", 0.0),  # four weeks ago to the minute
        ([(60, "a", "t"), (27.999, "b", "t")], "against", 1.0),
        ([(60, "a", "t"), (3, "a", "t")], "for", 0.0),
        ([(3, "a", "t")], "unknown", None),  # nothing to compare with
        ([(60, None, None), (3, None, None)], "unknown", None),
        ([(60, "a", "t"), (9, None, None), (3, "a", "t")], "for", 0.0),
        ([(60, "a", "t"), (9, None, None), (3, "b", "t")], "against", 1.0),
        ([(60, "a", "t"), (3, "a", "t"), (-1, "b", "t")], "for", 0.0),  # not released yet
    ],
)
def test_churn_looks_at_four_weeks_and_at_what_is_known(
    moved: Any, releases: Prompts, state: str, value: float | None
) -> None:
    found = moved(releases)
    assert (found.state, found.value) == (state, value)


def test_a_release_without_tools_after_one_with_them_changed_the_tools(moved: Any) -> None:
    found = moved([(60, "a", "t"), (3, "a", None)], "tools")
    assert (found.state, found.value) == ("against", 1.0)


def test_signals_survive_json() -> None:
    for signal in [*no_evals(), *business()]:
        assert msgspec.json.decode(msgspec.json.encode(signal), type=type(signal)) == signal
