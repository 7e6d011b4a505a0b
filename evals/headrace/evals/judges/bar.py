"""The bar for a judge whose word feeds verdicts, and what would mend one below it."""

import math
from collections.abc import Iterator

import msgspec

from headrace.evals.judges.agreement import Agreement


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Each is a decision; bounds are lower ones, at 90 %."""

    labels: int = 100  # by people
    kappa: float = 0.6
    kappa_bound: float = 0.4
    youden: float = 0.5  # bound of sensitivity + specificity - 1


def shortfalls(found: Agreement, bar: Bar | None = None) -> tuple[str, ...]:
    """What a judge lacks, each in a sentence with what would mend it; empty: it may be believed."""
    return tuple(_shortfalls(found, bar or Bar()))


def is_refuted(found: Agreement, bar: Bar | None = None) -> bool:
    """Whether the labels show a judge to be below the bar; too few of them leave that open."""
    asked = bar or Bar()
    if found.n >= asked.labels:
        return bool(shortfalls(found, asked))
    return found.high is not None and found.high < asked.kappa


def kappa_words(found: Agreement) -> str:
    """'0.06 [-0.09, 0.21]'."""
    if found.kappa is None or found.low is None or found.high is None:
        return "not defined"
    return f"{found.kappa:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _shortfalls(found: Agreement, bar: Bar) -> Iterator[str]:
    if found.n < bar.labels:
        yield (
            f"{found.n} attempts labelled by people, {bar.labels} needed: "
            f"label {bar.labels - found.n} more."
        )
    if found.one_class:
        said = "passes" if found.passed else "failures"
        other = "failures" if found.passed else "passes"
        yield f"People call all of them {said}: label {other} too."
        return
    yield from _about_kappa(found, bar)
    yield from _about_youden(found, bar)


def _about_kappa(found: Agreement, bar: Bar) -> Iterator[str]:
    if found.kappa is None or found.low is None or found.bound is None:
        return
    if found.low <= 0 and found.kappa < bar.kappa:  # else it may be good, and labels are few
        yield (
            f"Kappa {kappa_words(found)} is no better than chance: give the judge another prompt "
            "or model, or score by people."
        )
    elif found.kappa < bar.kappa:
        yield (
            f"Kappa {kappa_words(found)} is below {bar.kappa:g}: read the attempts on which judge "
            "and people differ, and sharpen the judge's rubric."
        )
    elif found.bound < bar.kappa_bound:
        more = _more(found.n, found.kappa - found.bound, found.kappa - bar.kappa_bound)
        yield (
            f"Kappa may be as low as {found.bound:.2f}, {bar.kappa_bound:g} is needed: "
            f"label about {more} more."
        )


def _about_youden(found: Agreement, bar: Bar) -> Iterator[str]:
    if found.sensitivity is None or found.specificity is None or found.youden is None:
        return
    if found.youden >= bar.youden:
        return
    passes, fails = found.sensitivity.mean, found.specificity.mean
    middle = passes + fails - 1
    if middle <= bar.youden:
        worse = (
            f"it passes {100 * (1 - fails):.0f} % of what people fail"
            if fails < passes
            else f"it fails {100 * (1 - passes):.0f} % of what people pass"
        )
        yield (
            f"A gain shows at {100 * max(middle, 0):.0f} % of its size through this judge, more "
            f"than {100 * bar.youden:.0f} % is needed: {worse}."
        )
        return
    more = _more(found.n, middle - found.youden, middle - bar.youden)
    yield (
        f"A gain may show at only {100 * found.youden:.0f} % of its size through this judge, "
        f"{100 * bar.youden:.0f} % is needed: label about {more} more."
    )


def _more(labels: int, reach: float, room: float) -> int:
    """Labels after which the bound holds, if the judge stays as good as it looks."""
    return max(1, math.ceil(labels * (reach / room) ** 2) - labels)
