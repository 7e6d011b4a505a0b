"""Raw texts go after their days, down to the last byte; what was made of them reads as before."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow.parquet as pq
import pytest

from headrace.curate.assemble import assemble
from headrace.curate.conversation import conversations
from headrace.curate.raw.kept import Kept
from headrace.curate.retire import bring_back, retire
from headrace.curate.scrubbing import beside, scrub
from headrace.curate.silver import cleaner
from headrace.ingest.conventions import claude_code
from headrace.ingest.purge import TABLES, purge
from headrace.lake import Lake
from headrace.lake.errors import SnapshotGone
from headrace.lake.message import Body, Message, dump
from headrace.lake.record import DeadLetter, Episode, LogEvent, Outcome, Review, Span
from headrace.lake.store import Transaction

T = TypeVar("T")

CAME = datetime.now(UTC) - timedelta(hours=1)  # the lake dates its snapshots itself
DAYS = 30
PROJECT = "shop"
PLANTED = ("Zebulon", "Quimbleton", "quimbleton77@gmail.com", "4155559871")
RAW = f"My name is {PLANTED[0]} {PLANTED[1]}, write to {PLANTED[2]} or call +1 {PLANTED[3]}"


def later(days: float) -> datetime:
    return CAME + timedelta(days=days)


def said(number: int) -> list[Body]:
    return [
        {"role": "system", "content": "You sell boots."},
        {"role": "user", "content": f"{RAW}. I want pair {number}."},
        {"role": "assistant", "content": f"{PLANTED[0]}, pair {number} is on its way."},
    ]


def span(number: int, at: datetime = CAME, part: int = 0, **fields: Any) -> Span:
    names = [Message.of(body).hash for body in said(number)]
    raw = dump({"gen_ai.prompt": RAW, "headrace.task": f"boots {RAW}", "n": number})
    given: dict[str, Any] = {
        "trace_id": f"{number:032x}",
        "input": tuple(names[:2]),
        "output": tuple(names[2:]),
    } | fields
    return Span(
        project=PROJECT, span_id=f"{part:016x}", kind="llm", name="chat",
        received_at=at, started_at=at, ended_at=at + timedelta(seconds=1), model="m", status="ok",
        attributes=raw, resource=dump({"host.owner": RAW}), events=dump([{"body": RAW}]),
        input_tokens=7, request=dump({"user": PLANTED[2]}), **given,
    )  # fmt: skip


def posted(number: int, at: datetime = CAME) -> Episode:
    return Episode(
        project=PROJECT, episode_id=f"posted-{number}", revision=1, at=at,
        messages=tuple(Message.of(body).hash for body in said(number)),
        trainable=(False, False, True), request=RAW,
        metadata=dump({"customer": {"name": f"{PLANTED[0]} {PLANTED[1]}"}, "external_id": "o-1"}),
        error=f"failed for {PLANTED[2]}",
    )  # fmt: skip


def outcome(number: int, kind: Any, target: str, at: datetime = CAME) -> Outcome:
    return Outcome(
        project=PROJECT, outcome_id=f"o{number}", target_kind=kind, target_id=target,
        source="human", success=False, comment=f"{PLANTED[0]} of {PLANTED[2]} is angry",
        correction=dump({"role": "assistant", "content": f"Sorry, {PLANTED[0]}."}), at=at,
        received_at=at,
    )  # fmt: skip


def reviewed(number: int, action: Any = "failure", at: datetime = CAME) -> Review:
    """What a reviewer did: a label is the outcome of the same number as well."""
    return Review(
        project=PROJECT, item_id=f"i{number}", episode_id=f"posted-{number}", revision=1,
        reviewer="ann", action=action, at=at, comment=f"{PLANTED[0]} of {PLANTED[2]} is angry",
        outcome_id=None if action == "flag" else f"o{2 * number + 1}",
    )  # fmt: skip


def put(lake: Lake, numbers: range, at: datetime = CAME) -> None:
    """Traces, each with a posted episode that says the same, and all that comes along."""
    spans = [span(n, at) for n in numbers]
    events = [
        LogEvent(
            project=PROJECT, name="note", received_at=at, at=at, trace_id=f"{n:032x}",
            attributes=dump({"who": RAW}), body=dump(RAW), hash=f"log-{n}",
        )
        for n in numbers
    ]  # fmt: skip
    marks = [outcome(2 * n, "trace", f"{n:032x}", at) for n in numbers]
    marks += [outcome(2 * n + 1, "episode", f"posted-{n}", at) for n in numbers]
    letter = DeadLetter(
        project=PROJECT, spool="s", seq=1, signal="traces", reason="unreadable",
        content_type="text/plain", body=RAW.encode(), received_at=at, at=at,
    )  # fmt: skip

    def write(tx: Transaction) -> None:
        tx.add_new("messages", [Message.of(b) for n in numbers for b in said(n)], on=["hash"])
        tx.append("spans", spans)
        tx.append("episodes", [posted(n, at) for n in numbers])
        tx.append("log_events", events)
        tx.append("outcomes", marks)
        tx.append("reviews", [reviewed(n, "flag" if n % 2 else "failure", at) for n in numbers])
        tx.append("dead_letters", [letter])

    lake.write(write)


def put_young(lake: Lake) -> None:
    """What stays, and tells nothing: tables are never empty."""
    body: Body = {"role": "assistant", "content": "Hello."}
    rows = [
        Episode(
            project=PROJECT, episode_id=f"young-{n}", revision=1, at=later(30), request="Hello?",
            messages=(Message.of(body).hash,), trainable=(True,), error="a b",
        )
        for n in range(20)
    ]  # fmt: skip
    marks = [
        msgspec.structs.replace(outcome(n, "episode", f"young-{n}", later(30)), comment="good",
                                outcome_id=f"young-{n}", correction=None)
        for n in range(20)
    ]  # fmt: skip

    def write(tx: Transaction) -> None:
        tx.add_new("messages", [Message.of(body)], on=["hash"])
        tx.append("episodes", rows)
        tx.append("outcomes", marks)

    lake.write(write)


def curate(lake: Lake, now: datetime) -> None:
    assemble(lake, PROJECT, now=now)
    scrub(lake, PROJECT, now=now)


def texts(home: Path) -> dict[str, list[str]]:
    """What is planted, by the files of a home that hold it; columns of Parquet are unpacked."""
    found: dict[str, list[str]] = {}
    for file in home.rglob("*"):
        if not file.is_file():
            continue
        told = file.read_bytes()
        if file.suffix == ".parquet":
            told += str(pq.read_table(file).to_pydict()).encode()
        here = [word for word in PLANTED if word.encode() in told]
        if here:
            found[str(file.relative_to(home))] = here
    return found


def shown(lake: Lake) -> list[tuple[str, tuple[Body, ...], str, Any]]:
    return sorted(
        (one.episode_id, one.messages, one.request, one.metadata)
        for one in conversations(lake, PROJECT)
    )


def bodies(lake: Lake) -> set[str]:
    return {row["hash"] for row in lake.rows("select hash from messages")}


def names_in_tables(lake: Lake) -> dict[str, int]:
    """Tables that still hold what was planted."""
    found = {}
    for (table,) in lake.sql(
        "select table_name from duckdb_tables() where database_name = 'lake'"
    ).fetchall():
        rows = [str(row) for row in lake.sql(f"from {table}").fetchall()]
        held = sum(any(word in row for word in PLANTED) for row in rows)
        if held:
            found[table] = held
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_SCRUB_KEY", "5a" * 32)
    monkeypatch.setenv("HEADRACE_RAW_DAYS", str(DAYS))
    return tmp_path / "home"


def test_nothing_raw_is_left_on_the_disk_and_what_was_scrubbed_reads_as_before(home: Path) -> None:
    with Lake.open(home) as lake:
        put(lake, range(40))
        put(lake, range(40, 44))  # so few stay in the catalog
        put_young(lake)
        curate(lake, later(0))
        before, snapshot = shown(lake), lake.snapshot_id
        assert len(before) == 108 and texts(home)
        result = retire(lake, now=later(31))
        assert (result.traces, result.episodes, result.waiting) == (44, 88, {})
        assert names_in_tables(lake) == {}
        for night in (32, 33, 34):
            assert purge(lake, now=later(night)) is not None
            retire(lake, now=later(night))
        assert texts(home) == {}
        assert shown(lake) == before
        assert lake.sql("select sum(input_tokens) from spans").fetchall() == [(44 * 7,)]
        marks = lake.sql("select count(comment), count(correction) from outcomes").fetchall()
        assert marks == [(108, 88)]
        [(said,)] = lake.sql("select count(*) from reviews where comment like '%angry'").fetchall()
        assert said == 44
        with pytest.raises(SnapshotGone, match="HEADRACE_RAW_DAYS"):
            Lake.open(home, snapshot=snapshot)
    assert texts(home) == {}


def test_without_the_setting_nothing_goes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_RAW_DAYS")
    with Lake.open(home) as lake:
        put(lake, range(2))
        curate(lake, later(0))
        before = lake.snapshot_id
        assert retire(lake, now=later(400)).before is None
        assert lake.snapshot_id == before
        assert str(Kept.of(lake)) == f"raw: kept (5 messages, oldest {CAME:%Y-%m-%d})"


def test_what_is_not_assembled_or_scrubbed_waits_and_says_why(home: Path) -> None:
    with Lake.open(home) as lake:
        put(lake, range(2))
        raw = names_in_tables(lake)
        found = retire(lake, now=later(31))
        assert found.waiting == {"not_assembled": 2, "not_scrubbed": 2}
        assert {**names_in_tables(lake), "dead_letters": 1} == raw
        assemble(lake, PROJECT, now=later(31))
        assert retire(lake, now=later(31)).waiting == {"not_scrubbed": 4}
        scrub(lake, PROJECT, now=later(31))
        assert retire(lake, now=later(31)).waiting == {}
        assert names_in_tables(lake) == {}


def test_what_the_scrub_refused_has_no_copy_and_waits_unless_nothing_reads_it(home: Path) -> None:
    endless = dump({"n": 1}).replace("1", "1e999")  # breaks the scrub: no JSON can be written of it
    first, other = (
        msgspec.structs.replace(posted(n), metadata=endless, error=None, superseded=n == 1)
        for n in range(2)
    )
    with Lake.open(home) as lake:
        put(lake, range(0))

        def write(tx: Transaction) -> None:
            tx.add_new("messages", [Message.of(b) for n in range(2) for b in said(n)], on=["hash"])
            tx.append("episodes", [first, other])

        lake.write(write)
        curate(lake, later(0))
        [refused] = lake.rows("select episode_id from decisions where reason = 'not_scrubbable'")
        assert refused == {"episode_id": "posted-0"}
        result = retire(lake, now=later(31))
        assert (result.episodes, result.waiting) == (1, {"not_scrubbable": 1})
        assert bodies(lake) == {Message.of(body).hash for body in said(0)}


def test_log_records_that_no_span_tells_of_wait_until_they_were_joined(home: Path) -> None:
    """A night of one project assembles that one, and retires the raw texts of all."""
    request = {"body": dump({"messages": [{"role": "user", "content": RAW}]}), "session.id": "s"}
    event = LogEvent(
        project=PROJECT, name=claude_code.REQUEST, received_at=CAME, at=CAME, trace_id="a" * 32,
        attributes=dump(request), hash="log",
    )  # fmt: skip
    with Lake.open(home) as lake:
        lake.write(lambda tx: tx.append("log_events", [event]))
        assert not retire(lake, now=later(31)).gone
        curate(lake, later(31))
        assert len(shown(lake)) == 1
        result = retire(lake, now=later(31))
        assert (result.traces, result.gone["log_events"]) == (1, 1)
        assert names_in_tables(lake) == {}


def test_late_log_records_wait_until_their_project_has_told_of_them(home: Path) -> None:
    """A night of another project does not assemble this one."""
    late = LogEvent(
        project=PROJECT, name="note", received_at=later(32), at=later(32), trace_id=f"{0:032x}",
        attributes="{}", body=dump(RAW), hash="late",
    )  # fmt: skip
    told = "select episode_id from decisions where reason = 'raw_retired'"
    with Lake.open(home) as lake:
        put(lake, range(2))
        curate(lake, later(0))
        retire(lake, now=later(31))
        lake.write(lambda tx: tx.append("log_events", [late]))
        assert "log_events" not in retire(lake, now=later(33)).gone
        assemble(lake, PROJECT, now=later(34))
        assert lake.rows(told) == [{"episode_id": late.trace_id}]
        assert retire(lake, now=later(34)).gone == {"log_events": 1}


def test_messages_that_younger_traces_say_too_stay_until_those_go(home: Path) -> None:
    with Lake.open(home) as lake:
        put(lake, range(2))
        young = said(0)
        lake.write(lambda tx: tx.append("spans", [span(0, later(20), trace_id="f" * 32)]))
        curate(lake, later(20))
        retire(lake, now=later(31))
        assert bodies(lake) == {Message.of(body).hash for body in young}
        assert retire(lake, now=later(51)).traces == 1
        assert lake.sql("select count(*) from messages").fetchall() == [(0,)]


def test_a_trace_that_still_grows_keeps_what_its_episode_was_made_of(home: Path) -> None:
    with Lake.open(home) as lake:
        first = [span(n, conversation_id="talk") for n in range(1)]
        put(lake, range(0))
        body: Body = {"role": "user", "content": f"{RAW}. One more."}
        answer: Body = {"role": "assistant", "content": "Sure."}
        names = [Message.of(one).hash for one in (*said(0), body, answer)]
        again = span(
            1, later(20), conversation_id="talk", input=tuple(names[:4]), output=tuple(names[4:])
        )

        def write(tx: Transaction) -> None:
            tx.add_new("messages", [Message.of(b) for b in (*said(0), body, answer)], on=["hash"])
            tx.append("spans", [*first, again])

        lake.write(write)
        curate(lake, later(20))
        assert retire(lake, now=later(31)).waiting == {"still_growing": 1}
        assert retire(lake, now=later(51)).traces == 2


def test_a_late_span_is_left_out_and_the_episode_stays_as_it_was(home: Path) -> None:
    with Lake.open(home) as lake:
        put(lake, range(3))
        curate(lake, later(0))
        before = shown(lake)
        retire(lake, now=later(31))
        body: Body = {"role": "user", "content": f"{RAW}, after all"}
        late = span(1, later(32), part=7, input=(Message.of(body).hash,), output=())

        def write(tx: Transaction) -> None:
            tx.add_new("messages", [Message.of(body)], on=["hash"])
            tx.append("spans", [late])

        lake.write(write)
        curate(lake, later(32))
        assert shown(lake) == before
        told = lake.rows("select episode_id, reason from decisions where reason = 'raw_retired'")
        assert told == [{"episode_id": f"{late.trace_id}:{late.span_id}", "reason": "raw_retired"}]
        retire(lake, now=later(33))
        assert names_in_tables(lake) == {}
        snapshot = lake.snapshot_id
        curate(lake, later(34))
        retire(lake, now=later(34))
        assert lake.snapshot_id == snapshot


def test_a_late_span_that_was_received_before_its_trace_was_last_heard_of_goes_and_is_told(
    home: Path,
) -> None:
    """From the spool of a machine that was away."""
    with Lake.open(home) as lake:
        put(lake, range(3))
        curate(lake, later(0))
        before = shown(lake)
        retire(lake, now=later(31))
        late = span(1, later(-2), part=7)

        def write(tx: Transaction) -> None:
            tx.add_new("messages", [Message.of(body) for body in said(1)], on=["hash"])
            tx.append("spans", [late])

        lake.write(write)
        curate(lake, later(32))
        assert shown(lake) == before
        assert retire(lake, now=later(33)).gone == {"messages": 3, "spans": 1}
        assert names_in_tables(lake) == {}
        told = lake.rows("select episode_id, reason from decisions where reason = 'raw_retired'")
        assert told == [{"episode_id": f"{late.trace_id}:{late.span_id}", "reason": "raw_retired"}]
        snapshot = lake.snapshot_id
        curate(lake, later(34))
        retire(lake, now=later(34))
        assert lake.snapshot_id == snapshot


def test_a_comment_that_comes_late_goes_after_its_own_days(home: Path) -> None:
    with Lake.open(home) as lake:
        put(lake, range(1))
        curate(lake, later(0))
        retire(lake, now=later(31))
        late = outcome(99, "trace", f"{0:032x}", later(40))
        flag = msgspec.structs.replace(reviewed(0, "flag", later(40)), reviewer="bob")

        def write(tx: Transaction) -> None:
            tx.append("outcomes", [late])
            tx.append("reviews", [flag])

        lake.write(write)
        spoken = "select comment from outcomes where outcome_id = 'o99' union all"
        spoken += " select comment from reviews where reviewer = 'bob'"
        retire(lake, now=later(41))
        assert lake.sql(spoken).fetchall() == [(late.comment,), (flag.comment,)]
        retire(lake, now=later(71))
        for (comment,) in lake.sql(spoken).fetchall():
            assert not [word for word in PLANTED if word in comment] and "is angry" in comment


def test_a_late_correction_gets_the_surrogates_that_it_had_before_the_texts_went(
    home: Path,
) -> None:
    known = {
        "name": f"{PLANTED[0]} {PLANTED[1]} Will", "phone": PLANTED[3],
        "address": "12 Elmwood Lane, Springfield", "zip_code": "SW1A 2AA",
        "date_of_birth": "1981-03-04",
    }  # fmt: skip
    call = {"function": {"name": "f", "arguments": dump({"who": "zebulon"})}, "type": "function"}
    right: Body = {
        "role": "assistant",
        "content": f"Sorry, {PLANTED[0]} {PLANTED[1]}, I will write to 12 Elmwood Lane, or call"
        f" {PLANTED[3]}. Postcode SW1A 2AA (1981-03-04). Yours, Will of Boots.",
        "tool_calls": [{"id": "1", **call}],
    }
    said_first = dump({"customer": known})
    episode = msgspec.structs.replace(posted(0), metadata=said_first)
    with Lake.open(home) as lake:
        put(lake, range(0))

        def write(tx: Transaction) -> None:
            tx.add_new("messages", [Message.of(body) for body in said(0)], on=["hash"])
            body: Body = {"role": "tool", "tool_call_id": "1", "content": said_first}
            tx.add_new("messages", [Message.of(body)], on=["hash"])
            named = (*episode.messages, Message.of(body).hash)
            row = msgspec.structs.replace(episode, messages=named, trainable=(False,) * 4)
            tx.append("episodes", [row])

        lake.write(write)
        curate(lake, later(0))
        [before] = beside(lake, PROJECT, {"posted-0": right}).values()
        assert retire(lake, now=later(31)).episodes == 1
        [after] = beside(lake, PROJECT, {"posted-0": right}).values()
        assert after == before
        told = str(after)
        assert not [
            word for word in (*PLANTED, "zebulon", "Elmwood", "SW1A", "1981") if word in told
        ]
        assert "I will write" in told and "Yours, Will" not in told


def test_a_correction_that_breaks_the_scrub_holds_up_nothing_else_and_is_told(home: Path) -> None:
    endless = [
        msgspec.structs.replace(
            outcome(77 + n, "episode", "posted-0"),
            correction=f'{{"role": "assistant", "score": {score}}}',
        )
        for n, score in enumerate(("1e999", "1" * 5_000))
    ]
    with Lake.open(home) as lake:
        put(lake, range(2))
        lake.write(lambda tx: tx.append("outcomes", endless))
        curate(lake, later(0))
        for night in (31, 32):
            assert retire(lake, now=later(night)).waiting == {"comments_not_scrubbable": 2}
        assert names_in_tables(lake) == {"outcomes": 2}


def test_where_the_key_is_away_what_is_due_waits_and_is_counted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lake.open(home) as lake:
        put(lake, range(2))
        curate(lake, later(0))
    monkeypatch.setenv("HEADRACE_SCRUB_KEY", "6b" * 32)
    with Lake.open(home) as lake:
        assert retire(lake, now=later(31)).waiting == {"not_scrubbable_now": 6}


def test_a_project_that_breaks_is_raised_when_the_others_are_done(home: Path) -> None:
    with Lake.open(home) as lake:
        put(lake, range(2))
        curate(lake, later(0))

        def write(tx: Transaction) -> None:
            tx.add_new("messages", [Message.of(body) for body in said(5)], on=["hash"])
            tx.append("episodes", [msgspec.structs.replace(posted(5), project="a")])
            mark = outcome(5, "episode", "posted-5")
            tx.append("outcomes", [msgspec.structs.replace(mark, project="a")])

        lake.write(write)
        scrub(lake, "a", now=later(0))
        given = {"hash": Message.of(said(5)[1]).hash, "body": f'{{"content": {"1" * 5_000}}}'}
        update = "update messages set body = $body where hash = $hash"
        lake.write(lambda tx: tx.run(update, given))
        with pytest.raises(ValueError, match="5000 digits"):
            retire(lake, now=later(31))
        kept = "select project, count(*) as n from retired group by all"
        assert lake.rows(kept) == [{"project": PROJECT, "n": 6}]


def test_other_rules_leave_the_copies_of_what_is_gone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lake.open(home) as lake:
        put(lake, range(2))
        curate(lake, later(0))
        retire(lake, now=later(31))
        put(lake, range(2, 3), later(31))
        before = {row[0]: row for row in shown(lake)}
        monkeypatch.setattr(cleaner, "VERSION", "another")
        found = scrub(lake, PROJECT, now=later(32))
        assert found.seen == 1 and found.notes["retired"] == 4
        after = {row[0]: row for row in shown(lake)}
        assert before.items() <= after.items()


def test_a_release_remembers_its_prompt(home: Path) -> None:
    with Lake.open(home) as lake:
        put(lake, range(2))
        curate(lake, later(0))
        [release] = lake.rows("from releases")
        retire(lake, now=later(31))
        assemble(lake, PROJECT, now=later(32))
        assert lake.rows("from releases") == [release] and release["prompt_hash"]


def test_a_writer_that_counted_on_a_message_that_went_has_to_look_again(home: Path) -> None:
    with Lake.open(home) as lake, Lake.open(home) as drain:
        put(lake, range(1))
        curate(lake, later(0))
        again = span(0, later(31), trace_id="f" * 32)
        looks: list[int] = []

        def write(tx: Transaction) -> None:
            tx.add_new("messages", [Message.of(body) for body in said(0)], on=["hash"])
            if not looks:
                retire(lake, now=later(31))
            looks.append(1)
            tx.append("spans", [again])

        drain.write(write)
        assert len(looks) > 1
        assert bring_back(lake) == 0
        assert lake.sql("select count(*) from messages").fetchall() == [(3,)]


def test_a_message_that_is_named_after_it_went_comes_back(home: Path) -> None:
    with Lake.open(home) as lake:
        put(lake, range(2))
        curate(lake, later(0))
        retire(lake, now=later(31))
        # Two transactions of a Postgres catalog do not see each other.
        lake.write(lambda tx: tx.append("spans", [span(0, later(31), trace_id="f" * 32)]))
        assert "; 3 messages came back" in str(retire(lake, now=later(31)))
        assert bring_back(lake) == 0
        curate(lake, later(31))
        assert len(shown(lake)) == 5


def test_a_night_soon_after_takes_nothing_off_the_disk(home: Path) -> None:
    with Lake.open(home) as lake:
        put(lake, range(12))
        curate(lake, later(0))
        snapshot = lake.snapshot_id
        retire(lake, now=later(31))
        assert purge(lake, now=datetime.now(UTC)) is None
        with Lake.open(home, snapshot=snapshot) as then:
            [(count,)] = then.sql("select count(*) from messages").fetchall()
            assert count == 25


class Killed(BaseException):
    """As from outside."""


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_and_restarted_it_ends_as_if_undisturbed(
    seed: int, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    write: Callable[..., Any] = Lake.write

    def mortal(lake: Lake, work: Callable[[Transaction], T]) -> T:
        fate = chance.random()
        if fate < 0.25:
            raise Killed
        done: T = write(lake, work)
        if fate > 0.75:
            raise Killed
        return done

    def end(name: str, *, deadly: bool) -> tuple[dict[str, list[str]], int]:
        deaths = 0
        with Lake.open(tmp_path / name) as lake:
            put(lake, range(6))
            curate(lake, later(0))
            with monkeypatch.context() as patch:
                if deadly:
                    patch.setattr(Lake, "write", mortal)
                while deaths < 8:
                    try:
                        retire(lake, now=later(31), chunk=3, rows=4)
                        break
                    except Killed:
                        deaths += 1
            retire(lake, now=later(31), chunk=3, rows=4)
            return everything(lake), deaths

    calm, none = end("calm", deadly=False)
    found, deaths = end("killed", deadly=True)
    assert none == 0 and deaths > 2
    assert found == calm


def everything(lake: Lake) -> dict[str, list[str]]:
    """Every row of the tables that retention writes."""
    found = {}
    for table in (*TABLES, "retired", "done", "scrubbed", "scrubbed_messages"):
        columns = [row["column_name"] for row in lake.rows(f"describe {table}")]
        kept = ", ".join(f'"{name}"' for name in columns if name not in ("at", "upto"))
        found[table] = sorted(map(repr, lake.sql(f"select {kept} from {table}").fetchall()))
    return found
