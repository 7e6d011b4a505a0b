"""What a night did: one line per project and step, kept in the lake."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from headrace.lake import Lake
from headrace.lake.record import Night as NightRow

State = Literal["done", "refused", "failed"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One step over one project."""

    project: str
    step: str
    said: str  # one sentence
    state: State = "done"  # refused: the step had a reason; failed: it broke, see the log
    seen: int | None = None
    kept: int | None = None
    dropped: Mapping[str, int] = {}  # reason -> rows
    notes: Mapping[str, int] = {}


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the nightly flow."""

    night_id: str
    started_at: datetime
    ended_at: datetime
    until: datetime
    lines: tuple[Line, ...]

    @property
    def status(self) -> str:
        """`failed` where a step broke, else `done`."""
        return "failed" if any(line.state == "failed" for line in self.lines) else "done"

    def of(self, project: str, step: str) -> Line:
        """The line of one step. Raises KeyError where the night had none."""
        for line in self.lines:
            if (line.project, line.step) == (project, step):
                return line
        raise KeyError((project, step))

    @property
    def markdown(self) -> str:
        """The night as a page: a table per project, refusals in words."""
        projects = list(dict.fromkeys(line.project for line in self.lines))
        head = f"# Night of {self.until:%Y-%m-%d %H:%M} UTC\n"
        return "\n".join([head, *(_section(p, self.lines) for p in projects)])


def record(lake: Lake, night: Night) -> None:
    """Keep the night in `nights`, where `headrace status` and `/v1/status` find the last one."""
    row = NightRow(
        night_id=night.night_id,
        started_at=night.started_at,
        ended_at=night.ended_at,
        until=night.until,
        status=night.status,
        summary=msgspec.json.encode(night.lines).decode(),
    )
    lake.write(lambda tx: tx.upsert("nights", [row], on=["night_id"]))


def _section(project: str, lines: tuple[Line, ...]) -> str:
    rows = [line for line in lines if line.project == project]
    table = [
        f"## {project}\n",
        "| step | seen | kept | dropped | |",
        "|---|---:|---:|---|---|",
        *(_row(line) for line in rows),
    ]
    return "\n".join(table) + "\n"


def _row(line: Line) -> str:
    dropped = ", ".join(f"{count} {reason}" for reason, count in line.dropped.items())
    cells = [line.step, _number(line.seen), _number(line.kept), dropped, _cell(line.said)]
    return f"| {' | '.join(cells)} |"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
