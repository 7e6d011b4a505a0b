"""20,000 tasks with known truth: seven sources, two of them judges that err together."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.curate.labels.vote import Vote

NOW = datetime(2026, 11, 20, tzinfo=UTC)
RATE = 0.7  # of success
COMMON = 0.7  # share of the second judge's errors that are the first's
ERROR = 0.03  # of an auditor


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """How often a source speaks, and how often it is right."""

    source: Any
    name: str
    speaks: float
    hit: float
    reject: float


VOICES = (
    Voice(source="judge", name="first", speaks=1.0, hit=0.88, reject=0.72),
    Voice(source="judge", name="second", speaks=1.0, hit=0.88, reject=0.72),
    Voice(source="user", name="thumb", speaks=0.15, hit=0.85, reject=0.80),
    Voice(source="product", name="late", speaks=0.45, hit=0.95, reject=0.90),
    Voice(source="rule", name="answered", speaks=0.8, hit=0.90, reject=0.60),
    Voice(source="rule", name="no_error", speaks=0.8, hit=0.85, reject=0.70),
)
AUDITED = 0.02


class World(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """`said` has a row per voice, with -1 where it is silent; `audits` two rows likewise."""

    truth: NDArray[np.int64]
    said: NDArray[np.int64]
    audits: NDArray[np.int64]

    @property
    def votes(self) -> list[Vote]:
        voices = [(voice.source, voice.name, None) for voice in VOICES]
        auditors = [("human", "audit", author) for author in ("ann", "ben")]
        rows = [*zip(voices, self.said, strict=True), *zip(auditors, self.audits, strict=True)]
        return [
            Vote(
                episode_id=name_of(i), source=source, name=name, author=author,
                value=int(row[i]), at=NOW,
            )
            for (source, name, author), row in rows
            for i in np.flatnonzero(row >= 0).tolist()
        ]  # fmt: skip

    @property
    def ended(self) -> dict[str, datetime]:
        return {name_of(i): NOW - timedelta(days=30) for i in range(len(self.truth))}


def name_of(i: int) -> str:
    return f"{i:06d}"


def world(generator: np.random.Generator, tasks: int = 20_000) -> World:
    truth = (generator.random(tasks) < RATE).astype(np.int64)
    errs = np.array([_errs(voice, truth, generator) for voice in VOICES])
    errs[1] = np.where(generator.random(tasks) < COMMON, errs[0], errs[1])
    silent = np.array([generator.random(tasks) >= voice.speaks for voice in VOICES])
    audited = generator.random(tasks) < AUDITED
    looks = np.array([audited, audited & (generator.random(tasks) < 0.25)])
    slips = generator.random((2, tasks)) < ERROR
    return World(
        truth=truth,
        said=np.where(silent, -1, np.where(errs, 1 - truth, truth)),
        audits=np.where(looks, np.where(slips, 1 - truth, truth), -1),
    )


def _errs(
    voice: Voice, truth: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.bool_]:
    return generator.random(len(truth)) >= np.where(truth == 1, voice.hit, voice.reject)
