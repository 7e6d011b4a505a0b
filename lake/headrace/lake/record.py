"""The nouns: one frozen record per row of a contract table, JSON columns as text, times in UTC."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

SpanKind = Literal["llm", "agent", "tool", "other"]
TargetKind = Literal["trace", "span", "response", "conversation", "episode", "external"]
Source = Literal["human", "user", "product", "rule", "judge", "model"]
Resolution = Literal["success", "failure", "pending", "conflicting", "unmarked"]
Split = Literal["train", "test", "eval"]
ReviewAction = Literal["success", "failure", "correction", "skip", "flag"]
ReviewState = Literal["open", "answered", "skipped", "flagged", "marked", "superseded"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A row; field names are column names."""


class Toolset(Record, frozen=True, kw_only=True):
    hash: str
    body: str  # JSON list of {type, function: {name, description, parameters}}


class Span(Record, frozen=True, kw_only=True):
    project: str
    trace_id: str
    span_id: str
    kind: SpanKind
    name: str
    received_at: datetime
    parent_span_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    status: str | None = None  # ok, error, unset
    error: str | None = None
    provider: str | None = None
    model: str | None = None
    release: str | None = None
    service: str | None = None
    scope: str | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    agent: str | None = None
    response_id: str | None = None
    previous_response_id: str | None = None  # the provider keeps the history before this call
    input: tuple[str, ...] = ()  # message hashes; empty where no content was captured
    output: tuple[str, ...] = ()
    said: str | None = None  # gist of the output
    heard: str | None = None  # gist of the last assistant turn of the input
    tools_hash: str | None = None
    request: str | None = None
    input_tokens: int | None = None  # includes cache reads and writes
    output_tokens: int | None = None  # includes reasoning
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: Decimal | None = None
    ttft_ms: float | None = None
    finish_reason: str | None = None
    convention: str = "none"
    defects: tuple[str, ...] = ()
    attributes: str = "{}"
    resource: str = "{}"
    events: str = "[]"


class LogEvent(Record, frozen=True, kw_only=True):
    project: str
    name: str
    received_at: datetime
    trace_id: str | None = None
    span_id: str | None = None
    at: datetime | None = None
    attributes: str = "{}"
    body: str | None = None
    nth: int | None = None  # place in its request: times may tie
    hash: str | None = None  # of all that it says


class Outcome(Record, frozen=True, kw_only=True):
    project: str
    outcome_id: str
    target_kind: TargetKind
    target_id: str
    source: Source
    received_at: datetime
    at: datetime
    name: str = "outcome"
    success: bool | None = None
    score: float | None = None
    label: str | None = None
    comment: str | None = None
    correction: str | None = None  # JSON: the message that should have been said
    author: str | None = None


class Episode(Record, frozen=True, kw_only=True):
    project: str
    episode_id: str
    revision: int  # from 1
    at: datetime
    messages: tuple[str, ...]
    trainable: tuple[bool, ...]  # one per message
    trace_ids: tuple[str, ...] = ()
    span_ids: tuple[str, ...] = ()
    parent_episode_id: str | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    release: str | None = None
    model: str | None = None
    agent: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tools: str | None = None  # JSON list; None: no definitions known
    request: str = ""
    turns: int = 0  # trained assistant turns
    tool_calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None  # None unless known for every call
    latency_ms: float | None = None
    finish_reason: str | None = None
    error: str | None = None
    defects: tuple[str, ...] = ()
    superseded: bool = False
    metadata: str = "{}"


class AssembledTrace(Record, frozen=True, kw_only=True):
    project: str
    trace_id: str
    fingerprint: str  # of its spans and of the rules they were assembled under


class JoinedTrace(Record, frozen=True, kw_only=True):
    project: str
    trace_id: str
    fingerprint: str  # of its log records and of the spans that they were joined with


