"""Which of many candidates is best, on as few cases as it takes to stop the hopeless.

Racing (Maron, Moore 1994; Mnih, Szepesvari, Audibert 2008) with asymptotic confidence sequences.
All follows from the scores: the same scores give the same race, wherever it broke off.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np

from headrace.evals.errors import EvalError
from headrace.evals.races.confidence import Interval, sequence
from headrace.evals.races.course import FIRST, Course
from headrace.evals.races.succession import Succession, succession
from headrace.evals.statistics.contrast import Floats

State = Literal["racing", "winner", "survived", "futile", "dominated", "failed", "incumbent"]


class NoRace(EvalError):
    """Candidates, incumbent, alpha or delta that make no race."""


class IncumbentUnmeasured(EvalError):
    """Not one score of the incumbent in a whole round: there is nothing to compare with."""


class Race(msgspec.Struct, frozen=True, kw_only=True):
    """Who races over which cases, and by which rules. Raises NoRace."""

    candidates: tuple[str, ...]
    incumbent: str | None  # None: the candidates race each other alone
    course: Course
    delta: float  # smallest gain over the incumbent worth having; below 0: the loss one can bear
    alpha: float = 0.05  # chance of a wrong claim, over all candidates and looks

    def __post_init__(self) -> None:
        if len(set(self.entrants)) < len(self.entrants):
            raise NoRace(f"a name stands twice among {', '.join(self.entrants)}: once is enough")
        if len(self.entrants) < 2:
            raise NoRace("a race needs two candidates, or one and an incumbent")
        if not 0 < self.alpha < 0.5 or not -1 < self.delta < 1:
            raise NoRace(
                f"alpha = {self.alpha}, delta = {self.delta}: alpha lies between 0 and 0.5, "
                "delta between -1 and 1"
            )

    @property
    def entrants(self) -> tuple[str, ...]:
        """The candidates, then the incumbent if there is one."""
        return self.candidates if self.incumbent is None else (*self.candidates, self.incumbent)

    @property
    def level(self) -> float:
        """Of each bound: alpha shared out over the candidates."""
        return self.alpha / len(self.candidates)

    @property
    def margin(self) -> float:
        """What the lower bound of a promoted winner exceeds: 0, or the loss that one can bear."""
        return min(0.0, self.delta)

    @property
    def has_fresh(self) -> bool:
        """Will a winner face cases that did not pick it? Settled beforehand: alpha is spent once.

        A single candidate was not picked from others, so every case is fresh to it.
        """
        held_back = self.course.raced < len(self.course.ends)
        return self.incumbent is not None and (held_back or len(self.candidates) == 1)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one entrant did, over the cases that it was asked."""

    name: str
    state: State
    asked: int  # cases
    absent: int  # of those, how many have no score
    mean: float | None  # of its own scores, for display
    against: str | None  # whom `difference` compares it with: the incumbent or the leader
    difference: Interval | None
    stopped_at: int | None  # cases


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a race stands after some rounds."""

    rounds: int
    cases: int  # asked by the end of these rounds
    finished: bool
    asking: tuple[str, ...]  # whom the next round is put to; the incumbent comes last
    leader: str | None  # the best of those not stopped; the winner once there is one
    standings: tuple[Standing, ...]  # in the order of the candidates
    succession: Succession | None  # of a finished race with an incumbent and a winner


def follow(race: Race, scores: Mapping[str, Floats], rounds: int) -> Progress:
    """The race after so many rounds.

    `scores`: of every entrant, one for each case of the course in [0, 1], NaN where absent or not
    asked. Cases that were put to a candidate after it had stopped are not looked at.
    Raises IncumbentUnmeasured.
    """
    field = _Field(race, scores)
    while field.rounds < rounds and not field.is_over():
        field.look()
    return field.progress()


class _Left(msgspec.Struct, frozen=True, kw_only=True):
    """Why and where a candidate is asked no more."""

    state: State
    asked: int
    against: str | None = None
    difference: Interval | None = None


class _Field:
    """The candidates still asked, and why the others are not."""

    def __init__(self, race: Race, scores: Mapping[str, Floats]) -> None:
        self._race = race
        self._scores = scores
        self._codes = race.course.codes
        self._running = race.candidates
        self._left: dict[str, _Left] = {}
        self._seen = 0  # cases
        self._picked: int | None = None  # cases seen when a winner was picked
        self.rounds = 0
        self._pick()

    def is_over(self) -> bool:
        """No round is left, nobody to ask it, or nobody to compare the last one with."""
        used_up = self.rounds == len(self._race.course.ends)
        alone = self._race.incumbent is None and self._picked is not None
        return used_up or alone or not self._running

    def look(self) -> None:
        """Stop whom the scores up to the end of the next round condemn."""
        cases = self._race.course.round(self.rounds)
        self.rounds += 1
        self._seen = cases.stop
        self._drop({name: self._failure(name, cases) for name in self._asking()})
        leader = self._leader()
        self._drop({name: self._verdict(name, leader) for name in self._running})
        self._pick()

    def progress(self) -> Progress:
        over, leader = self.is_over(), self._leader()
        wins = over and leader is not None and self._race.incumbent is not None
        return Progress(
            rounds=self.rounds,
            cases=self._seen,
            finished=over,
            asking=() if over else self._asking(),
            leader=leader,
            standings=tuple(self._standing(name, leader, over) for name in self._race.candidates),
            succession=self._judge(leader) if wins and leader else None,
        )

    def _asking(self) -> tuple[str, ...]:
        incumbent = self._race.incumbent
        return self._running if incumbent is None else (*self._running, incumbent)

    def _drop(self, verdicts: Mapping[str, _Left | None]) -> None:
        self._left |= {name: left for name, left in verdicts.items() if left is not None}
        self._running = tuple(name for name in self._running if name not in self._left)

    def _failure(self, name: str, cases: slice) -> _Left | None:
        """Not one score in a round: provider or name is at fault, and more calls cure nothing."""
        if not np.isnan(self._scores[name][cases]).all():
            return None
        if name == self._race.incumbent:
            raise IncumbentUnmeasured(
                f"none of the {cases.stop - cases.start} answers of the incumbent {name!r} in "
                f"round {self.rounds} has a score"
            )
        return _Left(state="failed", asked=self._seen)

    def _verdict(self, name: str, leader: str | None) -> _Left | None:
        if self._is_below(name, self._race.incumbent, self._race.delta):
            return self._stop(name, "futile", self._race.incumbent)
        if self._is_below(name, leader, 0.0):
            return self._stop(name, "dominated", leader)
        return None

    def _is_below(self, name: str, other: str | None, bar: float) -> bool:
        if other is None or other == name:
            return False
        found = self._versus(name, other, self._seen)
        return found is not None and found.cases >= FIRST and found.high < bar

    def _stop(self, name: str, state: State, other: str | None) -> _Left:
        found = self._versus(name, other, self._seen)
        return _Left(state=state, asked=self._seen, against=other, difference=found)

    def _pick(self) -> None:
        """A winner stands alone or, when the cases for racing are used up, ahead."""
        alone = len(self._running) == 1
        used_up = self.rounds >= self._race.course.raced
        winner = self._leader() if used_up else self._running[0] if alone else None
        if self._picked is None and winner is not None:
            self._picked = self._seen
            others = [name for name in self._running if name != winner]
            self._drop({name: _Left(state="survived", asked=self._seen) for name in others})

    def _leader(self) -> str | None:
        """The first named among equals."""
        if not self._seen:
            return None
        leads = {name: self._lead(name) for name in self._running}
        return max(leads, key=lambda name: leads[name], default=None)

    def _lead(self, name: str) -> float:
        found = self._versus(name, self._race.incumbent, self._seen)
        return -np.inf if found is None else found.estimate

    def _versus(self, name: str, other: str | None, cases: int) -> Interval | None:
        """The paired difference over the first so many cases; of nobody: one's own mean."""
        difference = self._scores[name][:cases]
        if other is not None:
            difference = difference - self._scores[other][:cases]
        there = ~np.isnan(difference)
        if not there.any():
            return None
        codes = self._codes[:cases][there]
        return sequence(difference[there], codes, level=self._race.level)

    def _standing(self, name: str, leader: str | None, over: bool) -> Standing:
        racing = _Left(state="winner" if over else "racing", asked=self._seen)
        left = self._left.get(name, racing)
        scores = self._scores[name][: left.asked]
        present = scores[~np.isnan(scores)]
        against, difference = left.against, left.difference
        if against is None and left.asked:
            against = self._race.incumbent or (None if leader == name else leader)
            difference = None if against is None else self._versus(name, against, left.asked)
        return Standing(
            name=name,
            state=left.state,
            asked=left.asked,
            absent=left.asked - len(present),
            mean=float(present.mean()) if len(present) else None,
            against=against,
            difference=difference,
            stopped_at=None if left.state in ("racing", "winner", "survived") else left.asked,
        )

    def _judge(self, winner: str) -> Succession:
        """On the fresh cases where some were held back, else on all."""
        race, start = self._race, self._picked or 0
        part = slice(start if race.has_fresh else 0, self._seen)
        return succession(
            self._scores[winner][part],
            self._scores[race.incumbent or ""][part],
            self._codes[part],
            basis="fresh" if race.has_fresh else "raced",
            level=race.alpha if race.has_fresh else race.level,
            margin=race.margin,
        )
