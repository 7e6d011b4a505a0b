"""Verdicts in words: what a person reads beside the numbers, never without their interval."""

from collections.abc import Iterator

from headrace.evals.plateau import TrendVerdict
from headrace.evals.statistics.needs import Needs


def points(share: float) -> str:
    """A difference of scores in points: 0.031 -> '+3.1'."""
    return f"{round(100 * share, 1) + 0.0:+.1f}"  # nothing lost is no '-0.0'


def interval_words(low: float | None, high: float | None) -> str:
    """'+1.1 to +7.3', in points."""
    if low is None or high is None:
        return "no interval"
    # no difference of means is larger, whatever a wide t interval says
    return f"{points(max(low, -1.0))} to {points(min(high, 1.0))}"


def verdict_words(verdict: TrendVerdict, established: str | None = None) -> str:
    """A trend verdict in one to three sentences.

    `established`: the release at which a plateau was shown that nothing contradicts since.
    """
    return " ".join([_claim(verdict, established), *_bound(verdict), *_price(verdict)])


def state_words(verdict: TrendVerdict, established: str | None = None) -> str:
    """The state alone: 'plateaued, established at v9', 'cannot tell (too few releases)'."""
    if established is not None and verdict.state in ("plateaued", "inconclusive"):
        stands = f"plateaued, established at {established}"
        if verdict.reason is None:
            return stands
        return f"{stands}; newest look inconclusive ({verdict.reason}), not contradicted"
    if verdict.reason is None:
        return verdict.state
    return f"cannot tell ({verdict.reason})"


def needs_words(needs: Needs, cases: int) -> str | None:
    """What would decide, given `cases` shared ones now; None where no lever is known to help."""
    levers = list(_levers(needs, cases))
    return ", or ".join(levers) if levers else None


def _claim(verdict: TrendVerdict, established: str | None) -> str:
    said = state_words(verdict, established)
    said = said[:1].upper() + said[1:]
    if verdict.gain is None or verdict.low is None or verdict.high is None:
        return f"{said}: {plural(verdict.n, 'shared case')}, {plural(verdict.releases, 'release')}."
    interval = interval_words(verdict.low, verdict.high)
    per = plural(verdict.window, "release") if verdict.window > 1 else "release"
    return f"{said}: {points(verdict.gain)} points per {per} ({interval})."


def _bound(verdict: TrendVerdict) -> Iterator[str]:
    ruled_out = verdict.certifiable_delta
    if ruled_out is not None and ruled_out < 1 and verdict.state in ("plateaued", "inconclusive"):
        yield f"A gain of {100 * ruled_out:.1f} points or more is ruled out."


def _price(verdict: TrendVerdict) -> Iterator[str]:
    if verdict.reason == "one release":
        yield f"A movement takes two releases, a plateau {verdict.window + 1}."
    elif verdict.reason == "saturated":
        yield "The suite is near its top: add harder cases."
    elif verdict.reason == "missing data":
        yield f"{100 * verdict.absent:.0f} % of attempts have no score: run these again."
    elif verdict.needs is not None:
        if verdict.reason == "too few releases":
            missing = max(1, verdict.window + 1 - verdict.releases)
            yield f"A plateau takes at least {plural(missing, 'more release')}."
        words = needs_words(verdict.needs, verdict.n)
        if words is not None:
            yield f"To decide it would take about {words}."


def _levers(needs: Needs, cases: int) -> Iterator[str]:
    if needs.epochs is not None:
        yield f"{plural(needs.epochs, 'epoch')} of every case"
    if needs.cases is not None and needs.cases > cases:
        yield plural(_order(needs.cases - cases), "more case")
    if needs.releases is not None:
        yield plural(needs.releases, "more release")


def _order(count: int) -> int:
    """Two digits of a large number: an order of size must not look like a count."""
    return count if count < 100 else round(count, 2 - len(str(count)))


def plural(count: int, one: str, many: str | None = None) -> str:
    """'1 case', '2,000 cases'; `many` where an s does not do."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
