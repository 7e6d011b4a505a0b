"""A race in words: who leads, who was stopped where, what that saved, and what may be claimed."""

from collections.abc import Iterator

from headrace.evals.display.wording import points
from headrace.evals.races.confidence import Interval
from headrace.evals.races.placing import Placing, RaceResult
from headrace.evals.races.succession import Succession

_STOPPED = ("futile", "dominated")


def announcement(found: RaceResult) -> str:
    """A finished race in a few sentences."""
    return " ".join([*_course(found), *_successor(found), *_failures(found), *_caveats(found)])


def bounds(found: Interval) -> str:
    """'+1.1 to +7.3', in points."""
    return f"{points(found.low)} to {points(found.high)}"


def error_words(found: RaceResult) -> str:
    """How often such a race is wrong."""
    chance = f"{100 * found.alpha:g} %"
    if found.incumbent is None:
        return f"The best is stopped in at most {chance} of such races."
    worth = f"gains {100 * found.delta:g} points"
    if found.delta <= 0:
        worth = f"loses at most {-100 * found.delta:g} points"
    better = "no better" if found.delta >= 0 else "worse than that"
    return (
        f"The best, if it {worth}, is stopped in at most {chance} of such races; one that is "
        f"{better} is promoted in at most {chance}."
    )


def _course(found: RaceResult) -> Iterator[str]:
    stopped = [p for p in found.candidates if p.state in _STOPPED]
    lead = f"{found.leader} leads" if found.leader else "No candidate is left"
    parts = [lead, *_stops(found, stopped), *_savings(found)]
    yield "; ".join(parts) + "."
    equals = [p.name for p in found.candidates if p.state == "survived"]
    if equals:
        yield f"The race did not tell it apart from {', '.join(equals)}."


def _stops(found: RaceResult, stopped: list[Placing]) -> Iterator[str]:
    if not stopped:
        return
    ends = sorted(p.asked for p in stopped)
    where = f"after {ends[0]}" if ends[0] == ends[-1] else f"after {ends[0]} to {ends[-1]}"
    yield f"{len(stopped)} of {len(found.candidates)} stopped {where} of {found.cases} cases"


def _savings(found: RaceResult) -> Iterator[str]:
    if found.calls < found.grid:
        money = found.cost_saved_usd
        and_money = f" and ${money:.2f}" if money else ""
        yield f"{100 * found.saved:.0f} % of the calls{and_money} saved"


def _successor(found: RaceResult) -> Iterator[str]:
    told = found.succession
    if told is None or found.incumbent is None:
        return
    against = f"against {found.incumbent.name}"
    if told.difference is None:
        yield f"No case has scores of both {found.leader} and {found.incumbent.name}."
        return
    gain = f"{points(told.difference.estimate)} points"
    interval = bounds(told.difference)
    cases = _basis(told, told.difference.cases)
    yield f"On {cases} {found.leader} is {gain} ({interval}) {against}: {_claim(found, told)}."


def _basis(told: Succession, cases: int) -> str:
    return f"{cases} fresh cases" if told.basis == "fresh" else f"the {cases} cases that picked it,"


def _claim(found: RaceResult, told: Succession) -> str:
    if told.promote:
        return "promote it" if found.delta >= 0 else "no worse than allowed, promote it"
    if told.in_doubt:
        return f"not to be promoted while {told.absent} scores are absent"
    return "not shown to be better" if found.delta >= 0 else "not shown to be as good as allowed"


def _failures(found: RaceResult) -> Iterator[str]:
    for placing in found.candidates:
        if placing.state == "failed":
            why = next(iter(placing.reasons), "no answer")
            yield f"{placing.name} failed: {why}. The same command asks it again."


def _caveats(found: RaceResult) -> Iterator[str]:
    yield error_words(found)
    if found.delta_assumed and found.incumbent is not None:
        yield f"A delta of {100 * found.delta:g} points is assumed, not given."
