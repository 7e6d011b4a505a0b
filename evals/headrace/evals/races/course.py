"""The course of a race: cases in random order, in rounds, the last of them kept fresh."""

from collections.abc import Mapping
from typing import Self

import msgspec
import numpy as np

from headrace.evals.errors import EvalError
from headrace.evals.statistics.contrast import Codes

FIRST = 50  # cases before the first look: earlier, the intervals are not yet to be trusted
STEP = 25  # cases between two looks
FRESH = 0.5  # share of the cases that only a winner and the incumbent are asked: measured best


class CourseTooShort(EvalError):
    """A suite has too few cases for anybody to be stopped."""


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """Cases in the order in which they are asked; a cluster is never divided by a look."""

    cases: tuple[str, ...]
    clusters: tuple[str, ...]  # of each case
    ends: tuple[int, ...]  # cases asked by the end of each round
    raced: int  # rounds that every candidate may run; those after them are held back

    @classmethod
    def draw(
        cls,
        clusters: Mapping[str, str],
        rng: np.random.Generator,
        *,
        fresh: float,
        limit: int | None = None,
    ) -> Self:
        """Shuffle whole clusters of cases (case -> cluster), whatever order they come in.

        `fresh`: share of the cases that is held back, at most one half. `limit`: at most so
        many cases. Raises CourseTooShort where fewer than `FIRST` remain to race.
        """
        members: dict[str, list[str]] = {}
        for case in sorted(clusters):
            members.setdefault(clusters[case], []).append(case)
        names = sorted(members)
        shuffled = [members[names[at]] for at in rng.permutation(len(names))]
        blocks = _within(shuffled, limit)
        cases = tuple(case for block in blocks for case in block)
        held = round(fresh * len(cases))
        _check(len(cases), held)
        edges = np.cumsum([len(block) for block in blocks]).tolist()
        front = _ends(edges, len(cases) - held, FIRST)
        back = _ends(edges, len(cases), front[-1] + STEP) if front[-1] < len(cases) else []
        return cls(
            cases=cases,
            clusters=tuple(clusters[case] for case in cases),
            ends=(*front, *back),
            raced=len(front),
        )

    @property
    def codes(self) -> Codes:
        """A number for the cluster of each case."""
        return np.unique(np.array(self.clusters), return_inverse=True)[1].astype(np.intp)

    def round(self, number: int) -> slice:
        """Where the cases of a round stand, the first being round 0."""
        return slice(self.ends[number - 1] if number else 0, self.ends[number])


def fresh_share(cases: int) -> float:
    """A half where that leaves enough on both sides, else none."""
    return FRESH if cases * FRESH >= FIRST else 0.0


def _within(blocks: list[list[str]], limit: int | None) -> list[list[str]]:
    sizes = np.cumsum([len(block) for block in blocks])
    return blocks if limit is None else blocks[: int(np.searchsorted(sizes, limit, side="right"))]


def _ends(edges: list[int], last: int, first: int) -> list[int]:
    """The edges of clusters at or above first, first + STEP, ... up to the one that has last.

    A last round shorter than half a step joins the one before it.
    """
    ends: list[int] = []
    wanted = first
    for edge in edges:
        if edge >= last:
            return [*ends, edge]
        if edge >= wanted and last - edge >= STEP / 2:
            ends.append(edge)
            wanted = edge + STEP
    return ends


def _check(cases: int, held: int) -> None:
    if cases - held >= FIRST:
        return
    without = f" of {cases}, {held} being kept fresh" if held else ""
    raise CourseTooShort(
        f"{cases - held} cases{without} are too few to race: nobody is stopped before {FIRST}. "
        "Add cases, keep fewer fresh, or run each candidate with `headrace eval run` and "
        "compare the runs with `headrace eval compare`"
    )
