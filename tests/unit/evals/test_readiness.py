"""Readiness: each gate alone can hold it up, and it never says `train` on little."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.evals.readiness import Readiness, assess, decide, recall, record, words
from headrace.evals.signal import Gate, Side, Signal
from headrace.lake.record import Cluster, Decision, Episode, Release, Resolved
from headrace.lake.store import Lake

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
T0 = datetime(2026, 10, 1, 12, tzinfo=UTC)

Measure = Callable[..., None]
Simulate = Callable[..., np.ndarray[tuple[int, ...], np.dtype[np.float64]]]
Succeed = Callable[[int], None]

FLAT = [0.6] * 8


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `splits`."""

    project: str
    group_id: str
    split: str
    at: datetime


def ask(lake: Lake, project: str, now: datetime = NOW) -> Readiness:
    """A delta of six points lets small suites decide."""
    return assess(lake, project, now=now, delta=0.06)


@pytest.fixture
def succeed(lake: Lake, project: str) -> Succeed:
    """Write so many episodes that succeeded."""

    def write(count: int) -> None:
        names = [f"e{i:04}" for i in range(count)]
        episodes = [
            Episode(project=project, episode_id=name, revision=1, at=T0, messages=(), trainable=())
            for name in names
        ]
        resolved = [
            Resolved(project=project, episode_id=name, resolution="success", at=T0)
            for name in names
        ]
        lake.write(lambda tx: (tx.append("episodes", episodes), tx.append("resolutions", resolved)))

    return write


def release(lake: Lake, project: str, name: str, *, days_ago: int, prompt: str, tools: str) -> None:
    row = Release(
        project=project,
        release=name,
        at=NOW - timedelta(days=days_ago),
        prompt_hash=prompt,
        tools_hash=tools,
    )
    lake.write(lambda tx: tx.append("releases", [row]))


def signal_of(found: Readiness, name: Gate) -> Signal:
    [signal] = [signal for signal in found.signals if signal.name == name]
    return signal


@pytest.fixture
def ready(lake: Lake, project: str, measure: Measure, simulate: Simulate, succeed: Succeed) -> None:
    """Everything that speaks for fine-tuning: a plateau, mature evals, data, settled tools."""
    measure(simulate(FLAT, cases=260, epochs=2, seed=100))
    succeed(500)


def test_an_empty_project_is_not_ready_and_says_what_to_do(lake: Lake, project: str) -> None:
    found = ask(lake, project)
    assert found.state == "not_yet"
    assert found.reasons[0] == "No suite has a complete run."
    assert "headrace eval build" in found.next
    assert "0 of 500" in found.reasons[1]


@pytest.mark.usefixtures("ready")
def test_a_plateau_with_mature_evals_and_enough_data_is_time_to_evaluate_fine_tuning(
    lake: Lake, project: str
) -> None:
    found = ask(lake, project)
    assert found.state == "train"
    assert "Plateaued" in found.reasons[0]
    assert words(found).startswith("Evaluate fine-tuning.")
    assert "Cost is not weighed: that takes revenue" in words(found)


@pytest.mark.parametrize(
    ("means", "cases", "fault"),
    [
        (FLAT, 150, "150 of 200 cases"),
        ([0.6] * 2, 260, "2 of 3 releases"),
        ([0.99] * 8, 260, "saturated"),
    ],
)
def test_immature_evals_alone_hold_it_up(
    lake: Lake,
    project: str,
    measure: Measure,
    simulate: Simulate,
    succeed: Succeed,
    means: list[float],
    cases: int,
    fault: str,
) -> None:
    top = means[0] > 0.9
    values = simulate(means, cases=cases, epochs=2, seed=100)
    measure(np.ones_like(values) if top else values)
    succeed(500)
    found = ask(lake, project)
    assert found.state == "not_yet"
    assert fault in signal_of(found, "evals").sentence
    assert signal_of(found, "evals").sentence in found.reasons


