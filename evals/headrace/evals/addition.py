"""A team's own eval set as cases: added once, edited as new cases, never half."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from headrace.evals import case
from headrace.evals.cases.caserow import CasePicks, CaseRow, rows
from headrace.evals.cases.exposure import Exposure, exposures
from headrace.evals.cases.origin import case_hash
from headrace.evals.errors import CasesRefused
from headrace.lake.message import digest, dump
from headrace.lake.record import Case
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

DIGITS = 8  # of the content hash, behind the id of a row that was edited
COUNTED = ("added", "edited", "filled", "relabelled", "unchanged", "retired")


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """A row that asks or expects something else than the case of its id: another case."""

    row: str
    case_id: str
    instead_of: tuple[str, ...]  # cases retired for it


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows of a file; `by_scorer` counts the cases that stand now."""

    project: str
    suite: str
    file: str
    rows: int
    added: int
    edited: int  # rows that became another case: see `edits`
    edits: tuple[Edit, ...]
    filled: int  # cases that loaded scores had named and nobody had told the question of
    relabelled: int  # another slice or cluster, the same case
    unchanged: int
    retired: int  # rows of cases that were retired by hand, and stay so
    secrets: int  # rows from which secrets were removed
    unanswerable: int  # rows without a target, which only production could answer
    exported: tuple[Exposure, ...]  # data sets that give added cases away
    by_scorer: Mapping[str, int]


def add(
    lake: Lake,
    project: str,
    file: Path | str,
    picks: CasePicks,
    *,
    suite: str,
    scorer: str | None = None,
    now: datetime,
) -> Added:
    """Add the rows of a JSONL file as cases; the same file twice adds nothing.

    A case is named by its row's id, else by its content. A row that was edited under its id is a
    new case, named by id and content, and the old one is retired: scores are compared where the
    content is the same. Without `scorer` a list of calls is compared by `tool_calls`, a text by
    `match`. Nothing is written unless every row is a case. Raises CasesRefused, BadPick,
    UnreadableFile, UnknownScorer.
    """
    read = rows(Path(file), picks, scorer)
    plan = _Plan(lake, project, suite, Path(file).name, now)
    for row in read:
        plan.take(row)
    exported = exposures(lake, project, plan.news)
    plan.write(lake)
    standing = [c for c in case.cases(lake, project, suite) if c.retired_at is None]
    return Added(
        project=project,
        suite=suite,
        file=str(file),
        rows=len(read),
        edits=tuple(plan.edits),
        **{name: plan.counts[name] for name in COUNTED},
        secrets=sum(row.secrets > 0 for row in read),
        unanswerable=sum(row.scorer == case.OUTCOME for row in read),
        exported=exported,
        by_scorer=dict(sorted(Counter(c.scorer for c in standing).items())),
    )


class _Plan:
    """What the rows change in a suite, kept until all of them are read."""

    def __init__(self, lake: Lake, project: str, suite: str, file: str, now: datetime) -> None:
        self._project, self._suite, self._file, self._now = project, suite, file, now
        self._families: dict[str, list[Case]] = {}
        for item in case.cases(lake, project, suite):
            for name in _names(item):
                self._families.setdefault(name, []).append(item)
        self._seen: dict[str, tuple[str, str]] = {}  # id of a row -> content, place
        self._put: dict[str, Case] = {}
        self._gone: list[str] = []
        self.news: list[Case] = []  # cases with a content that did not stand
        self.edits: list[Edit] = []
        self.counts: Counter[str] = Counter()

    def take(self, row: CaseRow) -> None:
        content = case_hash(row.question, row.target, row.scorer)
        name = row.name or digest(dump([self._project, self._suite, content]))
        first, where = self._seen.setdefault(name, (content, row.where))
        if first != content:
            raise CasesRefused(
                f"{row.where}: id {name[:60]!r} names another case at {where}: pick an id that is "
                "unique, or none"
            )
        if where != row.where:
            self.counts["unchanged"] += 1
            return
        self._place(row, name, content, self._families.get(name, []))

    def write(self, lake: Lake) -> None:
        where = {"project": self._project, "suite": self._suite}

        def work(tx: Transaction) -> None:
            tx.upsert("cases", self._put.values(), on=["project", "suite", "case_id"])
            if self._gone:
                tx.run(_sql()["retire_cases"], {**where, "cases": self._gone, "now": self._now})

        if self._put:
            lake.write(work)

    def _place(self, row: CaseRow, name: str, content: str, family: Sequence[Case]) -> None:
        _check_origin(row, name, family)
        standing = [item for item in family if item.retired_at is None]
        same = next((item for item in family if item.content_hash == content), None)
        if same is not None and same.retired_at is None:
            self._label(row, same)
        elif same is not None and not standing:
            self.counts["retired"] += 1
        elif not family:
            self._news("added", self._case(row, name, name, content))
        elif standing and not _asks(standing[0]):
            self._news("filled", self._filled(row, standing[0], name, content))
        else:
            self._edit(row, name, content, same, standing)

    def _label(self, row: CaseRow, item: Case) -> None:
        """A slice or cluster is no content: it may be told later, or told anew."""
        told = {"slice": row.slice or item.slice, "cluster": row.cluster or item.cluster}
        labelled = msgspec.structs.replace(item, **told)
        self.counts["unchanged" if labelled == item else "relabelled"] += 1
        if labelled != item:
            self._put[item.case_id] = labelled

    def _edit(
        self, row: CaseRow, name: str, content: str, same: Case | None, standing: Sequence[Case]
    ) -> None:
        """A content that was there before comes back as the case that it was."""
        case_id = same.case_id if same is not None else f"{name}@{content[:DIGITS]}"
        gone = tuple(item.case_id for item in standing)
        self._gone += gone
        self.edits.append(Edit(row=name, case_id=case_id, instead_of=gone))
        self._news("edited", self._case(row, case_id, name, content, same))

    def _news(self, what: str, item: Case) -> None:
        self.counts[what] += 1
        self._put[item.case_id] = item
        self.news.append(item)

    def _filled(self, row: CaseRow, item: Case, name: str, content: str) -> Case:
        return self._case(row, item.case_id, name, content, item)

    def _case(
        self, row: CaseRow, case_id: str, name: str, content: str, before: Case | None = None
    ) -> Case:
        """The case of a row; `before` is what stood or stands under its id."""
        return Case(
            project=self._project,
            suite=self._suite,
            case_id=case_id,
            input=dump(row.question),
            target=None if row.target is None else dump(row.target),
            scorer=row.scorer,
            slice=row.slice or (before.slice if before else None),
            cluster=row.cluster or (before.cluster if before else None),
            content_hash=content,
            added_at=before.added_at if before else self._now,
            origin=dump({"from": "file", "file": self._file, "row": name}),
        )


def _names(item: Case) -> set[str]:
    """The ids of rows that a case may be of: its own, or that before its content hash."""
    base = item.case_id.removesuffix(f"@{item.content_hash[:DIGITS]}")
    return {item.case_id, base}


def _asks(item: Case) -> bool:
    return bool(json.loads(item.input).get("messages"))


def _check_origin(row: CaseRow, name: str, family: Iterable[Case]) -> None:
    if any(item.origin_episode_id for item in family):
        raise CasesRefused(
            f"{row.where}: id {name[:60]!r} is that of a case grown from production, which no file "
            "changes: give the row another id"
        )


def _sql() -> Mapping[str, str]:
    return statements("headrace.evals", "suite.sql")
