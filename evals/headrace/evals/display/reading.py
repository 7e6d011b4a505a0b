"""A comparison in words: the difference with its interval, slices that move, what was left out."""

from collections.abc import Iterator, Sequence

from headrace.evals.display.wording import interval_words, needs_words, plural, points
from headrace.evals.statistics.comparison import Comparison, SliceComparison

_NAMED = 5  # cases of one kind that are named in a sentence


def comparison_words(found: Comparison) -> str:
    """A comparison in some sentences."""
    said = [_claim(found), *_size(found), *_slices(found), *_use(found), *_price(found)]
    return " ".join([*said, *_left_out(found)])


def _claim(found: Comparison) -> str:
    subject = {
        "better": f"{found.b} is better than {found.a}",
        "worse": f"{found.b} is worse than {found.a}",
        "equivalent": f"{found.b} is as good as {found.a}",
        "undecided": f"Cannot tell {found.b} from {found.a} ({found.reason})",
    }[found.state]
    if found.reason == "one configuration":
        subject = f"{found.a} and {found.b} are one configuration measured twice"
    if found.difference is None or found.p is None:
        return f"{subject}: {plural(found.n, 'shared case')}."
    test = f"{found.test} p {_chance(found.p)}"
    return (
        f"{subject}: {points(found.difference)} points ({100 * found.level:.0f} % interval "
        f"{interval_words(found.low, found.high)}; {test}; {plural(found.n, 'shared case')}, "
        f"{found.fixed} fixed, {found.broken} broken)."
    )


def _chance(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"= {p:.2g}"


def _size(found: Comparison) -> Iterator[str]:
    small = found.equivalence_p is not None and found.equivalence_p < 1 - found.level
    if found.state == "equivalent" or (small and found.state in ("better", "worse")):
        yield f"A difference of {100 * found.delta:g} points or more is ruled out."
    if found.tau:
        wobble = f"{100 * found.tau:.1f} points"
        yield f"A release moves by {wobble} by itself (A/A): that is allowed for."
    if found.reason == "one configuration":
        yield "What differs is noise: `headrace eval noise` measures it."


def _slices(found: Comparison) -> Iterator[str]:
    for part in found.slices:
        if part.state in ("better", "worse"):
            yield _slice(part, against=part.state != found.state)


def _slice(part: SliceComparison, *, against: bool) -> str:
    said = f"Slice {part.name} is {part.state}{', against the total' if against else ''}"
    return f"{said}: {points(part.difference)} points ({interval_words(part.low, part.high)})."


def _use(found: Comparison) -> Iterator[str]:
    if found.non_inferior and found.state in ("equivalent", "undecided", "worse"):
        yield (
            f"Where it is cheaper or faster it may replace {found.a}: it is not worse by "
            f"{100 * found.delta:g} points"
            + (f", nor by {200 * found.delta:g} in a larger slice." if found.slices else ".")
        )


def _price(found: Comparison) -> Iterator[str]:
    if found.reason == "missing data":
        yield "So many attempts have no score that these could turn it: run them again."
    elif found.needs is not None and found.needs.jitter:
        yield "A release wobbles too much from run to run for any number of cases to decide it."
    elif found.needs is not None:
        words = needs_words(found.needs, found.n)
        if words is not None:
            yield f"To decide it would take about {words}."


def _left_out(found: Comparison) -> Iterator[str]:
    parts = [
        f"{plural(len(cases), 'case')} {where} ({_names(cases)})"
        for cases, where in (
            (found.only_a, f"of {found.a} alone"),
            (found.only_b, f"of {found.b} alone"),
            (found.unmeasured, "without a score on one side"),
        )
        if cases
    ]
    if parts:
        yield f"Left out: {'; '.join(parts)}."


def _names(cases: Sequence[str]) -> str:
    more = len(cases) - _NAMED
    return ", ".join(cases[:_NAMED]) + (f" and {more} more" if more > 0 else "")
