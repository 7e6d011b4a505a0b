"""The steps of a night in their order, each one verb of a room told as one line."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from headrace.evals import case, readiness, trend
from headrace.evals.production import production
from headrace.exporters import dataset
from headrace.flows.context import Context, Step
from headrace.flows.curation import AFTER, BEFORE
from headrace.flows.night import Line
from headrace.lake.message import digest

SUITE = "production"
OBJECTIVES = ("sft", "kto", "dpo")
LONGEST = 100  # characters of a folder's name


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
        **BEFORE,
        "cases": _cases,
        **AFTER,
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
