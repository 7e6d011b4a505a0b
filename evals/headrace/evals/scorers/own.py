"""A scorer of the user's own, written for Inspect: `package.module:name`, or a registered name."""

import inspect
from pathlib import Path
from typing import Any

from inspect_ai._util.registry import is_registry_object, registry_create
from inspect_ai.scorer import Scorer

from headrace.evals.errors import UnknownScorer
from headrace.evals.runs.named import named
from headrace.evals.scorers.table import SCORERS
from headrace.lake.message import digest


def own_scorer(name: str) -> Scorer:
    """The scorer of this name, a factory called without arguments. Raises UnknownScorer."""
    found = _registered(name) if ":" not in name else named(name, _refused)
    try:
        made: Scorer = found if _scores(found) else found()
    except Exception as error:  # of the user's own making
        raise _refused(f"{name!r} cannot be made: {error}") from error
    if not (_scores(made) and is_registry_object(made)):
        raise _refused(f"{name!r} is no Inspect scorer")
    return made


def source_hash(scorer: Scorer) -> str | None:
    """What names the rules of a scorer: its file, for nothing else tells when it was changed."""
    file = inspect.getsourcefile(inspect.unwrap(scorer))
    return None if file is None else digest(Path(file).read_text(encoding="utf-8"))


def _registered(name: str) -> Any:
    if "/" not in name:
        raise _refused(f"{name!r} is not known")
    try:
        return registry_create("scorer", name)
    except Exception as error:  # Inspect raises one thing or another for a name it lacks
        raise _refused(f"{name!r} is not registered with Inspect") from error


def _scores(found: object) -> bool:
    """A scorer is called with a state and awaited; what makes one is not."""
    act = type(found).__call__ if callable(found) else None
    return inspect.iscoroutinefunction(found) or inspect.iscoroutinefunction(act)


def _refused(why: str) -> UnknownScorer:
    return UnknownScorer(
        f"scorer {why}: name one of {', '.join(SCORERS)}, an Inspect scorer as "
        "package.module:name, or a registered one as package/name"
    )
