"""The scrub over a lake: what is written, once, and who may read it."""

import json
from datetime import timedelta
from typing import Any

import jsonschema
import msgspec
import pytest

from headrace.curate.backlog import Backlog
from headrace.curate.conversation import Conversation, conversations
from headrace.curate.errors import ScrubKeyError, UnknownKind
from headrace.curate.scrubbing import alike, beside, scrub, where_is
from headrace.curate.silver import key
from headrace.curate.silver.cleaner import Cleaner
from headrace.lake.message import Body
from headrace.lake.store import Lake, Transaction
from tests.unit.curate.conftest import NOW, World, result, said, short, system, user

EMAIL = "jane.roe@gmail.com"
TABLES = ("scrubbed", "surrogates", "decisions", "done", "scrub_keys")
REFUND: Body = {
    "type": "function",
    "function": {
        "name": "refund",
        "parameters": {
            "type": "object",
            "properties": {
                "email": {"type": "string", "format": "email"},
                "card": {"type": "string", "pattern": "^[0-9]{4}( [0-9]{4}){3}$"},
                "amount": {"type": "integer"},
            },
            "required": ["email", "card"],
            "additionalProperties": False,
        },
    },
}


def talk(email: str = EMAIL, name: str = "Jane Roe") -> list[Body]:
    """A conversation in which an address stands in a message, in arguments and in a result."""
    call = ("1", "refund", json.dumps({"email": email, "card": "4556 7375 8689 9855", "amount": 7}))
    customer = json.dumps({"customer": {"name": name, "email": email}})
    return [
        system(),
        user(f"I am {email}, my card is 4556 7375 8689 9855. Refund order 1234567890."),
        said(None, call),
        result("1", customer),
        said(f"Done, {name.split()[0]}."),
    ]


def read(lake: Lake, world: World) -> dict[str | None, Conversation]:
    return {short(one.episode_id): one for one in conversations(lake, world.project)}


def text(value: object) -> str:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)


def tables(lake: Lake, project: str) -> dict[str, list[dict[str, Any]]]:
    """What the step wrote for a project, but for when, with the messages that it names."""
    found = {
        name: [
            {column: value for column, value in row.items() if column != "at"}
            for row in lake.rows(f"from {name} where project = $p order by all", {"p": project})
        ]
        for name in TABLES
    }
    named = sorted({name for row in found["scrubbed"] for name in row["messages"]})
    sql = "from scrubbed_messages where hash in (select unnest($names)) order by hash"
    return found | {"messages": lake.rows(sql, {"names": named})}


def test_one_address_has_one_surrogate_wherever_it_stands(lake: Lake, world: World) -> None:
    world.post("a", talk())
    world.post("b", [user(f"Write to {EMAIL.upper()}"), said("Yes")], 1)
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    found = read(lake, world)
    [_, asked, call, answer, _] = found["a"].messages
    fresh = json.loads(call["tool_calls"][0]["function"]["arguments"])["email"]
    assert fresh.endswith("@example.com")
    assert fresh in asked["content"]
    assert json.loads(answer["content"])["customer"]["email"] == fresh
    assert fresh in found["b"].messages[0]["content"].lower()
    assert EMAIL not in text(list(found.values())).lower()


def test_another_project_has_another_surrogate(lake: Lake, world: World) -> None:
    other = World(world.project + "/other")
    for each in (world, other):
        each.post("a", talk())
        each.drain(lake, scrubbed=False)
        scrub(lake, each.project, now=NOW)
    ours, theirs = (read(lake, each)["a"].messages[1]["content"] for each in (world, other))
    assert ours != theirs


def test_arguments_still_validate_against_the_schema_of_their_tool(
    lake: Lake, world: World
) -> None:
    world.post("a", talk(), tools=json.dumps([REFUND]))
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    found = read(lake, world)["a"]
    assert found.tools == (REFUND,)
    given = json.loads(found.messages[2]["tool_calls"][0]["function"]["arguments"])
    assert given["card"] != "4556 7375 8689 9855"
    assert given["amount"] == 7
    jsonschema.validate(given, REFUND["function"]["parameters"])