def test_a_blunt_suite_is_not_mature(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, succeed: Succeed
) -> None:
    measure(simulate([0.6] * 4, cases=200, epochs=1, seed=3, wobble=0.3))
    succeed(500)
    found = ask(lake, project)
    assert found.state == "not_yet"
    assert "a gain of 12 points could hide" in signal_of(found, "evals").sentence
    assert "more cases" in found.next


def test_a_suite_with_many_absent_scores_is_not_mature(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, succeed: Succeed
) -> None:
    values = simulate(FLAT, cases=260, epochs=2, seed=100)
    values[:80, :, 0] = np.nan
    measure(values)
    succeed(500)
    found = ask(lake, project)
    assert found.state == "not_yet"
    assert "15 % of attempts have no score" in signal_of(found, "evals").sentence
    assert "run the attempts" in found.next


def test_a_model_judge_without_calibration_is_not_mature(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, succeed: Succeed
) -> None:
    measure(simulate(FLAT, cases=260, epochs=2, seed=100), scorer="model_graded_qa", judge="j")
    succeed(500)
    found = ask(lake, project)
    assert found.state == "not_yet"
    assert "judge is not calibrated" in signal_of(found, "evals").sentence
    assert signal_of(found, "trend").state == "unknown"


def test_too_few_successes_alone_hold_it_up(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, succeed: Succeed
) -> None:
    measure(simulate(FLAT, cases=260, epochs=2, seed=100))
    succeed(30)
    found = ask(lake, project)
    assert (found.state, found.next) == ("not_yet", "collect 470 more successes")
    assert [*found.reasons] == [signal_of(found, "data").sentence]


def test_duplicates_leaks_and_episodes_held_for_evals_do_not_count(
    lake: Lake, project: str, succeed: Succeed
) -> None:
    succeed(10)
    clusters = [
        Cluster(
            project=project,
            method="duplicate",
            cluster_id="d",
            episode_id=name,
            representative=name == "e0000",
        )
        for name in ("e0000", "e0001", "e0002")
    ]
    group = Cluster(
        project=project, method="group", cluster_id="g", episode_id="e0003", representative=True
    )
    held = Held(project=project, group_id="g", split="eval", at=T0)
    leak = [
        Decision(
            project=project,
            step="decontaminate",
            version="1",
            episode_id="e0004",
            kept=False,
            reason="overlap",
            because_of="case-1",
            at=T0,
        )
    ]
    lake.write(
        lambda tx: (
            tx.append("clusters", [*clusters, group]),
            tx.append("splits", [held]),
            tx.append("decisions", leak),
        )
    )
    data = signal_of(ask(lake, project), "data")
    assert (data.value, data.state) == (6.0, "against")
    assert "10 episodes succeeded, 1 of them" in data.sentence


@pytest.mark.usefixtures("ready")
def test_moving_tools_alone_hold_it_up(lake: Lake, project: str) -> None:
    release(lake, project, "x", days_ago=2, prompt="p", tools="t2")
    found = ask(lake, project)
    assert (found.state, found.next) == ("not_yet", "wait until the tools are settled")
    assert found.reasons == ("1 of 5 releases in four weeks changed the tools.",)


@pytest.mark.usefixtures("ready")
def test_a_moving_prompt_is_waived_on_a_plateau(lake: Lake, project: str) -> None:
    release(lake, project, "x", days_ago=2, prompt="p2", tools="t")
    found = ask(lake, project)
    assert found.state == "train"
    assert "no reason to wait" in signal_of(found, "prompt").sentence


def test_a_moving_prompt_holds_it_up_without_a_plateau(lake: Lake, project: str) -> None:
    release(lake, project, "x1", days_ago=40, prompt="p1", tools="t")
    release(lake, project, "x2", days_ago=5, prompt="p2", tools="t")
    prompt = signal_of(ask(lake, project), "prompt")
    assert (prompt.state, prompt.value) == ("against", 1.0)


