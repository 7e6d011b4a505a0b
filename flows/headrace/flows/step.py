"""The steps of a night in their order, each one verb of a room told as one line."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import msgspec

from headrace.curate.assemble import assemble
from headrace.curate.decontaminate import decontaminate
from headrace.curate.dedupe import dedupe
from headrace.curate.embed import embed
from headrace.curate.lead import lead
from headrace.curate.outcomes import resolve
from headrace.curate.pair import pair
from headrace.curate.progress import Progress, silent
from headrace.curate.screen import screen
from headrace.curate.scrubbing import scrub
from headrace.curate.split import split
from headrace.curate.step import StepResult
from headrace.curate.units import units
from headrace.curate.vote import vote
from headrace.evals import case, readiness, trend
from headrace.evals.production import production
from headrace.exporters import dataset
from headrace.flows.night import Line
from headrace.flows.usual import Counted, nights_before, unusual, words
from headrace.lake import Lake
from headrace.lake.message import digest
from headrace.lake.project import settings_of

SUITE = "production"
OBJECTIVES = ("sft", "kto", "dpo")
LONGEST = 100  # characters of a folder's name


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What every step is given."""

    lake: Lake
    project: str
    now: datetime
    out: Path  # data sets go to `out/<folder of the project>/<objective>`
    told: Progress = silent


Step = Callable[[Context], Line]


def _assemble(at: Context) -> Line:
    link = settings_of(at.lake.settings, at.project).link_without_conversation
    found = assemble(at.lake, at.project, now=at.now, link=link)
    return _curated(at, found, "episodes from spans")


def _scrub(at: Context) -> Line:
    before = nights_before(at.lake, at.project, "scrub")
    result = scrub(at.lake, at.project, now=at.now, told=at.told)
    news = unusual(Counted(seen=result.seen, found=result.notes), before)
    return _curated(at, result, f"{sum(result.notes.values()):,} places replaced{words(news)}")


def _resolve(at: Context) -> Line:
    told = settings_of(at.lake.settings, at.project)
    result = resolve(
        at.lake,
        at.project,
        now=at.now,
        waiting=told.waiting,
        thresholds=told.thresholds,
        told=at.told,
    )
    lost = result.notes.get("unmatched_outcomes", 0)
    said = f"outcomes weighed; {lost} name nothing that is known" if lost else "outcomes weighed"
    return _curated(at, result, said)


def _embed(at: Context) -> Line:
    result = embed(at.lake, at.project, now=at.now, told=at.told)
    return _curated(at, result, "requests given a vector")


def _lead(at: Context) -> Line:
    result = lead(at.lake, at.project, now=at.now, told=at.told)
    return _curated(at, result, "requests gathered by meaning and steps")


def _vote(at: Context) -> Line:
    result = vote(at.lake, at.project, now=at.now, told=at.told)
    return _curated(at, result, "votes of marks, rules and judges")


def _dedupe(at: Context) -> Line:
    result = dedupe(at.lake, at.project, now=at.now, told=at.told)
    return _curated(at, result, "one of each kind kept to train on")


def _units(at: Context) -> Line:
    result = units(at.lake, at.project, now=at.now, told=at.told)
    return _curated(at, result, "cut into texts and compared")


def _split(at: Context) -> Line:
    return _curated(at, split(at.lake, at.project, now=at.now), "sides of the wall")


def _cases(at: Context) -> Line:
    built = case.build(at.lake, at.project, suite=SUITE, now=at.now)
    said = f"suite {SUITE!r}: {built.added} cases added, {built.kept} kept"
    if built.waiting:
        said += f"; {built.waiting} requests wait for an outcome"
    if built.beyond:
        said += f"; {built.beyond} requests are more than its size takes"
    return Line(project=at.project, step="cases", said=said, kept=built.added + built.kept)


def _replay(at: Context) -> Line:
    ran = production(at.lake, at.project, suite=SUITE, now=at.now)
    scores, absent = sum(one.scores for one in ran), sum(one.absent for one in ran)
    return Line(
        project=at.project,
        step="replay",
        said=f"production scored on the suite, {len(ran)} releases",
        seen=scores,
        kept=scores - absent,
        dropped=dict(sum((Counter(one.reasons) for one in ran), Counter())),
    )


def _decontaminate(at: Context) -> Line:
    result = decontaminate(at.lake, at.project, now=at.now)
    return _curated(at, result, "clear of the eval suite")


def _screen(at: Context) -> Line:
    result = screen(at.lake, at.project, now=at.now, told=at.told)
    return _curated(at, result, "not held back to be looked at")


def _pair(at: Context) -> Line:
    result = pair(at.lake, at.project, now=at.now, told=at.told)
    return _curated(at, result, "in a preference pair")


def _trend(at: Context) -> Line:
    result = trend.trend(at.lake, suite=SUITE, project=at.project)
    return Line(project=at.project, step="trend", said=result.words, seen=result.verdict.n)


def _verdict(at: Context) -> Line:
    found = readiness.assess(at.lake, at.project, now=at.now)
    readiness.record(at.lake, found)
    return Line(project=at.project, step="verdict", said=readiness.words(found))


def _data_set(objective: str) -> Step:
    def step(at: Context) -> Line:
        place = at.out / folder(at.project) / objective
        name = f"{at.project}-{objective}"
        built = dataset.build(at.lake, at.project, name, objective, out=place, now=at.now)
        said = f"{built.rows} rows, version {built.version}, in {place}"
        return Line(
            project=at.project, step=objective, said=said, kept=built.rows, dropped=built.drops
        )

    return step


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "assemble": _assemble,
        "scrub": _scrub,
        "units": _units,
        "embed": _embed,
        "lead": _lead,
        "vote": _vote,
        "resolve": _resolve,
        "dedupe": _dedupe,
        "split": _split,
        "cases": _cases,
        "decontaminate": _decontaminate,
        "screen": _screen,
        "pair": _pair,
        "replay": _replay,
        "trend": _trend,
        "verdict": _verdict,
        **{objective: _data_set(objective) for objective in OBJECTIVES},
    }
)


def folder(project: str) -> str:
    """One folder name for any project name: whoever sends traces chooses it, `../..` included."""
    name = quote(project, safe=" ")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}~{digest(project)}"


def _curated(at: Context, result: StepResult, said: str) -> Line:
    return Line(
        project=at.project,
        step=result.step,
        said=said,
        seen=result.seen,
        kept=result.kept,
        dropped=result.dropped,
        notes=result.notes,
    )
