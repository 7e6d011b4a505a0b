"""The steps of curation, each one verb of the room told as one line."""

from collections.abc import Mapping
from types import MappingProxyType

from headrace.curate.assemble import assemble
from headrace.curate.decontaminate import burned, decontaminate
from headrace.curate.dedupe import dedupe
from headrace.curate.embed import embed
from headrace.curate.failure import diagnose
from headrace.curate.intent import intents
from headrace.curate.lead import lead
from headrace.curate.outcomes import resolve
from headrace.curate.pair import pair
from headrace.curate.review.queue import queue
from headrace.curate.screen import screen
from headrace.curate.scrubbing import RETIRED, scrub
from headrace.curate.split import split
from headrace.curate.suspect import suspect
from headrace.curate.units import units
from headrace.curate.vote import vote
from headrace.evals.naming import namer_of
from headrace.evals.rephrasing import rephrasing_judge
from headrace.flows.context import Context, Step, curated
from headrace.flows.night import Line
from headrace.flows.usual import Counted, nights_before, unusual, words
from headrace.lake.project import settings_of

SHOWN = 5  # cases of an alarm
SEED = 20_261_201  # of the review queue; which episodes it draws also hangs on how many it drew


def _assemble(at: Context) -> Line:
    link = settings_of(at.lake.settings, at.project).link_without_conversation
    found = assemble(at.lake, at.project, now=at.now, link=link, told=at.told)
    return curated(at, found, "episodes from spans")


def _scrub(at: Context) -> Line:
    nights = nights_before(at.lake, at.project, "scrub")
    before = [Counted(seen=night.seen, found=_places(night.found)) for night in nights]
    result = scrub(at.lake, at.project, now=at.now, told=at.told)
    found = _places(result.notes)
    news = unusual(Counted(seen=result.seen, found=found), before)
    said = f"{sum(found.values()):,} places replaced{words(news)}"
    if left := result.notes.get(RETIRED):
        said += f"; {left:,} stay as earlier rules made them, their raw texts are gone"
    return curated(at, result, said)


def _places(notes: Mapping[str, int]) -> dict[str, int]:
    """Where something was replaced, by kind."""
    return {kind: count for kind, count in notes.items() if kind != RETIRED}


def _units(at: Context) -> Line:
    result = units(at.lake, at.project, now=at.now, told=at.told)
    return curated(at, result, "cut into texts and compared")


def _embed(at: Context) -> Line:
    result = embed(at.lake, at.project, now=at.now, told=at.told)
    return curated(at, result, "requests given a vector")


def _lead(at: Context) -> Line:
    result = lead(at.lake, at.project, now=at.now, told=at.told)
    return curated(at, result, "requests gathered by meaning and steps")


def _intents(at: Context) -> Line:
    namer = namer_of(at.lake.settings, at.project)
    result = intents(at.lake, at.project, now=at.now, told=at.told, namer=namer)
    return curated(at, result, f"{result.notes['intents']:,} intents")


def _vote(at: Context) -> Line:
    result = vote(at.lake, at.project, now=at.now, told=at.told)
    return curated(at, result, "votes of marks, rules and judges")


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
    return curated(at, result, said)


def _diagnose(at: Context) -> Line:
    result = diagnose(at.lake, at.project, now=at.now, told=at.told)
    return curated(at, result, "failures with the error that they met")


def _dedupe(at: Context) -> Line:
    result = dedupe(at.lake, at.project, now=at.now, told=at.told)
    return curated(at, result, "one of each kind kept to train on")


def _split(at: Context) -> Line:
    return curated(at, split(at.lake, at.project, now=at.now, told=at.told), "sides of the wall")


def _decontaminate(at: Context) -> Line:
    judge = rephrasing_judge(at.lake.settings, at.project)
    result = decontaminate(at.lake, at.project, now=at.now, told=at.told, judge=judge)
    lost = burned(at.lake, at.project)
    said = "clear of the eval suite"
    if lost:
        names = ", ".join(one.case_id for one in lost[:SHOWN])
        said += f"; ALARM: {len(lost)} cases were given away by data sets that are out: {names}"
    return curated(at, result, said)


def _screen(at: Context) -> Line:
    result = screen(at.lake, at.project, now=at.now, told=at.told)
    return curated(at, result, "not held back to be looked at")


def _suspect(at: Context) -> Line:
    result = suspect(at.lake, at.project, now=at.now, told=at.told)
    return curated(at, result, "marks that look right")


def _pair(at: Context) -> Line:
    result = pair(at.lake, at.project, now=at.now, told=at.told)
    return curated(at, result, "in a preference pair")


def _review(at: Context) -> Line:
    told = settings_of(at.lake.settings, at.project)
    result = queue(
        at.lake,
        at.project,
        now=at.now,
        seed=SEED,
        size=told.review_size,
        twice=told.review_twice,
        told=at.told,
    )
    return curated(at, result, "picked for `headrace review`")


# Before the suite is grown, and after it: what a case asks stays out of training.
BEFORE: Mapping[str, Step] = MappingProxyType(
    {
        "assemble": _assemble,
        "scrub": _scrub,
        "units": _units,
        "embed": _embed,
        "lead": _lead,
        "intents": _intents,
        "vote": _vote,
        "resolve": _resolve,
        "diagnose": _diagnose,
        "dedupe": _dedupe,
        "split": _split,
    }
)
AFTER: Mapping[str, Step] = MappingProxyType(
    {
        "decontaminate": _decontaminate,
        "screen": _screen,
        "pair": _pair,
        "suspect": _suspect,
        "review": _review,
    }
)