def test_what_names_no_person_stays_as_it_was(lake: Lake, world: World) -> None:
    messages = [system(), user("Where is order 1234567890?"), said("At 127.0.0.1.")]
    world.post("a", messages)
    world.drain(lake, scrubbed=False)
    done = scrub(lake, world.project, now=NOW)
    assert list(read(lake, world)["a"].messages) == messages
    [decided] = tables(lake, world.project)["decisions"]
    assert (decided["kept"], decided["reason"], decided["revision"]) == (True, "clean", 1)
    assert (done.seen, done.kept, done.notes) == (1, 1, {})


def test_request_and_metadata_are_scrubbed_with_the_messages(lake: Lake, world: World) -> None:
    about = {"task": "refund", "customer_name": "Jane Roe", "reference": f"Write to {EMAIL}, Jane"}
    world.post("a", [user(f"I am Jane, {EMAIL}"), said("Hello Jane")], metadata=about)
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    found = read(lake, world)["a"]
    assert found.request == found.messages[0]["content"]
    assert found.task == "refund"
    assert "Jane" not in text(found)
    assert EMAIL not in text(found)
    assert found.metadata["reference"].endswith(found.metadata["customer_name"].split()[0])


def test_the_backlog_of_a_later_step_gives_what_conversations_give(
    lake: Lake, world: World
) -> None:
    world.post("a", talk(), metadata={"customer": "Jane"})
    world.post("b", talk("joe@gmail.com", "Joe Bloggs"), 1)
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    chunks = Backlog.of(lake, world.project, step="later", version="1")
    given = {one.episode_id: one for chunk in chunks for one in chunk}
    for one in conversations(lake, world.project):
        assert given[one.episode_id] == one


def test_nothing_is_read_of_what_was_not_scrubbed(lake: Lake, world: World) -> None:
    world.post("a", talk(), metadata={"who": EMAIL})
    world.drain(lake, scrubbed=False)
    assert conversations(lake, world.project) == []
    assert len(Backlog.of(lake, world.project, step="later", version="1")) == 0
    [waits] = conversations(lake, world.project, waiting=True)
    assert (waits.scrubbed, waits.messages, waits.request, waits.metadata) == (False, (), "", {})
    scrub(lake, world.project, now=NOW)
    [found] = conversations(lake, world.project, waiting=True)
    assert found.scrubbed


def test_a_second_run_writes_nothing(lake: Lake, world: World) -> None:
    world.post("a", talk())
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    before = lake.snapshot_id
    again = scrub(lake, world.project, now=NOW + timedelta(days=1))
    assert (again.seen, lake.snapshot_id) == (0, before)


def test_a_new_revision_takes_the_place_of_the_old_one(lake: Lake, world: World) -> None:
    first = world.post("a", talk())
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    names = world.names(talk("joe@gmail.com", "Joe Bloggs"))
    world.posted = [msgspec.structs.replace(first, revision=2, messages=names)]
    world.drain(lake, scrubbed=False)
    assert conversations(lake, world.project) == []  # the old text does not speak for the new one
    scrub(lake, world.project, now=NOW)
    assert read(lake, world)["a"].revision == 2
    assert where_is(lake, world.project, "email", EMAIL) == []
    assert where_is(lake, world.project, "email", "joe@gmail.com") == [first.episode_id]


