"""What every step of a night is given, and the line that it gives back."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult
from headrace.flows.night import Line
from headrace.lake import Lake


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What every step is given."""

    lake: Lake
    project: str
    now: datetime
    out: Path  # data sets go to `out/<folder of the project>/<objective>`
    told: Progress = silent


Step = Callable[[Context], Line]


def curated(at: Context, result: StepResult, said: str) -> Line:
    """The line of a step of curation."""
    return Line(
        project=at.project,
        step=result.step,
        said=said,
        seen=result.seen,
        kept=result.kept,
        dropped=result.dropped,
        notes=result.notes,
    )
