"""What has come in, as checks of `headrace doctor`: content, defects, and the balance of both."""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from headrace.console import defect
from headrace.console.content import Advice, advices
from headrace.console.page import counted
from headrace.curate.balance import Balance, balances
from headrace.lake import Lake
from headrace.lake.statement import statements

State = Literal["ok", "look", "fail"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A check with a line for each thing that it found."""

    state: State
    said: str
    lines: tuple[str, ...] = ()
    rows: Sequence[object] = ()  # the same for machines


def content(lake: Lake) -> Told:
    """Which switches bring the content that is missing."""
    found = advices(lake)
    open_ = [advice for advice in found if advice.cure is not None]
    return Told(
        state="look" if open_ else "ok",
        said=_missing(open_) if open_ else "no LLM call lacks messages that a switch would bring",
        lines=tuple(advice.said for advice in found),
        rows=found,
    )


def _missing(found: Sequence[Advice]) -> str:
    projects = {advice.project for advice in found}
    return (
        f"{counted(len(found), 'gap')} in {counted(len(projects), 'project')}: calls that bring no "
        "content make no episode"
    )


def defects(lake: Lake) -> Told:
    """What is wrong with spans and current episodes, and what helps."""
    found = defect.counted(lake)
    bars = sum(one.bars for one in found)
    kinds = counted(len(found), "kind")
    return Told(
        state="look" if any(one.cure for one in found) else "ok",
        said=f"{kinds} on spans and episodes; that bar exports: {bars}" if found else "none",
        lines=tuple(map(_defect, found)),
        rows=found,
    )


def _defect(one: defect.Counted) -> str:
    places = [
        counted(number, noun)
        for number, noun in ((one.spans, "span"), (one.episodes, "episode"))
        if number
    ]
    weight = "bars exports" if one.bars else "informs"
    cure = f"; {one.cure}" if one.cure else ""
    return f"{one.name} ({', '.join(places)}; {weight}): {one.means}{cure}"


def balance(lake: Lake) -> Told:
    """Whether every completion that came in is trained once or has a reason."""
    found = sorted(balances(lake), key=lambda one: (one.holds, one.waiting == 0, one.project))
    wrong = [one for one in found if not one.holds]
    waiting = sum(one.waiting for one in found)
    return Told(
        state="fail" if wrong else "look" if waiting else "ok",
        said=_verdict(found, len(wrong), waiting),
        lines=tuple(_line(one) for one in found),
        rows=[
            {**msgspec.structs.asdict(one), "difference": one.difference, "holds": one.holds}
            for one in found
        ],
    )


def _verdict(found: Iterable[Balance], wrong: int, waiting: int) -> str:
    if wrong:
        return f"it does not add up in {counted(wrong, 'project')}"
    seen = sum(one.seen for one in found)
    if waiting:
        return f"{seen:,} completions add up, {waiting:,} are not assembled yet"
    return f"all of {counted(seen, 'completion')} are trained once or have a reason"


def _line(one: Balance) -> str:
    parts = [f"{one.trained:,} trained", *(f"{n:,} {why}" for why, n in one.untrained.items())]
    seen = f"{counted(one.seen, 'assistant completion')} seen"
    said = [f"{one.project}: {seen} {'=' if one.holds else 'and not'} {' + '.join(parts)}"]
    if one.without_content:
        said.append(f"{counted(one.without_content, 'call')} without content")
    if one.waiting:
        said.append(f"{one.waiting:,} not assembled yet (run `headrace nightly`)")
    if not one.holds:
        said.append(_lost(one))
    return "; ".join(said)


def _lost(one: Balance) -> str:
    """What is missing, and the query that shows it."""
    name = "completions_in_no_episode" if one.unheld else "turns_of_episodes"
    query = " ".join(statements("headrace.console")[name].split())
    project = "'" + one.project.replace("'", "''") + "'"
    return (
        f"difference {one.difference:+,}, {one.unheld:,} in no episode: look with "
        + query.replace("$project", project)
    )
