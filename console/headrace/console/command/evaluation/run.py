"""`headrace eval run`: a suite put to a model or an agent."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.text import Text

from headrace.console.command.evaluation.option import (
    Grader,
    Rubric,
    ScoredBy,
    Solver,
    Suite,
    TimeLimit,
)
from headrace.console.option import AsJson, Home, Project
from headrace.console.page import aside, counted, errors, page, percent, print_json
from headrace.lake import Lake

if TYPE_CHECKING:
    from headrace.evals.run import Ran


def run(
    model: Annotated[str | None, typer.Option(help="Any Inspect model, as openai/gpt-4.1.")] = None,
    agent: Annotated[
        str | None, typer.Option(help="Your agent: package.module:function, or http://HOST/PATH.")
    ] = None,
    release: Annotated[str | None, typer.Option(help="The release that this run measures.")] = None,
    suite: Suite = "production",
    solver: Solver = None,
    scorer: ScoredBy = None,
    grader: Grader = None,
    rubric: Rubric = None,
    epochs: Annotated[int, typer.Option(min=1, help="Attempts per case.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many cases.")] = None,
    retries: Annotated[
        int, typer.Option(min=0, help="Of an attempt that ended in an error, before it is absent.")
    ] = 1,
    time_limit: TimeLimit = None,
    message_limit: Annotated[
        int | None, typer.Option(min=1, help="Messages after the question in a replay.")
    ] = None,
    request_timeout: Annotated[
        int | None, typer.Option(min=1, help="Seconds for one request to the provider.")
    ] = None,
    request_retries: Annotated[
        int, typer.Option(min=0, help="Of one request to the provider.")
    ] = 5,
    connections: Annotated[
        int | None, typer.Option(min=1, help="Attempts at once. Default: as the provider allows.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="OpenAI-compatible server, as http://localhost:8000/v1.")
    ] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="Environment variable with the key of server or agent.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="Of the model, as temperature=0.2. May be repeated.")
    ] = None,
    from_production: Annotated[
        bool, typer.Option("--from-production", help="Score what production answered, per release.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(help="Take up a run that was stopped, from its Inspect log.")
    ] = None,
    log_dir: Annotated[
        Path | None, typer.Option(help="Folder for Inspect logs. Default: logs/ in the home.")
    ] = None,
    project: Project = None,
    home: Home = None,
    json: AsJson = False,
) -> None:
    """Put the cases of a suite to a model or your agent through Inspect and keep the scores."""
    _one_of(model or agent, release, from_production, resume)
    if from_production:
        _replayed(home, project, suite, json=json)
        return
    if resume is not None:
        _resumed(home, resume, json=json)
        return
    setup = {
        "solver": solver,
        "agent": agent,
        "agent_key_env": api_key_env if agent else None,
        "scorer": scorer,
        "rubric": None if rubric is None else _text(rubric),
        "messages": message_limit,
    }
    terms = {
        "epochs": epochs,
        "limit": limit,
        "retries": retries,
        "request_retries": request_retries,
        "request_timeout": request_timeout,
        "time_limit": time_limit,
        "connections": connections,
    }
    server = {"base_url": base_url, "key_env": None if agent else api_key_env}
    asked = {"suite": suite, "release": release, "grader": grader, "log_dir": log_dir}
    _put(
        home, project, model, setup, terms, {**server, "params": _params(param or [])}, asked, json
    )


def _put(
    home: Path | None,
    project: str | None,
    model: str | None,
    setup: Mapping[str, Any],
    terms: Mapping[str, Any],
    server: Mapping[str, Any],
    asked: Mapping[str, Any],
    json: bool,
) -> None:
    from headrace.evals import run as runs
    from headrace.evals.runs.evaluation import Terms
    from headrace.evals.runs.model import model_of
    from headrace.evals.runs.setup import Setup

    put = Setup(**setup)
    with Lake.open(home, create=False) as lake, aside():
        named = None if model is None else model_of(model, **server)
        with _progress(f"{put.agent or model} answers {asked['suite']}"):
            done = runs.run(
                lake,
                project or "default",
                model=named,
                setup=put,
                terms=Terms(**terms),
                now=datetime.now(UTC),
                **asked,
            )
    _report(done, json=json)


def _replayed(home: Path | None, project: str | None, suite: str, *, json: bool) -> None:
    from headrace.evals.production import production

    with Lake.open(home, create=False) as lake:
        done = production(lake, project or "default", suite=suite, now=datetime.now(UTC))
    if json:
        print_json(done)
        return
    for ran in done:
        _show(ran)


def _resumed(home: Path | None, log: Path, *, json: bool) -> None:
    from headrace.evals import run as runs

    with Lake.open(home, create=False) as lake, aside(), _progress(f"taking up {log}"):
        done = runs.resume(lake, log, now=datetime.now(UTC))
    _report(done, json=json)


def _one_of(
    tested: str | None, release: str | None, from_production: bool, resume: Path | None
) -> None:
    if (tested is not None) + from_production + (resume is not None) != 1:
        raise typer.BadParameter("give one of --model or --agent, --from-production, --resume")
    if tested is not None and release is None:
        raise typer.BadParameter("--model and --agent need --release: what this run measures")


def _report(ran: "Ran", *, json: bool) -> None:
    """Exit 1 where the run did not come to its end, or measured nothing."""
    if json:
        print_json(ran)
    else:
        _show(ran)
    if ran.status != "success" or ran.absent == ran.scores:
        raise typer.Exit(1)


def _show(ran: "Ran") -> None:
    over = f"{counted(ran.scores, 'score')} over {counted(ran.cases, 'case')}"
    said = f"{over}, mean {percent(ran.mean)}, {ran.absent:,} absent"
    page().print(f"run {ran.run_id} of {ran.release}: {said}", soft_wrap=True)
    for reason, count in ran.reasons.items():
        page().print(f"{count} absent: {reason}", soft_wrap=True)
    for reason, count in ran.failures.items():
        page().print(f"{count} zero: {reason}", soft_wrap=True)
    spent = [] if ran.latency_ms is None else [f"median latency {_time(ran.latency_ms)}"]
    spent += [] if ran.cost_usd is None else [f"cost {ran.cost_usd.normalize():f} USD"]
    if spent:
        page().print(", ".join(spent))
    if ran.left_out:
        page().print(
            f"{counted(ran.left_out, 'case')} left out: nobody said what is right for them, so "
            "only production can answer them (--from-production)",
            soft_wrap=True,
        )
    if ran.scores and ran.absent == ran.scores:
        page().print("nothing was measured: no trend and no verdict will read this run")
    if ran.status != "success":
        page().print(
            f"the run is {ran.status} and counts for nothing yet; take it up with "
            f"`headrace eval run --resume {ran.log_uri}`",
            soft_wrap=True,
        )


def _time(milliseconds: float) -> str:
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms"
    return f"{milliseconds / 1000:.3g} s"


@contextmanager
def _progress(words: str) -> Iterator[None]:
    """How many attempts are done, on stderr."""
    from headrace.evals.runs.progress import listening

    done = failed = 0

    with errors().status(Text(words)) as status:

        def tell(is_error: bool) -> None:
            nonlocal done, failed
            done, failed = done + 1, failed + is_error
            status.update(Text(f"{words}: {done} done" + (f", {failed} failed" if failed else "")))

        with listening(tell):
            yield


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"--rubric {file} cannot be read: {error}") from error


def _params(given: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE, the value as JSON where it is some and as text where it is not."""
    found: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise typer.BadParameter(f"--param {item!r}: write it as NAME=VALUE")
        try:
            found[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name] = value
    return found
