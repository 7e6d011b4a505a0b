"""Everybody's word on each episode, kept as it came: of marks, silence, judges and rules."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from headrace.curate.backlog import Backlog, Chunk
from headrace.curate.labels.cast import Refused, asked, called
from headrace.curate.labels.declared import Declared, declared
from headrace.curate.labels.late import Late
from headrace.curate.labels.poll import marks_of
from headrace.curate.labels.rule import AnyRule, Rule, SqlRule
from headrace.curate.labels.rulebook import rulebook
from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult
from headrace.lake.message import digest
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "vote"
MEMORY_MIB = 1_000  # that DuckDB may hold
REASONS = 20  # that are told apart; the rest is counted together
OTHER = "for other reasons"

SHAPE = pa.schema(
    [
        *((name, pa.string()) for name in ("episode_id", "name", "source", "author", "family")),
        ("value", pa.int64()),
        ("at", pa.timestamp("us", "UTC")),
    ]
)


def vote(lake: Lake, project: str, *, now: datetime, told: Progress = silent) -> StepResult:
    """Add to `votes` what was said since: nothing is taken out, a change is a further vote.

    Marks, judgements and silence are looked at as a whole, in columns. Python rules see episodes
    that they did not see yet, all of them again where their file has changed; they wait for
    episodes to be scrubbed. A rule that crashes leaves no vote; `dropped` tells why. Raises
    SettingsError and RulebookError, the latter after all other votes are written.
    """
    terms = declared(lake.settings, project)
    booth = _Booth(lake, project, now)
    with lake.within(MEMORY_MIB):
        booth.outcomes(terms)
        told(1, 2)
        booth.rules(terms, told)
    return booth.result()


class _Booth:
    """Where the votes of one night are cast."""

    def __init__(self, lake: Lake, project: str, now: datetime) -> None:
        self._lake = lake
        self._project = project
        self._now = now
        self._seen = 0
        self._written: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def outcomes(self, terms: Declared) -> None:
        """What came of episodes, what did not come, and what judges said."""
        given: dict[str, object] = {"project": self._project}
        marks = marks_of(self._lake, self._project, terms.thresholds)
        silence = {**given, "now": self._now}
        late = {"marks": marks, "late": _late(terms.late)}
        wanted = {
            "outcome": self._lake.table(_sql("cast_by_marks"), None, {"marks": marks}),
            "silence": self._lake.table(_sql("cast_by_silence"), silence, late),
            "judge": self._lake.table(_sql("cast_by_judges"), given),
        }

        def write(tx: Transaction) -> Counter[str]:
            return Counter({origin: self._bring(tx, origin, wanted[origin]) for origin in wanted})

        self._written += self._lake.write(write)
        self._seen += sum(map(len, wanted.values()))

    def rules(self, terms: Declared, told: Progress) -> None:
        """What the user's rules say; a rule that is gone takes its votes back."""
        rules = () if terms.rules is None else rulebook(terms.rules)
        text = b"" if terms.rules is None else terms.rules.read_bytes()
        version = f"rules/1 {digest(text.decode('utf-8', 'replace'))}"
        self._retire(rules, version)
        for rule in rules:
            if isinstance(rule, SqlRule):
                self._put(rule)
        called = [rule for rule in rules if isinstance(rule, Rule)]
        total = self._call(called, version, told) if called else 2
        told(total, total)

    def result(self) -> StepResult:
        common = self._refused.most_common(REASONS)
        rest = self._refused.total() - sum(count for _, count in common)
        return StepResult(
            step=STEP,
            seen=self._seen,
            kept=self._written.total(),
            dropped=dict(common) | ({OTHER: rest} if rest else {}),
            notes=dict(self._written),
        )

    def _retire(self, rules: Iterable[AnyRule], version: str) -> None:
        known = {rule.name for rule in rules}
        voted = self._lake.rows(_sql("rules_that_voted"), {"project": self._project})
        gone = sorted({row["name"] for row in voted} - known)
        where = {"project": self._project, "step": STEP, "version": version}

        def write(tx: Transaction) -> int:
            tx.run(_sql("forget_rules"), where)
            return self._bring(tx, "rule", _columns([]), names=gone) if gone else 0

        self._written["rule"] += self._lake.write(write)

    def _put(self, rule: SqlRule) -> None:
        known = self._lake.table(_sql("known_episodes"), {"project": self._project})
        found = asked(rule, self._lake.table, known["episode_id"].combine_chunks())
        self._refuse(found.refused)
        if any(one.episodes is None for one in found.refused):
            return  # what it said before it broke still stands
        count = len(found.votes)
        wanted = pa.table(
            {
                **{name: found.votes[name] for name in ("episode_id", "value")},
                **{
                    name: pa.repeat(pa.scalar(value, SHAPE.field(name).type), count)
                    for name, value in self._of(rule).items()
                },
            }
        )
        self._written["rule"] += self._lake.write(
            lambda tx: self._bring(tx, "rule", wanted, names=[rule.name])
        )

    def _call(self, rules: Sequence[Rule], version: str, told: Progress) -> int:
        backlog = Backlog.of(self._lake, self._project, step=STEP, version=version)
        names, done = [rule.name for rule in rules], 0
        for chunk in backlog:
            wanted, among = self._said(rules, chunk), _episodes(chunk)

            def write(
                tx: Transaction,
                wanted: pa.Table = wanted,
                among: pa.Table = among,
                of: Chunk = chunk,
            ) -> int:
                tx.append("done", of.done)
                return self._bring(tx, "rule", wanted, names=names, among=among)

            self._written["rule"] += self._lake.write(write)
            done += len(chunk)
            told(1 + done, 2 + len(backlog))
        self._seen += done
        return 2 + done

    def _said(self, rules: Sequence[Rule], chunk: Chunk) -> pa.Table:
        rows: list[dict[str, Any]] = []
        for episode in chunk:
            for said in called(rules, episode):
                if isinstance(said, Refused):
                    self._refuse([said])
                else:
                    rule, value = said
                    vote = {"episode_id": episode.episode_id, "value": int(value)}
                    rows.append(vote | self._of(rule))
        return _columns(rows)

    def _of(self, rule: AnyRule) -> dict[str, Any]:
        return {
            "name": rule.name,
            "source": "rule",
            "author": None,
            "family": rule.family,
            "at": self._now,
        }

    def _refuse(self, refused: Iterable[Refused]) -> None:
        for one in refused:
            self._refused[f"rule {one.rule}: {one.reason}"] += one.episodes or 1

    def _bring(
        self,
        tx: Transaction,
        origin: str,
        wanted: pa.Table,
        *,
        names: Sequence[str] | None = None,
        among: pa.Table | None = None,
    ) -> int:
        """Make what stands what is wanted: of an origin, of these names, among these episodes."""
        tables = {"wanted": wanted}
        given: dict[str, object] = {"project": self._project, "origin": origin}
        kept = tx.run(_sql("new_votes"), given, tables) if origin == "outcome" else [(0,)]
        [(changed,)] = tx.run(
            _sql("changed_votes"),
            {**given, "now": self._now, "names": names, "everywhere": among is None},
            {**tables, "among": among if among is not None else _NOBODY},
        )
        return int(kept[0][0]) + int(changed)


_NOBODY = pa.table({"episode_id": pa.array([], pa.string())})


def _columns(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=SHAPE)


def _episodes(chunk: Chunk) -> pa.Table:
    return pa.table({"episode_id": pa.array([row.key for row in chunk.done], pa.string())})


def _late(late: Iterable[Late]) -> pa.Table:
    rows = [
        {
            "name": one.name,
            "source": one.source,
            "silence": one.silence,
            "seconds": one.window.total_seconds(),
        }
        for one in late
    ]
    shape = [
        ("name", pa.string()), ("source", pa.string()), ("silence", pa.int64()),
        ("seconds", pa.float64()),
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=pa.schema(shape))


def _sql(name: str) -> str:
    return statements("headrace.curate", "votes.sql")[name]
