"""Model calls that came without their messages, and the switch that brings them."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from headrace.console.page import counted
from headrace.curate import log_content
from headrace.ingest.conventions.capture import UNKNOWN, Capture, capture_of
from headrace.lake import Lake
from headrace.lake.statement import statements

HOSTS = 3  # that are named of those that keep content


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing from one instrumentation of one service."""

    project: str
    service: str | None
    scope: str | None
    convention: str
    calls: int  # that lack it; agents where there is no call at all
    among: int
    cure: str | None  # None: nothing that could be switched on
    said: str


def advices(lake: Lake) -> list[Advice]:
    """What to switch on where, by project; calls whose log records wait for a night are left out.

    Failed calls are not asked for their messages where an instrumentation sends them by default:
    many tell no input of a call that failed.
    """
    sql = statements("headrace.console")
    calls = lake.rows(sql["without_content"], {"names": list(log_content.NAMES)})
    found = [advice for row in calls for advice in _of_calls(row)]
    found += [_of_agents(row) for row in lake.rows(sql["agents_alone"])]
    return sorted(found, key=lambda advice: (advice.project, advice.cure is None, -advice.calls))


def _of_calls(row: Mapping[str, Any]) -> Iterator[Advice]:
    capture = capture_of(row["convention"], row["scope"])
    where = f"LLM calls of {_service(row)}{_label(capture, row)}"
    failed = row["failed"] if capture.default else 0
    cases = (
        (row["empty"] - failed, "carry no content", capture.cure),
        (row["hidden"], "hide content", capture.cure),
        (row["elsewhere"], f"keep content at {_hosts(row)}", "send it on the span"),
        (failed, "failed and tell no content: nothing to switch on", None),
    )
    for calls, what, cure in cases:
        if calls:
            words = f"{calls:,} of {row['calls']:,} {where} {what}"
            yield _advice(row, calls, row["calls"], words, cure)


def _of_agents(row: Mapping[str, Any]) -> Advice:
    capture = capture_of(row["convention"], row["scope"])
    words = (
        f"{counted(row['agents'], 'agent span')} of {_service(row)}{_label(capture, row)} in "
        f"{counted(row['traces'], 'trace')} and no LLM call"
    )
    return _advice(row, row["agents"], row["agents"], words, capture.client)


def _advice(row: Mapping[str, Any], calls: int, among: int, words: str, cure: str | None) -> Advice:
    return Advice(
        project=row["project"],
        service=row["service"],
        scope=row["scope"],
        convention=row["convention"],
        calls=calls,
        among=among,
        cure=cure,
        said=f"{row['project']}: {words}" + (f": {cure}" if cure else ""),
    )


def _service(row: Mapping[str, Any]) -> str:
    return f"service {row['service']!r}" if row["service"] else "an unnamed service"


def _label(capture: Capture, row: Mapping[str, Any]) -> str:
    name = row["scope"] if capture is UNKNOWN else capture.name
    return f" ({name})" if name else ""


def _hosts(row: Mapping[str, Any]) -> str:
    """Where addresses lead; what is there is never fetched."""
    hosts = row["hosts"]
    more = [f"{len(hosts) - HOSTS:,} more"] if len(hosts) > HOSTS else []
    return " and ".join([", ".join(hosts[:HOSTS]), *more]) if hosts else "another place"
