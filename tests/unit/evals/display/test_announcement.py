from decimal import Decimal
from typing import Any

import msgspec

from headrace.evals.display.announcement import announcement, error_words
from headrace.evals.races.confidence import Interval
from headrace.evals.races.placing import Placing, RaceResult
from headrace.evals.races.succession import Succession

GAIN = Interval(estimate=0.061, low=0.02, high=0.102, cases=300, clusters=300)
PROMOTED = Succession(
    promote=True, basis="fresh", level=0.05, difference=GAIN, absent=0, in_doubt=False
)


def placing(name: str, state: Any, asked: int = 600, **more: Any) -> Placing:
    fields: dict[str, Any] = {
        "absent": 0,
        "mean": 0.7,
        "against": None,
        "difference": None,
        "stopped_at": None,
        "model": name,
        "cost_usd": None,
        "cost_saved_usd": None,
        "reasons": {},
    }
    return Placing(name=name, state=state, asked=asked, **(fields | more))


def found(*candidates: Placing, **more: Any) -> RaceResult:
    fields: dict[str, Any] = {
        "incumbent": placing("old", "incumbent"),
        "leader": "new",
        "succession": PROMOTED,
        "calls": 390,
        "grid": 1000,
        "cost_saved_usd": Decimal("3.1"),
        "delta": 0.03,
        "delta_assumed": False,
    }
    return RaceResult(
        name="r",
        project="p",
        suite="s",
        seed=0,
        alpha=0.05,
        level=0.01,
        cases=600,
        candidates=candidates,
        cost_usd=None,
        recalled=0,
        folder="f",
        **(fields | more),
    )


def test_the_sentence_says_who_leads_who_stopped_and_what_was_saved() -> None:
    said = announcement(
        found(
            placing("new", "winner"),
            placing("a", "futile", 75),
            placing("b", "dominated", 75),
            placing("c", "survived"),
        )
    )
    assert said.startswith(
        "new leads; 2 of 4 stopped after 75 of 600 cases; 61 % of the calls and $3.10 saved. "
        "The race did not tell it apart from c. On 300 fresh cases new is +6.1 points (+2.0 to "
        "+10.2) against old: promote it."
    )


def test_candidates_that_stopped_at_several_looks_are_told_as_a_span() -> None:
    said = announcement(
        found(placing("new", "winner"), placing("a", "futile", 50), placing("b", "futile", 125))
    )
    assert "2 of 3 stopped after 50 to 125 of 600 cases" in said


def test_money_that_nobody_knows_is_not_told() -> None:
    said = announcement(found(placing("new", "winner"), cost_saved_usd=None))
    assert "61 % of the calls saved." in said
    assert "$" not in said


def test_a_lead_alone_is_no_reason_to_promote() -> None:
    unsure = msgspec.structs.replace(PROMOTED, promote=False)
    assert "not shown to be better" in announcement(found(succession=unsure))
    doubtful = msgspec.structs.replace(unsure, in_doubt=True, absent=40)
    said = announcement(found(succession=doubtful))
    assert "not to be promoted while 40 scores are absent" in said
    raced = msgspec.structs.replace(unsure, basis="raced")
    assert "On the 300 cases that picked it, new is " in announcement(found(succession=raced))


def test_the_failed_are_named_with_their_reason() -> None:
    broken = placing("bad", "failed", 50, absent=50, reasons={"401 no key": 50})
    said = announcement(found(placing("new", "winner"), broken))
    assert "bad failed: 401 no key. The same command asks it again." in said


def test_where_nobody_is_left_that_is_said() -> None:
    said = announcement(found(placing("a", "futile", 50), leader=None, succession=None))
    assert said.startswith("No candidate is left; 1 of 1 stopped after 50 of 600 cases")


def test_an_assumed_delta_is_told_and_so_is_the_chance_of_error() -> None:
    said = announcement(found(placing("new", "winner"), delta_assumed=True))
    assert "A delta of 3 points is assumed, not given." in said
    assert error_words(found()) in said
    assert "gains 3 points" in error_words(found())
    assert "loses at most 2 points" in error_words(found(delta=-0.02))
    assert "stopped in at most 5 %" in error_words(found(incumbent=None))