def test_releases_without_hashes_leave_churn_unknown(lake: Lake, project: str) -> None:
    row = Release(project=project, release="x", at=NOW - timedelta(days=3), kind="given")
    lake.write(lambda tx: tx.append("releases", [row]))
    found = ask(lake, project)
    assert signal_of(found, "prompt").state == "unknown"
    assert signal_of(found, "tools").value is None


def test_an_improving_trend_alone_holds_it_up(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, succeed: Succeed
) -> None:
    measure(simulate([0.36 + 0.05 * r for r in range(8)], cases=260, epochs=2, seed=100))
    succeed(500)
    found = ask(lake, project)
    assert (found.state, found.next) == ("not_yet", "go on with the prompt: it still pays")
    assert [*found.reasons] == [signal_of(found, "trend").sentence]


def test_a_regression_alone_holds_it_up(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, succeed: Succeed
) -> None:
    measure(simulate([*FLAT[:-1], 0.4], cases=260, epochs=2, seed=100))
    succeed(500)
    found = ask(lake, project)
    assert (found.state, found.next) == ("not_yet", "fix first what the newest release broke")


def test_an_undecided_trend_on_mature_evals_cannot_tell(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, succeed: Succeed
) -> None:
    measure(simulate(FLAT[:5], cases=220, epochs=1, seed=1))
    succeed(500)
    found = ask(lake, project)
    assert signal_of(found, "evals").state == "for"
    assert found.state == "cannot_tell"
    assert "more cases" in found.next
    assert words(found).startswith("Cannot tell yet.")


def test_one_mature_suite_is_enough(
    lake: Lake, project: str, measure: Measure, simulate: Simulate, succeed: Succeed
) -> None:
    measure(simulate(FLAT, cases=260, epochs=2, seed=100))
    measure(simulate(FLAT, cases=30, epochs=1, seed=1), suite="small")
    succeed(500)
    found = ask(lake, project)
    assert found.state == "train"
    assert [s.state for s in found.signals if s.name == "evals"] == ["for", "against"]


def test_a_recorded_verdict_can_be_said_again(lake: Lake, project: str) -> None:
    found = ask(lake, project)
    name = record(lake, found)
    assert record(lake, found) == name
    [row] = lake.rows("select * from verdicts where project = $project", {"project": project})
    assert (row["verdict_id"], row["kind"], row["state"]) == (name, "readiness", "not_yet")
    assert row["expires_at"] - row["at"] == timedelta(days=30)
    assert words(recall(row["payload"])) == words(found)
    assert recall(row["payload"]) == found


def test_the_same_inputs_have_the_same_hash_at_another_time(
    lake: Lake, project: str, succeed: Succeed
) -> None:
    first = ask(lake, project)
    again = ask(lake, project, NOW + timedelta(hours=1))
    succeed(1)
    other = ask(lake, project)
    assert first.inputs_hash == again.inputs_hash != other.inputs_hash


def signals(**states: Side) -> list[Signal]:
    """One signal per gate; what is not named speaks for fine-tuning, or is unknown for business."""
    sides: dict[Gate, Side] = {
        "evals": "for",
        "data": "for",
        "tools": "for",
        "prompt": "for",
        "trend": "for",
        "cost": "unknown",
        "latency": "unknown",
    }
    return [
        Signal(name=name, state=states.get(name, side), sentence=name)
        for name, side in sides.items()
    ]


@pytest.mark.parametrize("gate", ["evals", "data", "tools", "prompt", "trend"])
def test_every_hard_negative_flips_the_answer_and_is_named(gate: str) -> None:
    sides: dict[str, Side] = {gate: "against"}
    state, deciding = decide(signals(**sides))
    assert (state, [signal.name for signal in deciding]) == ("not_yet", [gate])


@pytest.mark.parametrize("gate", ["tools", "prompt"])
def test_a_gate_that_is_not_known_is_no_yes(gate: str) -> None:
    sides: dict[str, Side] = {gate: "unknown"}
    state, deciding = decide(signals(**sides))
    assert (state, [signal.name for signal in deciding]) == ("cannot_tell", [gate])