def test_under_other_rules_every_episode_is_scrubbed_and_looked_at_again(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.post("a", talk())
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    [chunk] = Backlog.of(lake, world.project, step="later", version="1")
    lake.write(lambda tx: tx.append("done", chunk.done))
    scrub(lake, world.project, now=NOW)
    assert len(Backlog.of(lake, world.project, step="later", version="1")) == 0
    monkeypatch.setattr("headrace.curate.silver.cleaner.VERSION", "scrub/other")
    assert scrub(lake, world.project, now=NOW).seen == 1
    [row] = tables(lake, world.project)["scrubbed"]
    assert row["version"] == "scrub/other"
    assert len(tables(lake, world.project)["decisions"]) == 1
    assert len(Backlog.of(lake, world.project, step="later", version="1")) == 1


def test_nothing_stays_of_an_episode_that_is_superseded(lake: Lake, world: World) -> None:
    gone, stays = world.post("gone", talk()), world.post("stays", talk(), 1)
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    world.posted = [msgspec.structs.replace(gone, revision=2, superseded=True)]
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    found = tables(lake, world.project)
    for name, column in {
        "scrubbed": "episode_id",
        "decisions": "episode_id",
        "done": "key",
    }.items():
        assert [row[column] for row in found[name]] == [stays.episode_id]
    assert where_is(lake, world.project, "email", EMAIL) == [stays.episode_id]


def forget(lake: Lake, project: str) -> None:
    """Leave nothing of a project but its key."""
    for table in ("episodes", *TABLES):
        lake.write(
            lambda tx, table=table: tx.run(  # type: ignore[misc]
                f"delete from {table} where project = $project", {"project": project}
            )
        )


def test_two_nights_come_to_what_one_night_over_both_comes_to(lake: Lake, world: World) -> None:
    found = []
    for nights in (1, 2):
        forget(lake, world.project)
        one, two = World(world.project), World(world.project)
        first = one.post("a", talk())
        one.post("b", talk("joe@gmail.com", "Joe Bloggs"), 1)
        names = two.names(talk("ann@gmail.com", "Ann Other"))
        two.posted.append(msgspec.structs.replace(first, revision=2, messages=names))
        two.post("c", talk("x@gmail.com", "Xena Yards"), 2)
        one.drain(lake, scrubbed=False)
        if nights == 2:
            scrub(lake, world.project, now=NOW)
        two.drain(lake, scrubbed=False)
        scrub(lake, world.project, now=NOW)
        found.append(tables(lake, world.project))
    assert found[0] == found[1]
    assert len(found[0]["scrubbed"]) == 3


class Dying:
    """A lake whose process dies in one of its writes, before it is committed or after."""

    def __init__(self, lake: Lake, write: int, *, after: bool) -> None:
        self._lake, self._left, self._after = lake, write, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lake, name)

    def write(self, work: Any) -> Any:
        self._left -= 1

        def dying(tx: Transaction) -> Any:
            done = work(tx)
            if not self._left and not self._after:
                raise KeyboardInterrupt
            return done

        done = self._lake.write(dying)
        if not self._left:
            raise KeyboardInterrupt
        return done


