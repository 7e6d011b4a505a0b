"""Personal data out of every new episode: later steps read what is written here, and that alone."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from headrace.curate.backlog import Backlog, Chunk
from headrace.curate.conversation import decoded
from headrace.curate.errors import UnknownKind
from headrace.curate.progress import Progress, silent
from headrace.curate.scrub.catalogue import KINDS
from headrace.curate.scrub.surrogates import digest_of
from headrace.curate.silver import key as keys
from headrace.curate.silver.cleaner import Clean, Cleaner, Part
from headrace.curate.step import StepResult
from headrace.curate.workers import Workers
from headrace.lake.message import Body, dump, text_of
from headrace.lake.project import settings_of
from headrace.lake.record import Decision, Record, ScrubbedEpisode, Surrogate
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

log = logging.getLogger(__name__)

STEP = "scrub"
NOT_SCRUBBABLE = "not_scrubbable"
MEMORY_MIB = 1_000  # that DuckDB may hold; a cache of files would take what there is

_LETTERS = r"[^\W\d_]{2,}"
_PAIR = re.compile(rf"(?<![^\W\d_])(?=(?P<one>{_LETTERS}) (?P<other>{_LETTERS}))")
RETIRED = "retired"  # note: copies that cannot be made anew


def scrub(lake: Lake, project: str, *, now: datetime, told: Progress = silent) -> StepResult:
    """Write every new or revised episode without personal data; a second run writes nothing.

    Metadata are scrubbed with the messages, tool definitions are not. Each chunk is one
    transaction. An episode that cannot be scrubbed is left out of everything that follows.
    Raises ScrubKeyError, MissingExtra, FinderError.
    """
    _forget_superseded(lake, project)
    extra = settings_of(lake.settings, project).scrub_extra
    version = Cleaner(key=b"", extra=extra).version
    backlog = Backlog.of(lake, project, step=STEP, version=version, scrubbed=False)
    gone = _left_as_they_are(lake, project, version)
    if not len(backlog):
        return StepResult(step=STEP, seen=0, kept=0, dropped={}, notes=gone)
    work = Cleaner(key=keys.key_of(lake, project), extra=extra).ready()
    workers = Workers(lake.settings.workers, len(backlog))
    reasons: Counter[str] = Counter()
    found: Counter[str] = Counter()
    with lake.within(MEMORY_MIB):
        for chunk, parts in workers.over(work, backlog):
            rows = _Rows(project, work, now, parts)
            rows.write(lake, chunk)
            reasons.update(row.reason for row in rows.decisions)
            found.update(rows.found)
            told(reasons.total(), len(backlog))
    lost = reasons[NOT_SCRUBBABLE]
    return StepResult(
        step=STEP,
        seen=reasons.total(),
        kept=reasons.total() - lost,
        dropped={NOT_SCRUBBABLE: lost} if lost else {},
        notes={**dict(sorted(found.items())), **gone},
    )


def where_is(lake: Lake, project: str, kind: str, value: str) -> list[str]:
    """The episodes in which a value stood, by its HMAC alone.

    The kinds are those of `KINDS`; a value of several words, such as a name, is found where all
    of them stood. Empty where the project was never scrubbed. Raises ScrubKeyError, UnknownKind.
    """
    if kind not in KINDS:
        raise UnknownKind(f"no kind {kind!r} of personal data; there are: {', '.join(KINDS)}")
    if not keys.fingerprints(lake, project):
        return []
    key, named = keys.key_of(lake, project), KINDS[kind]
    spans = list(named.typed(value)) or [(0, len(value))]
    digests = {digest_of(named, named.canonical(value[a:b]), key).hex() for a, b in spans}
    given = {"project": project, "kind": kind, "digests": sorted(digests)}
    return [row["episode_id"] for row in lake.rows(_sql("episodes_with"), given)]


def beside(lake: Lake, project: str, values: Mapping[str, object]) -> dict[str, object]:
    """What was said about episodes, by episode id, without personal data: corrections, say.

    What an episode tells of its people is taken out too; where its raw messages are gone, by HMACs
    of what stood in them. What cannot be scrubbed lacks. Raises ScrubKeyError, MissingExtra,
    FinderError.
    """
    return among(lake, project, {name: ((name,), value) for name, value in values.items()})


def among(
    lake: Lake, project: str, values: Mapping[str, tuple[Sequence[str], object]]
) -> dict[str, object]:
    """What was said about several episodes at once, by any name: what each of them tells goes.

    What cannot be scrubbed lacks, and holds up nothing else. Raises ScrubKeyError, MissingExtra,
    FinderError.
    """
    if not values:
        return {}
    extra = settings_of(lake.settings, project).scrub_extra
    work = Cleaner(key=keys.key_of(lake, project), extra=extra).ready()
    told = {episode for episodes, _ in values.values() for episode in episodes}
    given = {"project": project, "episodes": sorted(told)}
    raw: dict[str, list[Body]] = {}
    for row in lake.rows(_sql("raw_of_episodes"), given):
        raw.setdefault(row["episode_id"], []).append(decoded(row["body"]))
    gone: dict[str, dict[str, set[str]]] = {}
    for row in lake.rows(_sql("values_of_retired"), given):
        gone.setdefault(row["episode_id"], {})[row["kind"]] = set(row["digests"])
    clean: dict[str, object] = {}
    for name, (episodes, value) in values.items():
        bodies = [body for one in episodes for body in raw.get(one, ())]
        known = _joined([gone[one] for one in episodes if one in gone])
        try:
            found = work.beside(bodies, value, known)
            dump(found)
        except Exception as error:  # whatever people may have said
            log.warning("not scrubbed: %s: %s", name, type(error).__name__)
        else:
            clean[name] = found
    return clean


def _joined(parts: Sequence[Mapping[str, set[str]]]) -> dict[str, set[str]]:
    kinds = {kind for part in parts for kind in part}
    return {kind: set().union(*(part.get(kind, ()) for part in parts)) for kind in kinds}


def alike(
    lake: Lake, project: str, talks: Mapping[str, Sequence[Body]]
) -> dict[str, tuple[Body, ...]]:
    """Messages from elsewhere with the surrogates that they would have as episodes, by any name.

    Cases from files are held against episodes so: a name in both would no longer be the same. A
    full name is known where its words stood in one episode, by their HMACs. As they are where the
    project was never scrubbed. Raises ScrubKeyError.
    """
    if not talks or not keys.fingerprints(lake, project):
        return {name: tuple(messages) for name, messages in talks.items()}
    extra = settings_of(lake.settings, project).scrub_extra
    work = Cleaner(key=keys.key_of(lake, project), extra=extra).ready()
    people = _people(lake, project, work.key, talks)
    return {name: work.alike(messages, people[name]) for name, messages in talks.items()}


def _people(
    lake: Lake, project: str, key: bytes, talks: Mapping[str, Sequence[Body]]
) -> dict[str, list[str]]:
    """The full names in each talk whose words stood together in an episode."""
    import pyarrow as pa

    told = {
        name: sorted({pair for body in messages for pair in _pairs(text_of(body.get("content")))})
        for name, messages in talks.items()
    }
    named = KINDS["name"]
    rows = [
        {"name": pair, "digest": digest_of(named, named.canonical(word), key).hex(), "words": 2}
        for pair in sorted({pair for pairs in told.values() for pair in pairs})
        for word in pair.split(" ")
    ]
    shape = [("name", pa.string()), ("digest", pa.string()), ("words", pa.int64())]
    wanted = pa.Table.from_pylist(rows, schema=pa.schema(shape))
    given = {"project": project, "kind": named.name}
    known = set(lake.table(_sql("known_names"), given, {"wanted": wanted})["name"].to_pylist())
    return {name: [pair for pair in pairs if pair in known] for name, pairs in told.items()}


def _pairs(text: str) -> Iterator[str]:
    """Two different words with capitals, one after the other, that may be a name."""
    for found in _PAIR.finditer(text):
        one, other = found["one"], found["other"]
        if one[0].isupper() and other[0].isupper() and one.casefold() != other.casefold():
            yield f"{one} {other}"


class _Rows:
    """What the parts of a chunk come to."""

    def __init__(self, project: str, work: Cleaner, now: datetime, parts: Sequence[Part]) -> None:
        self._project, self._work, self._now = project, work, now
        self._parts = parts
        self._episodes = [one for part in parts for one in part.episodes]
        self.decisions = [self._decision(one) for one in self._episodes]
        self.found: Counter[str] = Counter()
        for one in self._episodes:
            self.found.update(
                msgspec.json.decode(one.found, type=dict[str, int]) if one.found else {}
            )

    def write(self, lake: Lake, chunk: Chunk) -> None:
        scrubbed, surrogates, done = list(self._scrubbed()), list(self._surrogates()), chunk.done
        messages = [row for part in self._parts for row in part.messages]
        names = [one.episode_id for one in self._episodes]

        def work(tx: Transaction) -> None:
            keys.mark(tx, lake.settings, self._project, self._work.key, now=self._now)
            _forget(tx, self._project, _decided(tx, self._project, names))
            tx.add_new("scrubbed_messages", messages, on=["hash"])
            for table, rows in self._tables(scrubbed, surrogates, done):
                tx.append(table, rows)

        lake.write(work)

    def _tables(self, *rows: Sequence[Record]) -> Iterator[tuple[str, Sequence[Record]]]:
        yield from zip(("scrubbed", "surrogates", "done"), rows, strict=True)
        yield "decisions", self.decisions

    def _scrubbed(self) -> Iterator[ScrubbedEpisode]:
        for one in self._episodes:
            if one.found is not None:
                yield ScrubbedEpisode(
                    project=self._project,
                    episode_id=one.episode_id,
                    revision=one.revision,
                    version=self._work.version,
                    messages=one.messages,
                    request=one.request,
                    metadata=one.metadata,
                    found=one.found,
                    at=self._now,
                )

    def _surrogates(self) -> Iterator[Surrogate]:
        for one in self._episodes:
            for kind, digest in one.values:
                yield Surrogate(
                    project=self._project, kind=kind, digest=digest, episode_id=one.episode_id
                )

    def _decision(self, one: Clean) -> Decision:
        return Decision(
            project=self._project,
            step=STEP,
            version=self._work.version,
            episode_id=one.episode_id,
            kept=one.found is not None,
            reason=_reason(one),
            at=self._now,
            revision=one.revision,
        )


def _reason(one: Clean) -> str:
    if one.found is None:
        return NOT_SCRUBBABLE
    return "scrubbed" if one.values or one.found != "{}" else "clean"


def _left_as_they_are(lake: Lake, project: str, version: str) -> dict[str, int]:
    """How many copies of earlier rules stay, as their raw texts are gone; a note of the step."""
    [row] = lake.rows(_sql("scrubbed_before"), {"project": project, "version": version})
    return {RETIRED: row["n"]} if row["n"] else {}


def _forget_superseded(lake: Lake, project: str) -> None:
    rows = lake.rows(_sql("superseded"), {"project": project, "step": STEP})
    names = [row["episode_id"] for row in rows]
    if names:
        lake.write(lambda tx: _forget(tx, project, names))


def _decided(tx: Transaction, project: str, episodes: Sequence[str]) -> list[str]:
    given = {"project": project, "step": STEP, "episodes": list(episodes)}
    return [name for (name,) in tx.run(_sql("decided"), given)]


def _forget(tx: Transaction, project: str, episodes: Sequence[str]) -> None:
    """Take out what stands of episodes; later steps will look at them again."""
    if not episodes:
        return
    given = {"project": project, "episodes": list(episodes)}
    for table in ("scrubbed", "surrogates", "done"):
        tx.run(_sql(f"forget_{table}"), given)
    tx.run(_sql("forget_decisions"), {**given, "step": STEP})


def _sql(name: str) -> str:
    return statements("headrace.curate", "scrubbing.sql")[name]
