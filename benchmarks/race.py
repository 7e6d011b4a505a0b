"""Races beside three other ways to find the best of K candidates, on the same scores.

`python benchmarks/race.py [--races 400] [--cases 600] [--seed 1]`: for several K and gaps, how
often the best candidate is lost, how often one that is no better is promoted, how often one that
is better is, the share of the full grid's calls, and by how many points the winner's gain is
overstated. Binary scores, an incumbent at 65 %, delta 3 points, alpha 5 %.
"""

import argparse
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import stats

from headrace.evals.race import Race, follow
from headrace.evals.races.course import FRESH, Course

Floats = NDArray[np.float64]
BASE, DELTA, ALPHA = 0.65, 0.03, 0.05
HARD = 0.15  # standard deviation of how hard a case is for everybody


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule made of one table of scores (cases x candidates, the incumbent last)."""

    pick: int | None  # the candidate it ends with
    promoted: bool
    calls: int
    gain: float | None  # of the pick over the incumbent, as it is reported


Rule = Callable[[Floats, np.random.Generator], Found]


def raced(scores: Floats, rng: np.random.Generator, *, fresh: float = FRESH) -> Found:
    cases, entrants = scores.shape
    lane = Course.draw({f"{n:05d}": f"{n:05d}" for n in range(cases)}, rng, fresh=fresh)
    names = tuple(str(n) for n in range(entrants - 1))
    race = Race(candidates=names, incumbent="old", course=lane, delta=DELTA, alpha=ALPHA)
    at = np.array([int(name) for name in lane.cases])
    told = dict(zip(race.entrants, scores[at].T, strict=True))
    end = follow(race, told, len(lane.ends))
    judged = end.succession
    return Found(
        pick=None if end.leader is None else int(end.leader),
        promoted=judged is not None and judged.promote,
        calls=sum(standing.asked for standing in end.standings) + end.cases,
        gain=judged.difference.estimate if judged and judged.difference else None,
    )


def raced_out(scores: Floats, rng: np.random.Generator) -> Found:
    return raced(scores, rng, fresh=0.0)


def grid(scores: Floats, _: np.random.Generator, *, level: float = ALPHA) -> Found:
    """Everybody on everything; the best is promoted if it alone were tested."""
    pick = int(scores[:, :-1].mean(axis=0).argmax())
    difference = scores[:, pick] - scores[:, -1]
    return Found(
        pick=pick,
        promoted=_is_above(difference, level),
        calls=scores.size,
        gain=float(difference.mean()),
    )


def grid_shared(scores: Floats, rng: np.random.Generator) -> Found:
    return grid(scores, rng, level=ALPHA / (scores.shape[1] - 1))


def halved(scores: Floats, _: np.random.Generator) -> Found:
    """Successive halving: the worse half goes, the cases double; the last one is tested."""
    cases = len(scores)
    left = np.arange(scores.shape[1] - 1)
    rounds = max(1, int(np.ceil(np.log2(len(left)))))
    calls = seen = 0
    for turn in range(rounds):
        end = cases // 2 ** (rounds - 1 - turn)
        calls += (len(left) + 1) * (end - seen)
        seen = end
        order = np.argsort(-scores[:end, left].mean(axis=0), kind="stable")
        left = left[order[: max(1, len(left) // 2)]]
    difference = scores[:seen, left[0]] - scores[:seen, -1]
    return Found(
        pick=int(left[0]),
        promoted=_is_above(difference, ALPHA),
        calls=calls,
        gain=float(difference.mean()),
    )


def _is_above(difference: Floats, level: float) -> bool:
    error = difference.std(ddof=1) / len(difference) ** 0.5
    return bool(difference.mean() > stats.norm.isf(level) * error)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "race": raced,
        "race, none fresh": raced_out,
        "grid, best tested": grid,
        "grid, alpha / K": grid_shared,
        "successive halving": halved,
    }
)


def worlds(candidates: int) -> Mapping[str, Floats]:
    """True gains over the incumbent, in points / 100; the best comes first."""
    rest = candidates - 1
    spread = -0.25 * np.arange(1, candidates) / rest
    return {
        "all equal": np.zeros(candidates),
        "one +8, others 0": np.array([0.08, *np.zeros(rest)]),
        "one +8, others -25 to 0": np.array([0.08, *spread]),
        "one +3, others -25 to 0": np.array([0.03, *spread]),
    }


def simulated(gains: Floats, cases: int, rng: np.random.Generator) -> Floats:
    hard = rng.normal(0, HARD, size=(cases, 1))
    chance = BASE + np.append(gains, 0.0) + hard
    return (rng.random(chance.shape) < chance).astype(float)


def row(name: str, gains: Floats, found: list[Found], grid_calls: int) -> list[str]:
    is_race_of_equals = not gains.any()
    lost = np.mean([f.pick != 0 for f in found])
    wrong = np.mean([f.promoted and gains[f.pick or 0] <= 0 for f in found])
    hit = np.mean([f.promoted and gains[f.pick or 0] > 0 for f in found])
    excess = [f.gain - gains[f.pick] for f in found if f.gain is not None and f.pick is not None]
    return [
        name,
        "-" if is_race_of_equals else f"{100 * lost:.1f} %",
        f"{100 * wrong:.1f} %",
        "-" if is_race_of_equals else f"{100 * hit:.0f} %",
        f"{100 * np.mean([f.calls for f in found]) / grid_calls:.0f} %",
        f"{100 * np.mean(excess):+.1f}" if excess else "-",
    ]


def main() -> None:
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--races", type=int, default=400)
    parser.add_argument("--cases", type=int, default=600)
    parser.add_argument("--candidates", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for candidates in asked.candidates:
        for title, gains in worlds(candidates).items():
            rng = np.random.default_rng([asked.seed, candidates])
            tables = [simulated(gains, asked.cases, rng) for _ in range(asked.races)]
            shown = Table(title=f"K = {candidates}: {title} ({asked.races} races)", box=None)
            shown.add_column("")
            for column in ("best lost", "wrong", "promoted", "calls", "overstated"):
                shown.add_column(column, justify="right")
            for name, rule in RULES.items():
                found = [rule(scores, rng) for scores in tables]
                shown.add_row(*row(name, gains, found, asked.cases * (candidates + 1)))
            Console().print(shown)


if __name__ == "__main__":
    main()
