"""`headrace label`: who votes on episodes, and how far each may be believed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from headrace.console.known import must_know
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import (
    aside,
    counted,
    errors,
    page,
    percent,
    print_json,
    progress,
    table,
)
from headrace.lake import Lake
from headrace.lake.project import settings_of

if TYPE_CHECKING:
    from headrace.curate.failure import Reason
    from headrace.curate.step import StepResult
    from headrace.evals.judgement import EpisodeJudge
    from headrace.evals.witness import Fidelity, Witness, Witnesses


def run(
    judge: Annotated[
        list[str] | None,
        typer.Option(help="A model that judges, as openai/gpt-5. Default: [judges] of the file."),
    ] = None,
    rubric: Annotated[
        Path | None, typer.Option(help="File that says when an episode went well, for --judge.")
    ] = None,
    name: Annotated[str, typer.Option(help="What --judge looks for, in a word.")] = "quality",
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Of the episodes that a judge is asked about.")
    ] = 0.02,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Episodes that each judge is asked about now.")
    ] = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Let rules and judges vote on episodes, and weigh all votes anew."""
    with Lake.open(home, create=False) as lake, aside():
        of = project or "default"
        must_know(lake, of)
        asked = _judges(lake, of, judge or [], name, rubric)
        results = [(one.witness, _ask(lake, of, one, share=share, limit=limit)) for one in asked]
        results += [("votes", _vote(lake, of)), ("resolved", _resolve(lake, of))]
    if json:
        print_json([{"name": name, **_plain(result)} for name, result in results])
        return
    rows = [(name, found.seen, found.kept, _reasons(found)) for name, found in results]
    page().print(table(of, ["", "#seen", "#kept", "dropped"], rows))


def show(
    against: Annotated[
        Literal["human", "product", "user"],
        typer.Option(help="Those who know: whom the others are compared with."),
    ] = "human",
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Show who votes, how often each is right, and who may not be believed."""
    from headrace.curate.failure import reasons
    from headrace.evals.witness import heard

    with Lake.open(home, create=False) as lake:
        of = project or "default"
        must_know(lake, of)
        found, failures = heard(lake, of, truth=against), reasons(lake, of)
    if json:
        words = [one.words for one in found.witnesses]
        print_json({"found": found, "words": words, "failures": failures})
        return
    for part in _tables(found, failures):
        page().print(part)
    for line in _words(found):
        page().print(line)


def _judges(
    lake: Lake, project: str, models: list[str], name: str, rubric: Path | None
) -> "list[EpisodeJudge]":
    from headrace.evals.judgement import RUBRIC, declared_judges, judge_named

    if not models:
        return declared_judges(lake.settings, project)
    text = RUBRIC if rubric is None else _text(rubric)
    return [judge_named(model, name=name, rubric=text) for model in models]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"--rubric {path} cannot be read: {error}") from error


def _ask(
    lake: Lake, project: str, judge: "EpisodeJudge", *, share: float, limit: int | None
) -> "StepResult":
    from headrace.evals.judgement import judge_episodes

    with progress(f"{judge.witness} judges") as move:
        return judge_episodes(
            lake,
            project,
            judge,
            now=datetime.now(UTC),
            limit=limit,
            share=share,
            told=lambda done, total: move(done, total),
        )


def _vote(lake: Lake, project: str) -> "StepResult":
    from headrace.curate.vote import vote

    with progress("rules vote") as move:
        now = datetime.now(UTC)
        return vote(lake, project, now=now, told=lambda done, total: move(done, total))


def _resolve(lake: Lake, project: str) -> "StepResult":
    from headrace.curate.outcomes import resolve

    told = settings_of(lake.settings, project)
    with errors().status("weighing votes"):
        return resolve(
            lake, project, now=datetime.now(UTC), waiting=told.waiting, thresholds=told.thresholds
        )


def _plain(result: "StepResult") -> dict[str, object]:
    return {
        "seen": result.seen,
        "kept": result.kept,
        "dropped": dict(result.dropped),
        "notes": dict(result.notes),
    }


def _reasons(result: "StepResult") -> str:
    return ", ".join(f"{reason}: {count:,}" for reason, count in result.dropped.items())


def _tables(found: "Witnesses", failures: "list[Reason]") -> Iterator[Table]:
    columns = ["", "family", "#votes", "#yes", "#hit", "#false", "#with", "#kappa", "#95 %", ""]
    yield table(
        f"{found.project}: votes, and agreement with {found.truth}",
        columns,
        [_row(one) for one in found.witnesses],
    )
    slices = [
        (one.name, part.name, part.agreement.n, _kappa(part.agreement.kappa), _interval(part))
        for one in found.witnesses
        for part in one.slices
    ]
    if slices:
        yield table("by release", ["", "release", "#with", "#kappa", "#95 %"], slices)
    if failures:
        rows = [(one.reason, one.episodes, percent(one.share), one.example) for one in failures]
        yield table("failures", ["reason", "#episodes", "#share", "such as"], rows)


def _row(one: "Witness") -> tuple[object, ...]:
    found = one.agreement
    state = "trusted" if one.trusted else "untrustworthy" if one.refuted else "-"
    return (
        one.name,
        one.family,
        one.votes,
        percent(one.ayes / one.votes),
        percent(one.hit),
        percent(one.false),
        found and found.n,
        found and _kappa(found.kappa),
        found and _interval(one),
        "taken to know" if one.assumed else state,
    )


def _kappa(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _interval(one: object) -> str | None:
    found = getattr(one, "agreement", None)
    if found is None or found.low is None or found.high is None:
        return None
    return f"{found.low:.2f} to {found.high:.2f}"


def _words(found: "Witnesses") -> Iterator[str]:
    for one in found.witnesses:
        if one.agreement is not None and not one.trusted:
            yield one.words
    for pair in found.proposals:
        yield (
            f"{pair.first} and {pair.second} err together (correlation {pair.correlation:.2f} on "
            f"{counted(pair.audited, 'audited episode')}): declare them one family in "
            f'headrace.toml, [families] NAME = ["{pair.first}", "{pair.second}"].'
        )
    if found.fidelity is not None:
        yield _fidelity(found.fidelity)
    if not found.witnesses:
        yield "Nobody has voted yet: send marks, write rules, or ask a judge."


def _fidelity(found: "Fidelity") -> str:
    on = "the even sample of reviews" if found.even else "reviews, which were not drawn evenly"
    sure = "none is sure enough for a data set"
    if found.right is not None:
        sure = f"of {found.gated:,} at .9 or .1 and beyond, {percent(found.right)} are right"
    return (
        f"Without people, probabilities are off by {found.error:.3f} on "
        f"{counted(found.episodes, 'episode')} of {on}; {sure}."
    )
