"""Refusals: how each kind of error is told over HTTP."""

import msgspec

from headrace.ingest.errors import (
    BadHeader,
    Busy,
    KeyNeeded,
    KeyRefused,
    KeysBusy,
    LakeAway,
    Misdirected,
    ScopeMissing,
    SpoolFailed,
    SpoolFull,
    TooFast,
    TooLarge,
    Undecodable,
    UnknownType,
)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind of error is told."""

    status: int
    reason: str  # names the problem type and the metric's label
    title: str
    cure: str
    code: int  # of google.rpc.Code
    retry_s: int | None = None
    otlp_status: int | None = None  # for exporters, where they retry on another one than others do
    closes: bool = False  # the rest of the request is not waited for
    challenge: str | None = None  # the value of WWW-Authenticate


# The first class that fits counts. OTLP clients retry 429, 502, 503 and 504 only, and drop a batch
# once Retry-After leads beyond their 10 s in total.
REFUSALS: tuple[tuple[type[Exception], Refusal], ...] = (
    (
        Undecodable,
        Refusal(
            status=400,
            reason="undecodable",
            title="The body cannot be read",
            cure="Correct what the detail names; the same bytes will be refused again.",
            code=3,
        ),
    ),
    (
        BadHeader,
        Refusal(
            status=400,
            reason="bad_header",
            title="A header cannot be used",
            cure="Correct the header that the detail names.",
            code=3,
        ),
    ),
    (
        TooLarge,
        Refusal(
            status=413,
            reason="too_large",
            title="The body is too large",
            cure="Send smaller batches, or raise HEADRACE_BODY_BYTES.",
            code=8,
        ),
    ),
    (
        UnknownType,
        Refusal(
            status=415,
            reason="unknown_type",
            title="The content type or encoding is not taken here",
            cure="Send one of those that the detail lists.",
            code=3,
        ),
    ),
    (
        Misdirected,
        Refusal(
            status=421,
            reason="misdirected",
            title="The host is not this machine",
            cure="Ask for 127.0.0.1, [::1] or localhost; let a proxy set Host to one of them.",
            code=7,
        ),
    ),
    (
        KeyRefused,
        Refusal(
            status=401,
            reason="wrong_key",
            title="The API key is not in force",
            cure="Make one where the sidecar runs: `headrace key add NAME`.",
            code=16,
            challenge='Bearer realm="headrace", error="invalid_token"',
        ),
    ),
    (
        KeyNeeded,
        Refusal(
            status=401,
            reason="no_key",
            title="An API key is needed",
            cure="Send Authorization: Bearer KEY; exporters take it from "
            "OTEL_EXPORTER_OTLP_HEADERS. `headrace key add NAME` makes one.",
            code=16,
            challenge='Bearer realm="headrace"',
        ),
    ),
    (
        ScopeMissing,
        Refusal(
            status=403,
            reason="scope",
            title="The API key is not for this",
            cure="Use a key that has the scope: `headrace key add NAME --scope SCOPE`.",
            code=7,
        ),
    ),
    (
        TooFast,
        Refusal(
            status=429,
            reason="rate",
            title="Too much at a time",
            cure="Send again after Retry-After, or raise HEADRACE_KEY_REQUESTS_PER_S or "
            "HEADRACE_KEY_BYTES_PER_S.",
            code=8,
            retry_s=1,
        ),
    ),
    (
        KeysBusy,
        Refusal(
            status=503,
            reason="keys_busy",
            title="Too many API keys are being verified",
            cure="Send again after Retry-After.",
            code=14,
            retry_s=1,
        ),
    ),
    (
        TimeoutError,
        Refusal(
            status=408,
            reason="slow",
            title="The body did not arrive in time",
            cure="Send smaller batches, or from nearer by; raise HEADRACE_READ_TIMEOUT_S.",
            code=4,
            retry_s=1,
            otlp_status=503,  # exporters drop what is answered with 408
            closes=True,
        ),
    ),
    (
        Busy,
        Refusal(
            status=503,
            reason="busy",
            title="Too many bytes in flight",
            cure="Send again after Retry-After.",
            code=14,
            retry_s=1,
        ),
    ),
    (
        SpoolFull,
        Refusal(
            status=503,
            reason="spool_full",
            title="The spool is full",
            cure="Send again after Retry-After; see why the drain lags: `headrace status`.",
            code=14,
            retry_s=2,
        ),
    ),
    (
        SpoolFailed,
        Refusal(
            status=503,
            reason="spool_failed",
            title="The spool cannot store",
            cure="Send again after Retry-After; look at the disk of HEADRACE_HOME.",
            code=14,
            retry_s=2,
        ),
    ),
    (
        LakeAway,
        Refusal(
            status=503,
            reason="lake_away",
            title="The lake cannot be read",
            cure="Ask again after Retry-After.",
            code=14,
            retry_s=5,
        ),
    ),
)
NOT_FOUND = Refusal(
    status=404,
    reason="not_found",
    title="Not found",
    cure="See the detail.",
    code=5,
)
UNEXPECTED = Refusal(
    status=503,
    reason="unexpected",
    title="The sidecar failed on this request",
    cure="Send again after Retry-After; the log of the sidecar has the cause.",
    code=14,
    retry_s=2,
)


def refusal_of(error: Exception, *, exporter: bool = False) -> Refusal:
    """The entry of `REFUSALS` for an error, as exporters are told; `UNEXPECTED` where is none."""
    told = next((told for kind, told in REFUSALS if isinstance(error, kind)), UNEXPECTED)
    if exporter and told.otlp_status is not None:
        return msgspec.structs.replace(told, status=told.otlp_status)
    if isinstance(error, TooFast):
        return msgspec.structs.replace(told, retry_s=error.retry_s)
    return told