class Resolved(Record, frozen=True, kw_only=True):
    project: str
    episode_id: str
    resolution: Resolution
    at: datetime
    success: bool | None = None
    score: float | None = None
    resolved_by: str | None = None  # the source that decided
    p_success: float | None = None  # by all votes together
    witnesses: int | None = None  # who voted, a family once


class Decision(Record, frozen=True, kw_only=True):
    project: str
    step: str  # assemble, resolve, scrub, dedupe, decontaminate, screen, pair, export
    version: str
    episode_id: str
    kept: bool
    reason: str
    at: datetime
    because_of: str | None = None  # an episode or case id
    similarity: float | None = None
    revision: int | None = None  # of the episode, where its content was judged


class Cluster(Record, frozen=True, kw_only=True):
    project: str
    method: str
    cluster_id: str
    episode_id: str
    representative: bool
    similarity: float | None = None
    rank: int | None = None  # from 1
    weight: float | None = None  # 1 / size


class SplitGroup(Record, frozen=True, kw_only=True):
    """A row of `splits`: drawn once, never again."""

    project: str
    group_id: str
    split: Split
    at: datetime


class Release(Record, frozen=True, kw_only=True):
    project: str
    release: str
    at: datetime
    kind: str = "observed"  # observed in traces, or given with scores
    model: str | None = None
    prompt_hash: str | None = None
    tools_hash: str | None = None
    notes: str | None = None


class Case(Record, frozen=True, kw_only=True):
    project: str
    suite: str
    case_id: str
    input: str  # JSON {"messages": [...], "tools": [...] | null}
    scorer: str
    content_hash: str
    added_at: datetime
    target: str | None = None  # JSON; None: nothing to compare with, only production can tell
    slice: str | None = None
    cluster: str | None = None
    origin_episode_id: str | None = None
    request: str | None = None  # the request cluster that it was grown from
    retired_at: datetime | None = None
    origin: str | None = None  # JSON {"from": production | promoted | file | scores, "file", "row"}


class Run(Record, frozen=True, kw_only=True):
    project: str
    run_id: str
    suite: str
    release: str
    status: str
    started_at: datetime
    model: str | None = None
    config_hash: str | None = None
    judge_hash: str | None = None
    log_uri: str | None = None


class Score(Record, frozen=True, kw_only=True):
    run_id: str
    case_id: str
    epoch: int  # from 1
    scorer: str
    value: float | None  # None: not measured
    error: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float | None = None
    cost_usd: Decimal | None = None


class Verdict(Record, frozen=True, kw_only=True):
    project: str
    verdict_id: str
    kind: str
    state: str
    at: datetime
    expires_at: datetime
    inputs_hash: str
    payload: str


class Dataset(Record, frozen=True, kw_only=True):
    project: str
    name: str
    version: str
    objective: str
    at: datetime
    snapshot_id: int
    rows: int
    recipe: str
    manifest_hash: str
    hub_repo: str | None = None
    hub_revision: str | None = None


class Member(Record, frozen=True, kw_only=True):
    project: str
    name: str
    version: str
    row_id: str
    split: Split
    episode_ids: tuple[str, ...]


class Night(Record, frozen=True, kw_only=True):
    night_id: str
    started_at: datetime
    ended_at: datetime
    until: datetime
    status: str
    summary: str  # JSON list, one entry per project and step


class DeadLetter(Record, frozen=True, kw_only=True):
    project: str
    spool: str
    seq: int
    signal: str
    reason: str
    body: bytes
    received_at: datetime
    at: datetime
    content_type: str | None = None


class Done(Record, frozen=True, kw_only=True):
    """What a step has looked at."""

    project: str
    step: str
    version: str
    key: str
    revision: int | None = None


class ScrubbedEpisode(Record, frozen=True, kw_only=True):
    project: str
    episode_id: str
    revision: int
    version: str
    messages: tuple[str, ...]
    request: str
    metadata: str  # JSON
    found: str  # JSON: kind of data -> places
    at: datetime


