"""Episodes and outcomes that are posted as JSON: one object, or one a line."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

import msgspec

from headrace.ingest import naming
from headrace.ingest.aliases import usd
from headrace.ingest.batch import Batch
from headrace.ingest.episode_row import Given, episode, identity
from headrace.ingest.errors import NoJson, Undecodable
from headrace.ingest.grade import score
from headrace.ingest.jsontext import DEPTH, VALUES, cleaned, crowded, deep, whole
from headrace.ingest.messages import canonical
from headrace.lake.message import digest, dump
from headrace.lake.record import Outcome, Source, TargetKind

SOURCES: tuple[Source, ...] = get_args(Source)

TARGETS: Mapping[str, TargetKind] = {  # field -> what it names
    "trace_id": "trace",
    "span_id": "span",
    "response_id": "response",
    "conversation": "conversation",
    "episode": "episode",
    "external_id": "external",
}
MARKS = ("success", "score", "comment", "correction")
HEX = {"trace_id": 32, "span_id": 16}
_INPUT = ("input_tokens", "prompt_tokens", "input")
_OUTPUT = ("output_tokens", "completion_tokens", "output")

T = TypeVar("T", bound=msgspec.Struct)


class _Posted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Unknown fields are refused: a misspelled mark must not get lost."""


class InlineOutcome(_Posted):
    name: str = "outcome"
    success: bool | None = None
    score: float | None = None
    comment: str | None = None
    correction: str | dict[str, Any] | None = None
    source: str = "product"
    author: str | None = None
    id: str | int | None = None
    at: datetime | None = None


class PostedEpisode(_Posted):
    messages: list[Any]
    id: str | int | None = None
    project: str | None = None
    release: str | None = None
    conversation: str | None = None
    user: str | None = None
    model: str | None = None
    tools: list[Any] | None = None
    usage: dict[str, Any] | None = None
    cost_usd: float | str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: bool | float | InlineOutcome | None = None
    metadata: dict[str, Any] | None = None


class PostedOutcome(InlineOutcome):
    project: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    response_id: str | None = None
    conversation: str | None = None
    episode: str | None = None
    external_id: str | None = None


def episodes(line: bytes, *, project: str | None, received_at: datetime) -> tuple[str, Batch]:
    """Id and rows of one posted episode. Raises Undecodable naming field and cure."""
    posted = _decoded(line, PostedEpisode)
    given = _given(posted)
    content = identity(given)
    name = _id(posted.id) or content
    home = _project(project, posted.project)
    batch = episode(given, episode_id=name, content=content, project=home, at=received_at)
    inline = _inline(posted.outcome)
    if inline is None:
        return name, batch
    at = _utc(inline.at) or given.ended_at or received_at
    row = _outcome(inline, ("episode", name), project=home, at=at, received_at=received_at)
    # one mark per episode, name and source: a corrected one takes the place of the first
    mark = _id(inline.id) or digest(dump([name, row.name, row.source]))
    named = msgspec.structs.replace(row, outcome_id=mark)
    return name, Batch.union([batch, Batch(outcomes=(named,))])


def outcomes(line: bytes, *, project: str | None, received_at: datetime) -> tuple[str, Batch]:
    """Id and row of one posted outcome. Raises Undecodable naming field and cure.

    Without an id it gets the hash of its fields: the same mark posted twice is one.
    """
    posted = _decoded(line, PostedOutcome)
    target = _target(posted)
    fields = {k: v for k, v in msgspec.to_builtins(posted).items() if v is not None and k != "id"}
    name = _id(posted.id) or digest(dump(cleaned({**fields, "target": target[1]})))
    at = _utc(posted.at) or received_at
    row = _outcome(
        posted,
        target,
        project=_project(project, posted.project),
        at=at,
        received_at=received_at,
    )
    return name, Batch(outcomes=(msgspec.structs.replace(row, outcome_id=name),))


def with_id(line: bytes, identity: str) -> bytes:
    """The line with its final id in it, so that every later reading agrees."""
    fields: dict[str, Any] = msgspec.json.decode(whole(line))
    return line if fields.get("id") == identity else msgspec.json.encode({**fields, "id": identity})


def _decoded(line: bytes, shape: type[T]) -> T:
    if crowded(line):
        raise Undecodable(f"more than {VALUES:,} values in one object: send less at a time")
    if deep(line):
        raise Undecodable(f"JSON nested too deeply: at most {DEPTH} levels are read")
    try:
        return msgspec.json.decode(whole(line), type=shape)
    except RecursionError as error:
        raise Undecodable("JSON nested too deeply") from error
    except msgspec.ValidationError as error:
        raise Undecodable(_told(str(error), shape)) from error
    except (ValueError, MemoryError) as error:
        raise NoJson(f"no JSON object: {error}") from error