def test_any_positive_is_enough() -> None:
    assert decide(signals(trend="unknown", cost="for"))[0] == "train"


def test_all_hard_negatives_are_named() -> None:
    state, deciding = decide(signals(data="against", trend="against", cost="for"))
    assert (state, [signal.name for signal in deciding]) == ("not_yet", ["data", "trend"])


def test_only_what_was_measured_lets_one_stay() -> None:
    measured = [s for s in signals(cost="against", latency="against") if s.name != "trend"]
    assert decide(measured)[0] == "stay"
    assert decide(signals(trend="unknown"))[0] == "cannot_tell"


@pytest.mark.parametrize(
    ("sides", "state", "deciding"),
    [
        ({}, "train", ["trend"]),
        ({"cost": "for"}, "train", ["trend", "cost"]),
        ({"trend": "unknown", "latency": "for"}, "train", ["latency"]),
        ({"cost": "against", "latency": "against"}, "train", ["trend"]),  # they hold up nothing
        ({"trend": "unknown"}, "cannot_tell", ["trend", "cost", "latency"]),
        ({"trend": "unknown", "cost": "against"}, "cannot_tell", ["trend", "latency"]),
        ({"tools": "unknown", "prompt": "unknown"}, "cannot_tell", ["tools", "prompt"]),
        ({"data": "unknown"}, "cannot_tell", ["data"]),
        (
            {"trend": "unknown", "tools": "unknown", "cost": "against", "latency": "against"},
            "cannot_tell",
            ["trend", "tools"],
        ),
        ({"tools": "against", "prompt": "unknown"}, "not_yet", ["tools"]),
        ({"trend": "against", "cost": "for", "latency": "for"}, "not_yet", ["trend"]),
        (
            {"evals": "against", "data": "against", "tools": "against", "prompt": "against"},
            "not_yet",
            ["evals", "data", "tools", "prompt"],
        ),
    ],
)
def test_gates_are_asked_in_their_order(
    sides: dict[str, Side], state: str, deciding: list[str]
) -> None:
    found, by = decide(signals(**sides))
    assert (found, [signal.name for signal in by]) == (state, deciding)


@given(st.lists(st.sampled_from(["for", "against", "unknown"]), min_size=7, max_size=7))
def test_no_answer_is_given_against_a_gate_or_out_of_ignorance(sides: list[Side]) -> None:
    names: list[Gate] = ["evals", "data", "tools", "prompt", "trend", "cost", "latency"]
    told = dict(zip(names, sides, strict=True))
    state, deciding = decide(signals(**told))
    hard = [name for name in names[:5] if told[name] == "against"]
    assert (state == "not_yet") is bool(hard)
    if state == "not_yet":
        assert [signal.name for signal in deciding] == hard
    if state == "train":
        assert any(told[name] == "for" for name in ("trend", "cost", "latency"))
        assert all(told[name] != "unknown" for name in ("data", "tools", "prompt"))
    if state == "stay":
        assert all(told[name] != "unknown" for name in names if name != "evals")
    if state == "cannot_tell":
        assert deciding and {signal.state for signal in deciding} == {"unknown"}


@given(st.permutations(range(7)))
def test_the_order_of_signals_does_not_decide(order: list[int]) -> None:
    told = [signals(), signals(data="against"), signals(tools="unknown"), signals(trend="unknown")]
    for each in told:
        assert decide([each[i] for i in order])[0] == decide(each)[0]


def test_a_suite_that_is_mature_excuses_one_that_is_not_but_no_other_gate() -> None:
    second = Signal(name="evals", state="against", sentence="small", about="small")
    assert decide([*signals(), second])[0] == "train"
    assert decide([*signals(evals="against"), second])[1][-1].sentence == "small"
    falling = Signal(name="trend", state="against", sentence="falls", about="small")
    assert decide([*signals(), falling]) == ("not_yet", [falling])