class RetiredRow(Record, frozen=True, kw_only=True):
    project: str
    kind: Literal["trace", "episode"]
    key: str
    at: datetime
    revision: int | None = None  # of an episode: this one and those before
    upto: int | None = None  # of a trace: the number of its last row among the spans
    heard: datetime | None = None  # of a trace: what was received later came late


class ScrubKey(Record, frozen=True, kw_only=True):
    """Tells a key from another, and nothing of what it is."""

    project: str
    fingerprint: str
    at: datetime


class Surrogate(Record, frozen=True, kw_only=True):
    project: str
    kind: str
    digest: str
    episode_id: str


class TextUnitRow(Record, frozen=True, kw_only=True):
    """A row of `text_units`."""

    project: str
    unit_id: int
    kind: str
    text_hash: str
    version: str
    episode_id: str  # the first one
    at: datetime
    text: str | None = None


class EpisodeUnits(Record, frozen=True, kw_only=True):
    project: str
    episode_id: str
    revision: int
    request: int | None = None
    asked: int | None = None
    skeleton: int | None = None
    transcript: int | None = None
    context: int | None = None
    wording: str | None = None
    words: str | None = None


class ClusterEvent(Record, frozen=True, kw_only=True):
    project: str
    method: str
    old_id: str
    new_id: str
    event: Literal["merge", "split"]
    at: datetime


class Leader(Record, frozen=True, kw_only=True):
    project: str
    model: str
    unit_id: int
    skeleton_id: int
    leader_id: int | None
    cosine: float | None


class Intent(Record, frozen=True, kw_only=True):
    project: str
    intent_id: str
    name: str
    terms: tuple[str, ...]
    named_by: str
    at: datetime


class EvalHit(Record, frozen=True, kw_only=True):
    project: str
    case_id: str
    episode_id: str
    rule: str
    verdict: str
    at: datetime
    score: float | None = None


class EvalOverlap(Record, frozen=True, kw_only=True):
    project: str
    case_id: str
    episode_id: str
    rule: str
    starts: tuple[int, ...] | None = None


class EvalAgreement(Record, frozen=True, kw_only=True):
    project: str
    model: str
    unit_id: int
    case_id: str
    cosine: float
    total: float
    lead: float
    rule: str
    at: datetime
    judged: bool | None = None
    judge_hash: str | None = None


class VoteRow(Record, frozen=True, kw_only=True):
    """A row of `votes`."""

    project: str
    episode_id: str
    name: str
    source: Source
    origin: Literal["outcome", "rule", "judge", "silence"]
    at: datetime
    family: str | None = None
    author: str | None = None
    value: int | None = None


class Judgement(Record, frozen=True, kw_only=True):
    project: str
    episode_id: str
    revision: int
    judge_hash: str
    name: str
    at: datetime
    family: str | None = None
    value: float | None = None
    explanation: str | None = None
    error: str | None = None


class ReviewItem(Record, frozen=True, kw_only=True):
    project: str
    item_id: str
    episode_id: str
    stratum: str
    why: str
    picked_at: datetime
    state: ReviewState
    state_at: datetime
    selection_probability: float | None = None  # None: not drawn by chance
    drawn_at: datetime | None = None
    resolution: str | None = None  # when it was picked, like p_success
    p_success: float | None = None
    asked: int = 1  # reviewers


class Review(Record, frozen=True, kw_only=True):
    project: str
    item_id: str
    episode_id: str
    revision: int
    reviewer: str
    action: ReviewAction
    at: datetime
    comment: str | None = None
    outcome_id: str | None = None  # None: skip, flag


class PairRow(Record, frozen=True, kw_only=True):
    """A row of `pairs`."""

    project: str
    pair_id: str
    chosen: str
    rejected: str
    kind: str
    request: str
    version: str
    at: datetime
    turn: int | None = None
    p_chosen: float | None = None
    p_rejected: float | None = None
    margin: float | None = None
    correction: str | None = None


class PairEvent(Record, frozen=True, kw_only=True):
    project: str
    pair_id: str
    event: Literal["made", "retracted"]
    at: datetime
    reason: str | None = None
