"""The command line: `headrace`. Every command is thin; the work is a verb of a room."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NoReturn

import typer

from headrace.console.command import (
    dataset,
    demo,
    doctor,
    explain,
    intents,
    key,
    label,
    load,
    nightly,
    plan,
    recipe,
    review,
    serve,
    status,
    verdict,
    version,
)
from headrace.console.command.evaluation.add import add
from headrace.console.command.evaluation.build import build
from headrace.console.command.evaluation.compare import compare
from headrace.console.command.evaluation.judge import judge
from headrace.console.command.evaluation.load import load as load_scores
from headrace.console.command.evaluation.noise import noise
from headrace.console.command.evaluation.promote import promote
from headrace.console.command.evaluation.race import race
from headrace.console.command.evaluation.retire import retire
from headrace.console.command.evaluation.run import run
from headrace.console.command.evaluation.trend import trend
from headrace.console.page import errors
from headrace.lake.errors import HeadraceError

Command = tuple[Callable[..., Any], str]  # the function and an example of its use

COMMANDS: Mapping[str, Command] = {
    "demo": (demo.demo, "headrace demo --out demo-out"),
    "serve": (serve.serve, "headrace serve --port 4318"),
    "load": (
        load.load,
        "headrace load runs.jsonl.gz --messages messages --success 'reward == `1.0`' --id id",
    ),
    "nightly": (nightly.nightly, "headrace nightly --project support"),
    "review": (review.review, "headrace review --project support --reviewer ada"),
    "intents": (intents.intents, "headrace intents --project support"),
    "status": (status.status, "headrace status --json"),
    "verdict": (verdict.verdict, "headrace verdict --project support"),
}
EVAL: Mapping[str, Command] = {
    "build": (build, "headrace eval build --suite production --size 300"),
    "add": (
        add,
        "headrace eval add cases.jsonl --suite regression --input question --target answer --id id",
    ),
    "promote": (promote, "headrace eval promote 4bf92f3577b34da6a3ce929d0e0e4736"),
    "retire": (retire, "headrace eval retire q17 q18 --suite regression"),
    "run": (run, "headrace eval run --model openai/gpt-4.1 --release 2026-11-01"),
    "load": (load_scores, "headrace eval load logs/*.eval --suite regression"),
    "judge": (judge, "headrace eval judge --suite support --judge model_graded_qa --human human"),
    "compare": (compare, "headrace eval compare v12 v13 --suite production --delta 0.05"),
    "race": (
        race,
        "headrace eval race openai/gpt-4.1-mini openai/gpt-5 --incumbent openai/gpt-4.1",
    ),
    "noise": (noise, "headrace eval noise --suite production"),
    "trend": (trend, "headrace eval trend --suite production --chart trend.svg"),
}
DATASET: Mapping[str, Command] = {
    "build": (dataset.build, "headrace dataset build refunds --objective sft --out refunds/"),
    "plan": (plan.plan, "headrace dataset plan --project support"),
    "recipe": (recipe.recipe, "headrace dataset recipe sft > sft.toml"),
    "list": (dataset.list_, "headrace dataset list --json"),
    "validate": (dataset.validate, "headrace dataset validate refunds/"),
    "push": (version.push, "headrace dataset push refunds/ my-org/refunds"),
    "diff": (version.diff, "headrace dataset diff refunds-may/ refunds-june/"),
    "members": (version.members, "headrace dataset members --user user-17"),
}
DOCTOR: Mapping[str, Command] = {
    "dedupe": (explain.dedupe, "headrace doctor dedupe ep_7d1f --project support"),
}
LABEL: Mapping[str, Command] = {
    "run": (label.run, "headrace label run --judge openai/gpt-5 --limit 50"),
    "show": (label.show, "headrace label show --project support"),
}
KEY: Mapping[str, Command] = {
    "add": (key.add, "headrace key add support-agent --scope ingest --project support"),
    "list": (key.list_, "headrace key list --json"),
    "revoke": (key.revoke, "headrace key revoke support-agent"),
}
EXTRAS: Mapping[str, str] = {
    "scipy": "curate",
    "inspect_ai": "evals",
    "altair": "evals",
    "vl_convert": "evals",
    "datasets": "export",
    "huggingface_hub": "export",
    "yaml": "export",
    "prefect": "flows",
    "textual": "curate",
}


def group(commands: Mapping[str, Command], **options: Any) -> typer.Typer:
    """A Typer app over a table of commands; every help page ends with an example."""
    usual = {"no_args_is_help": True, "pretty_exceptions_enable": False, "add_completion": False}
    made = typer.Typer(**{**usual, **options})
    for name, (function, example) in commands.items():
        made.command(name, epilog=f"Example: {example}")(function)
    return made


app = group(
    COMMANDS,
    help="An eval-first data flywheel: production traces in, an honest verdict and training-ready "
    "data sets out.",
    epilog="Example: headrace demo --out demo-out",
)
app.add_typer(
    group(
        EVAL,
        help="The suite: grow it, run it, read its trend.",
        epilog="Example: " + EVAL["trend"][1],
    ),
    name="eval",
)
app.add_typer(
    group(DATASET, help="Data sets to train on.", epilog="Example: " + DATASET["build"][1]),
    name="dataset",
)
checks = group(
    DOCTOR,
    epilog="Example: headrace doctor --home ./wheel --json",
    invoke_without_command=True,
    no_args_is_help=False,
)
checks.callback()(doctor.doctor)
app.add_typer(checks, name="doctor")
app.add_typer(
    group(
        LABEL,
        help="Votes on episodes: of rules, judges and people.",
        epilog="Example: " + LABEL["show"][1],
    ),
    name="label",
)
app.add_typer(
    group(KEY, help="API keys of the sidecar.", epilog="Example: " + KEY["add"][1]),
    name="key",
)


@app.callback(invoke_without_command=True)
def options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    """Options before the command."""
    if show_version:
        from importlib.metadata import version

        typer.echo(version("headrace"))
        raise typer.Exit


def main() -> None:
    """Run a command: exit 0 done, 1 refused or failed check, 2 usage."""
    os.environ.setdefault("DO_NOT_TRACK", "1")  # Prefect's client would report its use
    signal.signal(signal.SIGTERM, _leave)
    try:
        app()
    except HeadraceError as error:
        errors().print(f"error: {error}", style="red", soft_wrap=True, markup=False)
        sys.exit(1)
    except ModuleNotFoundError as error:
        sys.exit(_missing(error))


def _leave(number: int, _: object) -> NoReturn:
    """As after Ctrl-C: what a command has started, Prefect's server for one, ends with it."""
    sys.exit(128 + number)


def _missing(error: ModuleNotFoundError) -> int:
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        raise error
    line = f"error: this needs {error.name!r}: pip install 'headrace[{extra}]'"
    errors().print(line, style="red", soft_wrap=True, markup=False)
    return 1
