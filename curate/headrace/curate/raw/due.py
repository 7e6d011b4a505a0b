"""Whose raw texts are old enough to go, and why others stay."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from headrace.curate import scrubbing
from headrace.curate.component import roots
from headrace.lake.record import RetiredRow
from headrace.lake.statement import statements
from headrace.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

Bools = NDArray[np.bool_]


class Due:
    """The traces and episodes of a project whose raw texts are there, joined to groups.

    A trace belongs to the episodes that hold it, and these to all of their traces: a group goes as
    one, so that no episode is ever made anew of half of its spans.
    """

    def __init__(
        self, project: str, traces: "pa.Table", episodes: "pa.Table", *, now: datetime
    ) -> None:
        self._project, self._now = project, now
        self._traces, self._episodes = traces, episodes
        first = len(traces)
        number = {name: n for n, name in enumerate(traces["trace_id"].to_pylist())}
        edges = [
            (first + n, number[name])
            for n, names in enumerate(episodes["trace_ids"].to_pylist())
            for name in names
            if name in number
        ]
        pairs = np.array(edges, np.int64).reshape(-1, 2)
        self._root = roots(first + len(episodes), pairs[:, 0], pairs[:, 1])
        self._dated = np.ones(len(self._root), bool)  # by itself; not an episode that traces date
        self._dated[pairs[:, 0]] = False
        old = np.concatenate([_bools(traces, "old"), _bools(episodes, "old")])
        self._old = old | ~self._dated
        self._unassembled, self._unscrubbed, refused = np.zeros((3, len(self._root)), bool)
        self._unassembled[:first] = ~_bools(traces, "assembled")
        self._unscrubbed[first:] = ~_bools(episodes, "ready")
        refused[first:] = _bools(episodes, "refused")
        self._refused = refused & self._unscrubbed
        stays = self._with_any(~self._old | self._unassembled | self._unscrubbed)
        self._places = np.flatnonzero(~stays)

    @classmethod
    def of(cls, lake: Lake, project: str, *, before: datetime, now: datetime) -> Self:
        given = {"project": project, "before": before}
        refused = {"scrub": scrubbing.STEP, "refused": scrubbing.NOT_SCRUBBABLE}
        traces = lake.table(_sql("traces"), given)
        return cls(project, traces, lake.table(_sql("episodes"), {**given, **refused}), now=now)

    @property
    def waiting(self) -> Mapping[str, int]:
        """Why traces, and episodes without any, stay though they are old themselves."""
        stays = self._old & self._dated
        reasons = {
            "not_assembled": self._unassembled,
            scrubbing.NOT_SCRUBBABLE: self._refused,
            "not_scrubbed": self._unscrubbed,
            "still_growing": ~self._old,
        }
        found: Counter[str] = Counter()
        for why, where in reasons.items():
            here = stays & self._with_any(where)
            found[why] = int(here.sum())
            stays &= ~here
        return +found

    def __len__(self) -> int:
        """How many traces and episodes go."""
        return len(self._places)

    def parts(self, most: int) -> Iterator[list[RetiredRow]]:
        """The marks of what goes, about so many at once, and never half a group."""
        places = self._places
        part: list[RetiredRow] = []
        group = -1
        for place in places[np.argsort(self._root[places], kind="stable")].tolist():
            if len(part) >= most and self._root[place] != group:
                yield part
                part = []
            group = self._root[place]
            part.append(self._mark(place))
        if part:
            yield part

    def _with_any(self, found: Bools) -> Bools:
        """Whether it is so of anything in the same group."""
        return np.isin(self._root, self._root[found])

    def _mark(self, place: int) -> RetiredRow:
        episode = place - len(self._traces)
        if episode < 0:
            return RetiredRow(
                project=self._project,
                kind="trace",
                key=self._traces["trace_id"][place].as_py(),
                upto=self._traces["upto"][place].as_py(),
                heard=self._traces["heard"][place].as_py(),
                at=self._now,
            )
        return RetiredRow(
            project=self._project,
            kind="episode",
            key=self._episodes["episode_id"][episode].as_py(),
            revision=self._episodes["revision"][episode].as_py(),
            at=self._now,
        )


def _bools(table: "pa.Table", name: str) -> Bools:
    return np.asarray(table[name], bool)


def _sql(name: str) -> str:
    return statements("headrace.curate", "retire.sql")[name]