def test_a_run_that_is_killed_is_taken_up_where_it_stood(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.curate.backlog.CHUNK", 2)
    for number in range(6):
        world.post(f"{number}", talk(f"joe{number}@gmail.com"), number)
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    undisturbed = tables(lake, world.project)
    assert len(undisturbed["scrubbed"]) == 6
    for write, after in [(1, False), (2, True), (3, False)]:
        forget(lake, world.project)
        world.drain(lake, scrubbed=False)
        dying: Any = Dying(lake, write, after=after)
        with pytest.raises(KeyboardInterrupt):
            scrub(dying, world.project, now=NOW)
        found = tables(lake, world.project)
        assert len(found["scrubbed"]) == len(found["done"]) == 2 * (write if after else write - 1)
        scrub(lake, world.project, now=NOW)
        assert tables(lake, world.project) == undisturbed


def test_an_episode_that_cannot_be_scrubbed_holds_up_no_other(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Cleaner._cleaned

    def fails(self: Any, episode: Conversation, shelf: Any) -> Any:
        if short(episode.episode_id) == "bad":
            raise RecursionError("too deep")
        return whole(self, episode, shelf)

    bad = world.post("bad", talk())
    world.post("good", talk(), 1)
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    assert set(read(lake, world)) == {"bad", "good"}
    monkeypatch.setattr(Cleaner, "_cleaned", fails)
    world.posted = [msgspec.structs.replace(bad, revision=2)]
    world.drain(lake, scrubbed=False)
    done = scrub(lake, world.project, now=NOW)
    assert (done.seen, done.kept, dict(done.dropped)) == (1, 0, {"not_scrubbable": 1})
    assert set(read(lake, world)) == {"good"}  # what stood of its first revision is gone too
    assert where_is(lake, world.project, "email", EMAIL) == [f"{world.project}/good"]
    assert scrub(lake, world.project, now=NOW).seen == 0


def test_counts_of_every_kind_are_told(lake: Lake, world: World) -> None:
    world.post("a", talk())
    world.drain(lake, scrubbed=False)
    told: list[tuple[int, int]] = []
    done = scrub(lake, world.project, now=NOW, told=lambda *so_far: told.append(so_far))
    assert done.notes == {"card": 2, "email": 3, "name": 3}
    assert told == [(1, 1)]
    [row] = tables(lake, world.project)["scrubbed"]
    assert json.loads(row["found"]) == done.notes


def test_values_are_found_again_by_their_hmac(lake: Lake, world: World) -> None:
    a = world.post("a", talk()).episode_id
    b = world.post("b", talk(name="Jane Poe"), 1).episode_id
    world.drain(lake, scrubbed=False)
    assert where_is(lake, world.project, "email", EMAIL) == []
    scrub(lake, world.project, now=NOW)
    project = world.project
    assert where_is(lake, project, "email", f" {EMAIL.upper()}") == [a, b]
    assert where_is(lake, project, "name", "jane") == [a, b]
    assert where_is(lake, project, "name", "Jane Roe") == [a]
    assert where_is(lake, project, "card", "4556-7375-8689-9855") == [a, b]
    assert where_is(lake, project, "name", "Joe") == []
    assert where_is(lake, project + "/other", "email", EMAIL) == []
    with pytest.raises(UnknownKind, match=r"no kind 'mail'.*email"):
        where_is(lake, project, "mail", EMAIL)
    assert EMAIL not in text(lake.rows("from surrogates where project = $p", {"p": project}))


def test_what_is_said_about_an_episode_gets_the_surrogates_of_the_episode(
    lake: Lake, world: World
) -> None:
    name = world.post("a", talk()).episode_id
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    told = {name: said(f"Jane, I wrote to {EMAIL}"), "unknown": f"Mail {EMAIL}"}
    found = beside(lake, world.project, told)
    customer = json.loads(read(lake, world)["a"].messages[3]["content"])["customer"]
    first = customer["name"].split()[0]
    assert found[name] == said(f"{first}, I wrote to {customer['email']}")
    assert found["unknown"] == f"Mail {customer['email']}"
    assert beside(lake, world.project, {}) == {}


def test_messages_from_elsewhere_are_made_alike_to_those_of_episodes(
    lake: Lake, world: World
) -> None:
    world.post("a", talk())
    world.drain(lake, scrubbed=False)
    assert alike(lake, world.project, {"case": talk()}) == {"case": tuple(talk())}
    scrub(lake, world.project, now=NOW)
    found = alike(lake, world.project, {"case": talk(), "other": [user("No names here")]})
    assert found == {"case": read(lake, world)["a"].messages, "other": (user("No names here"),)}


def test_a_lake_that_was_scrubbed_under_another_key_is_refused(lake: Lake, world: World) -> None:
    world.post("a", talk())
    world.drain(lake, scrubbed=False)
    scrub(lake, world.project, now=NOW)
    place = key.place(lake.settings.home, world.project)
    kept = place.read_text()
    world.post("b", talk(), 1)
    world.drain(lake, scrubbed=False)
    place.write_text("ab" * 32)
    with pytest.raises(ScrubKeyError, match=r"scrubbed under the key .*bring the first key back"):
        scrub(lake, world.project, now=NOW)
    place.unlink()
    with pytest.raises(ScrubKeyError, match=r"its key .* is gone: bring the file back"):
        scrub(lake, world.project, now=NOW)
    assert not place.exists()
    assert set(read(lake, world)) == {"a"}
    key.lay(lake.settings.home, world.project, bytes(range(1, 33)))
    place.write_text(kept)
    scrub(lake, world.project, now=NOW)
    assert set(read(lake, world)) == {"a", "b"}