def _told(fault: str, shape: type[msgspec.Struct]) -> str:
    """A validation error with the cure: where a field is unknown, the fields there are."""
    if "unknown field" not in fault:
        return fault
    told = InlineOutcome if "`$.outcome`" in fault else shape
    return f"{fault}; there are: {', '.join(told.__struct_fields__)}"


def _given(posted: PostedEpisode) -> Given:
    usage = posted.usage or {}
    return Given(
        messages=posted.messages,
        tools=posted.tools,
        conversation=posted.conversation,
        user=posted.user,
        release=posted.release,
        model=posted.model,
        started_at=_utc(posted.started_at),
        ended_at=_utc(posted.ended_at),
        input_tokens=_tokens(usage, _INPUT),
        output_tokens=_tokens(usage, _OUTPUT),
        cost_usd=_cost(posted.cost_usd),
        metadata=posted.metadata or {},
    )


def _tokens(usage: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    value = next((usage[key] for key in keys if usage.get(key) is not None), None)
    if value is None or (type(value) is int and 0 <= value < 2**63):
        return value
    raise Undecodable(f"usage.{keys[0]} is {str(value)[:40]!r}: give a whole number of tokens")


def _cost(value: float | str | None) -> Any:
    amount = usd(value)
    if value is not None and amount is None:
        raise Undecodable(f"cost_usd is {str(value)[:40]!r}: give dollars, 0 or more")
    return amount


def _inline(outcome: bool | float | InlineOutcome | None) -> InlineOutcome | None:
    if isinstance(outcome, bool):
        return InlineOutcome(success=outcome)
    if isinstance(outcome, int | float):
        return InlineOutcome(score=outcome)
    return outcome


def _target(posted: PostedOutcome) -> tuple[TargetKind, str]:
    given = {field: getattr(posted, field) for field in TARGETS if getattr(posted, field)}
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise Undecodable(f"found {found}: give exactly one of {', '.join(TARGETS)}")
    [(field, value)] = given.items()
    if field not in HEX:
        naming.checked(field, value)
        return TARGETS[field], str(value)
    plain = str(value).replace("-", "").lower()
    if len(plain) != HEX[field] or set(plain) - set("0123456789abcdef"):
        raise Undecodable(f"{field} is {str(value)[:60]!r}: give {HEX[field]} hex digits")
    return TARGETS[field], plain


def _outcome(
    posted: InlineOutcome,
    target: tuple[TargetKind, str],
    *,
    project: str,
    at: datetime,
    received_at: datetime,
) -> Outcome:
    if all(getattr(posted, mark) is None for mark in MARKS):
        raise Undecodable(f"the outcome says nothing: give one of {', '.join(MARKS)}")
    source = next((name for name in SOURCES if name == posted.source), None)
    if source is None:
        known = ", ".join(SOURCES)
        raise Undecodable(f"source is {posted.source[:40]!r}: give one of {known}")
    naming.checked("id", _id(posted.id))
    naming.checked("name", posted.name)
    naming.checked("project", project, naming.PROJECT_CHARS)
    return Outcome(
        project=project,
        outcome_id="",
        target_kind=target[0],
        target_id=target[1],
        name=posted.name,
        success=posted.success,
        score=score(posted.score),
        comment=posted.comment,
        correction=_correction(posted.correction),
        source=source,
        author=posted.author,
        at=at,
        received_at=received_at,
    )


def _correction(said: str | dict[str, Any] | None) -> str | None:
    """What should have been said, as a canonical message of the assistant."""
    if said is None:
        return None
    message = {"content": said} if isinstance(said, str) else said
    [body, *more] = canonical([{"role": "assistant", **message}])
    if more:
        raise Undecodable("correction is more than one message: give what should have been said")
    said_by, cure = body["role"], "give what the assistant should have said"
    if said_by != "assistant":
        raise Undecodable(f"correction is by {said_by}: {cure}")
    if not body["content"] and not body.get("tool_calls"):
        raise Undecodable(f"correction is empty: {cure}")
    return dump(body)


def _id(given: str | int | None) -> str | None:
    return None if given is None or given == "" else str(given)


def _project(known: str | None, field: str | None) -> str:
    return known or field or "default"


def _utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise Undecodable(f"{at.isoformat()} lies outside the calendar") from error
