"""Is it time to evaluate fine-tuning? Gates in order, an answer with reasons and an expiry."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

import msgspec

from headrace.evals.series import suites
from headrace.evals.signal import (
    Signal,
    business,
    churn,
    maturity,
    movement,
    no_evals,
    sufficiency,
)
from headrace.evals.trend import Trend, trend
from headrace.lake.message import digest, dump
from headrace.lake.record import Verdict
from headrace.lake.store import Lake

RULES = "headrace.readiness/1"
KIND = "readiness"
LIFE = timedelta(days=30)

State = Literal["train", "not_yet", "cannot_tell", "stay"]

_SAID = MappingProxyType(
    {
        "train": "Evaluate fine-tuning.",
        "not_yet": "Not yet.",
        "cannot_tell": "Cannot tell yet.",
        "stay": "Stay on prompts: everything is measured and nothing presses.",
    }
)
_POSITIVE = ("trend", "cost", "latency")


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """A state with every signal behind it, in the order of the gates."""

    project: str
    state: State
    signals: tuple[Signal, ...]
    reasons: tuple[str, ...]  # the sentences that decided
    next: str  # the cheapest thing that would settle it
    at: datetime
    expires_at: datetime  # or with the next release, whichever comes first
    inputs_hash: str  # same inputs, same state


def assess(
    lake: Lake, project: str = "default", *, now: datetime, delta: float | None = None
) -> Readiness:
    """Weigh what the lake can tell at `now`, a time with a zone. Raises UnfitParameters.

    `delta` is the smallest gain per three releases that pays for prompt work; 0.03 if not given.
    """
    trends = [
        trend(lake, suite=name, project=project, delta=delta) for name in suites(lake, project)
    ]
    signals = tuple(_signals(lake, project, trends, now))
    state, deciding = decide(signals)
    return Readiness(
        project=project,
        state=state,
        signals=signals,
        reasons=tuple(signal.sentence for signal in deciding),
        next=_next(state, deciding),
        at=now,
        expires_at=now + LIFE,
        inputs_hash=_inputs_hash(project, trends, signals),
    )


def decide(signals: Sequence[Signal]) -> tuple[State, list[Signal]]:
    """The state, and the signals that decided it: hard negatives, positives, doubt, else stay."""
    if negatives := list(_negatives(signals)):
        return "not_yet", negatives
    doubts = [
        s for s in signals if s.state == "unknown" and s.name not in _POSITIVE and s.name != "evals"
    ]
    positives = [s for s in signals if s.name in _POSITIVE]
    if reasons := [s for s in positives if s.state == "for"]:
        return ("cannot_tell", doubts) if doubts else ("train", reasons)
    if doubts := [s for s in positives if s.state == "unknown"] + doubts:
        return "cannot_tell", doubts
    return "stay", positives


def record(lake: Lake, readiness: Readiness) -> str:
    """Keep a verdict in the lake; its id, which its content gives. Twice is once."""
    payload = msgspec.json.encode(readiness, order="sorted").decode()
    row = Verdict(
        project=readiness.project,
        verdict_id=digest(payload),
        kind=KIND,
        state=readiness.state,
        at=readiness.at,
        expires_at=readiness.expires_at,
        inputs_hash=readiness.inputs_hash,
        payload=payload,
    )
    lake.write(lambda tx: tx.add_new("verdicts", [row], on=["project", "verdict_id"]))
    return row.verdict_id


def recall(payload: str) -> Readiness:
    """A verdict as it was recorded, from the payload of its row."""
    return msgspec.json.decode(payload, type=Readiness)


def words(readiness: Readiness) -> str:
    """A verdict as a short paragraph."""
    unweighed = [
        signal.sentence
        for signal in readiness.signals
        if signal.name in ("cost", "latency") and signal.state == "unknown"
    ]
    said = [_SAID[readiness.state], *readiness.reasons, f"Next: {readiness.next}."]
    said += [sentence for sentence in unweighed if sentence not in readiness.reasons]
    said.append(f"Stands until the next release, at most until {readiness.expires_at:%Y-%m-%d}.")
    return " ".join(said)


def _signals(lake: Lake, project: str, trends: Sequence[Trend], now: datetime) -> Iterator[Signal]:
    mature = [maturity(found) for found in trends]
    moves = [
        movement(found, mature=grown.state == "for")
        for found, grown in zip(trends, mature, strict=True)
    ]
    if not trends:
        *mature, missing = no_evals()
        moves = [missing]
    yield from mature
    yield sufficiency(lake, project)
    yield churn(lake, project, "tools", now)
    yield _waived(churn(lake, project, "prompt", now), moves)
    yield from moves
    yield from business()


def _waived(prompt: Signal, moves: Iterable[Signal]) -> Signal:
    """Where quality is flat, prompt changes are wasted motion, no reason to wait."""
    if prompt.state == "for" or not any(move.state == "for" for move in moves):
        return prompt
    said = f"{prompt.sentence} With a plateau that is no reason to wait."
    return msgspec.structs.replace(prompt, state="for", sentence=said, cure=None)


def _negatives(signals: Sequence[Signal]) -> Iterator[Signal]:
    """One mature suite is enough; anything else that speaks against holds everything up."""
    grown = any(s.name == "evals" and s.state == "for" for s in signals)
    for signal in signals:
        waits = signal.state == "against" and signal.name not in ("cost", "latency")
        if waits and not (signal.name == "evals" and grown):
            yield signal


def _next(state: State, deciding: Sequence[Signal]) -> str:
    if state == "train":
        return "build a data set and compare a fine-tuned candidate with the product on fresh cases"
    if state == "stay":
        return "look again at the next release"
    cures = [signal.cure for signal in deciding if signal.cure is not None]
    return cures[0] if cures else "look again at the next release"


def _inputs_hash(project: str, trends: Iterable[Trend], signals: Sequence[Signal]) -> str:
    signatures = [(found.suite, found.verdict.signature) for found in trends]
    seen = [msgspec.to_builtins(signal) for signal in signals]
    return digest(dump([RULES, project, signatures, seen]))
