"""Reading bodies: once to validate and count before the spool, once more in the drain."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from headrace.ingest import evaluation, naming, otlp, posted, span_row
from headrace.ingest.aliases import PROJECT
from headrace.ingest.batch import Batch, Body, Signal
from headrace.ingest.errors import NoJson, Undecodable
from headrace.ingest.log_row import kept, row
from headrace.ingest.secrets import export as secrets
from headrace.ingest.telemetry import Attributes, Export

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
LINES = 50_000  # of one body, as many as spans
STRIPPED = "application/vnd.headrace.telemetry+msgpack"  # decoded, without secrets; never sent

_INVALID = "{} spans without a valid trace and span id (16 and 8 bytes, not zero)"
_TOLD = 5  # refused lines that an answer names
_TOLD_CHARS = 500  # of each: a long field name would be quoted in full
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # checking leaves no rows: any time will do
_LINES: dict[str, Callable[..., tuple[str, Batch]]] = {
    "episodes": posted.episodes,
    "outcomes": posted.outcomes,
}


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What may be acknowledged of one request."""

    accepted: int  # spans, log records, episodes or outcomes
    rejected: int
    error: str  # names line, field and cure of what was refused; empty: no complaint
    kept: bytes  # what to spool; of posted lines and of what is STRIPPED, without secrets
    ids: tuple[str, ...]  # of posted episodes or outcomes, in their order
    content_type: str  # of `kept`


def check(
    signal: Signal,
    content_type: str,
    payload: bytes,
    project: str | None,
    *,
    strict: bool = False,
) -> Accepted:
    """Validate a decompressed body before it is spooled; `strict`: keep nothing secret of it.

    Log records that no convention uses are dropped without a complaint. Posted lines lose their
    secrets and get their final ids. Raises Undecodable where nothing of the body can be kept.
    """
    if signal in ("episodes", "outcomes"):
        return _check_lines(signal, content_type, payload, project)
    if strict:
        return _check_strictly(signal, content_type, payload)
    if signal == "traces":
        valid, invalid = otlp.survey(content_type, payload)
    else:
        logs = otlp.decode(signal, content_type, payload).logs
        valid, invalid = sum(kept(log) for log in logs), 0
    return Accepted(
        accepted=valid,
        rejected=invalid,
        error=_INVALID.format(invalid) if invalid else "",
        kept=payload,
        content_type=content_type,
        ids=(),
    )


def decoded(signal: Signal, content_type: str, payload: bytes) -> Export:
    """Telemetry without its secrets. Raises Undecodable."""
    if content_type != STRIPPED:
        return secrets.stripped(otlp.decode(signal, content_type, payload))
    try:
        return secrets.stripped(msgspec.msgpack.decode(payload, type=Export))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Undecodable(f"no stripped telemetry of this version: {error}") from error


def _check_strictly(signal: Signal, content_type: str, payload: bytes) -> Accepted:
    """What is spooled is made of what was understood alone: nothing unseen comes along."""
    export = decoded(signal, content_type, payload)
    return Accepted(
        accepted=len(export.spans) + sum(kept(log) for log in export.logs),
        rejected=export.invalid,
        error=_INVALID.format(export.invalid) if export.invalid else "",
        kept=msgspec.msgpack.encode(export),
        content_type=STRIPPED,
        ids=(),
    )


def read(body: Body) -> Batch:
    """The rows of a spooled body: the same body gives the same rows.

    Raises Undecodable.
    """
    if body.signal in ("episodes", "outcomes"):
        numbered = lines(body.content_type, body.payload)
        return Batch.union(_posted(body, line) for _, line in numbered)
    return _telemetry(body)


def _posted(body: Body, line: bytes) -> Batch:
    bare, removed = secrets.stripped_line(line)
    reader = _LINES[body.signal]
    _, batch = reader(bare, project=body.project, received_at=body.received_at)
    return secrets.told(batch, removed)


def _check_lines(
    signal: Signal, content_type: str, payload: bytes, project: str | None
) -> Accepted:
    good: list[tuple[str, bytes]] = []
    faults: list[str] = []
    for number, line in lines(content_type, payload):
        try:
            line, _ = secrets.stripped_line(line)
            identity, _ = _LINES[signal](line, project=project, received_at=_EPOCH)
            good.append((identity, posted.with_id(line, identity)))
        except Undecodable as error:
            faults.append(_fault(error, number, many=content_type in NDJSON))
    if not good:
        raise Undecodable(_told(faults) or f"no {signal} in the body: send at least one")
    return Accepted(
        accepted=len(good),
        rejected=len(faults),
        error=_told(faults),
        kept=b"\n".join(line for _, line in good),
        content_type=content_type,
        ids=tuple(identity for identity, _ in good),
    )


def _fault(error: Undecodable, number: int, *, many: bool) -> str:
    """What is wrong with a line; of what is no JSON, how bodies come to be so."""
    place = f"line {number}: " if many else ""
    if not isinstance(error, NoJson):
        return f"{place}{error}"
    if not many:
        return f"{error}; send many as {NDJSON[0]}"
    if "trailing" in str(error):
        return f"{place}{error}; lines were joined: `curl -d` strips newlines, use `--data-binary`"
    return f"{place}{error}; write one whole object a line"


def lines(content_type: str, payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbered lines that hold something; plain JSON is one line."""
    if content_type not in NDJSON:
        yield 1, payload
        return
    if payload.count(b"\n") > LINES:
        raise Undecodable(f"more than {LINES:,} lines in one body: send fewer at a time")
    for number, line in enumerate(payload.split(b"\n"), start=1):
        if line.strip():
            yield number, line


def _told(faults: list[str]) -> str:
    more = len(faults) - _TOLD
    told = [fault[:_TOLD_CHARS] for fault in faults[:_TOLD]]
    return "\n".join([*told, *([f"and {more} more"] if more > 0 else [])])


def _telemetry(body: Body) -> Batch:
    export = decoded(body.signal, body.content_type, body.payload)
    at = body.received_at
    spans = [
        (
            data,
            span_row.rows(
                data, project=_home(body, data.resource, data.attributes), received_at=at
            ),
        )
        for data in export.spans
    ]
    logs = [(log, _home(body, log.resource, log.attributes)) for log in export.logs if kept(log)]
    return Batch(
        # every call repeats its history: each message once is enough
        messages=tuple({m.hash: m for _, rows in spans for m in rows.messages}.values()),
        toolsets=tuple({t.hash: t for _, rows in spans for t in rows.toolsets}.values()),
        spans=tuple(
            secrets.marked(rows.span, data.removed) if data.removed else rows.span
            for data, rows in spans
        ),
        log_events=tuple(
            row(log, project=home, received_at=at, nth=nth) for nth, (log, home) in enumerate(logs)
        ),
        outcomes=(
            *(
                outcome
                for data, rows in spans
                for outcome in evaluation.of_span(data, project=rows.span.project, received_at=at)
            ),
            *(
                outcome
                for log, home in logs
                for outcome in evaluation.of_log(log, project=home, received_at=at)
            ),
        ),
    )


def _home(body: Body, resource: Attributes, own: Attributes) -> str:
    """The project of a row: the key's or the header's, else what the payload says."""
    told = str(resource.get(PROJECT) or own.get(PROJECT) or "default")
    return body.project or naming.mended(told)[: naming.PROJECT_CHARS]
