"""Files into a real lake, once and again."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from headrace.ingest.errors import BadPick, UnreadableFile
from headrace.ingest.load import EPISODES, FIRST, Loaded, load
from headrace.ingest.picks import Picks
from headrace.lake import Lake

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DATA = Path(__file__).parents[3].parent / "shared" / "data"
COUNTS = """
select (select count(*) from episodes where project = $project) as episodes,
    (select count(*) from outcomes where project = $project) as outcomes,
    (select count(*) from messages) as messages
"""
EPISODE_ROWS = "select * from episodes where project = $project order by revision"
OUTCOME_ROWS = "select * from outcomes where project = $project"


class Store(msgspec.Struct, frozen=True):
    """One lake for all tests, a project for each: opening a lake takes long."""

    lake: Lake
    project: str

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.lake.rows(query, {"project": self.project})


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("home")) as lake:
        yield lake


@pytest.fixture
def store(opened: Lake, request: pytest.FixtureRequest) -> Store:
    return Store(opened, request.node.name)


def talk(answer: str = "hello", **fields: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": answer}]
    return {"messages": said, **fields}


def written(path: Path, *records: Any) -> Path:
    text = "".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".zst":
        path.write_bytes(zstandard.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def loaded(store: Store, *files: Path, **picks: str) -> Loaded:
    chosen = Picks(**{"messages": "messages", **picks})
    return load(store.lake, files, chosen, project=store.project, now=NOW)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_every_packing_is_read(store: Store, tmp_path: Path, name: str) -> None:
    done = loaded(store, written(tmp_path / name, talk("a"), talk("b")))
    assert (done.rows, done.added, done.refused) == (2, 2, 0)


def test_expressions_pick_every_field(store: Store, tmp_path: Path) -> None:
    record = talk(
        run={"id": 7, "reward": 0.0, "model": "m", "at": "2026-10-01T10:00:00"},
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        info=["rel-2", "ada", "thread-1"],
        quality="0.75",
        what={"name": "book a flight"},
    )
    done = loaded(
        store,
        written(tmp_path / "a.jsonl", record),
        tools="functions",
        success="run.reward",
        score="quality",
        id="run.id",
        release="info[0]",
        user="info[1]",
        conversation="info[2]",
        model="run.model",
        started_at="run.at",
        task="what.name",
    )
    assert (done.added, done.marked) == (1, 1)
    [row] = store.rows(EPISODE_ROWS)
    assert (row["episode_id"], row["release"], row["user_id"]) == ("7", "rel-2", "ada")
    assert (row["conversation_id"], row["model"]) == ("thread-1", "m")
    assert row["started_at"] == datetime(2026, 10, 1, 10, tzinfo=UTC)
    assert json.loads(row["metadata"])["task"] == "book a flight"
    assert json.loads(row["tools"])[0]["function"]["name"] == "f"
    [mark] = store.rows(OUTCOME_ROWS)
    assert (mark["target_kind"], mark["target_id"]) == ("episode", "7")
    assert (mark["name"], mark["source"]) == ("loaded", "product")
    assert (mark["success"], mark["score"]) == (False, 0.75)


def test_a_line_whose_id_cannot_be_a_key_is_refused(store: Store, tmp_path: Path) -> None:
    rows = [talk("a", id="x"), talk("b", id="y\x00"), talk("c", id="z")]
    done = loaded(store, written(tmp_path / "a.jsonl", *rows), id="id")
    assert (done.added, done.refused) == (2, 1)
    assert "a.jsonl:2: id holds a control character" in done.refusals[0]


def test_the_same_file_twice_adds_nothing(store: Store, tmp_path: Path) -> None:
    rows = [talk("a", ok=True), talk("a", ok=True), talk("b", ok=False), talk("a", ok=False)]
    file = written(tmp_path / "a.jsonl", *rows)
    first = loaded(store, file, success="ok")
    before = store.rows(COUNTS)
    again = loaded(store, file, success="ok")
    assert (first.added, first.unchanged, first.marked) == (4, 0, 4)
    assert (again.added, again.unchanged) == (0, 4)
    assert store.rows(COUNTS) == before
    assert (before[0]["episodes"], before[0]["outcomes"]) == (4, 4)


def test_equal_lines_of_a_file_are_runs_of_their_own_with_one_mark_each(
    store: Store, tmp_path: Path
) -> None:
    rows = [talk("a", ok=True), talk("a", ok=False)]
    first, other = (written(tmp_path / name, *rows) for name in ("a.jsonl", "b.jsonl"))
    done = loaded(store, first, other, first, success="ok")
    assert (done.rows, done.added, done.unchanged) == (6, 2, 4)
    episodes = {row["episode_id"]: json.loads(row["metadata"]) for row in store.rows(EPISODE_ROWS)}
    assert len({told["headrace.content"] for told in episodes.values()} & set(episodes)) == 1
    marks = {row["target_id"]: row["success"] for row in store.rows(OUTCOME_ROWS)}
    assert (set(marks), sorted(marks.values())) == (set(episodes), [False, True])


def test_a_corrected_file_corrects_marks_and_makes_revisions(store: Store, tmp_path: Path) -> None:
    loaded(store, written(tmp_path / "a", talk("a", id=1, ok=True)), id="id", success="ok")
    done = loaded(store, written(tmp_path / "b", talk("b", id=1, ok=False)), id="id", success="ok")
    assert done.added == 1
    assert [row["revision"] for row in store.rows(EPISODE_ROWS)] == [1, 2]
    assert [row["success"] for row in store.rows(OUTCOME_ROWS)] == [False]


@pytest.mark.parametrize(
    ("given", "success"),
    [
        (True, True), (False, False), (1, True), (0, False), (1.0, True), (0.0, False),
        ("true", True), ("False", False), ("pass", True), ("FAIL", False), ("1", True),
        ("passed", True), ("no", False),
    ],
)  # fmt: skip
def test_success_is_read_in_plain_words(
    store: Store, tmp_path: Path, given: Any, success: bool
) -> None:
    loaded(store, written(tmp_path / "a.jsonl", talk(ok=given)), success="ok")
    assert [row["success"] for row in store.rows(OUTCOME_ROWS)] == [success]


def test_times_of_every_spelling_are_utc(store: Store, tmp_path: Path) -> None:
    spelled = [
        "2024-04-01T22:21:52Z",
        "2024-04-01T22:21:52",
        "2024-04-02T00:21:52+02:00",
        1712010112,
        1712010112.0,
        1712010112000,
        "1712010112",
        "1712010112000",
    ]
    rows = [talk(at=at, id=f"{number}") for number, at in enumerate(spelled)]
    loaded(store, written(tmp_path / "a.jsonl", *rows), id="id", started_at="at")
    times = [row["started_at"] for row in store.rows(EPISODE_ROWS)]
    assert times == [datetime(2024, 4, 1, 22, 21, 52, tzinfo=UTC)] * len(spelled)


def test_values_that_say_nothing_are_absent_and_those_that_are_cut_are_refused(
    store: Store, tmp_path: Path
) -> None:
    records = [
        talk("empty", tools="", at="", user=""),
        talk("null", tools="null", at=None, user=None),
        talk("list", tools='[{"name": "f"}]', user={"id": 1}),
        talk("cut", tools='[{"name": "f"'),
        talk("object", tools={"name": "f"}),
        talk("huge", at=10**30),
        talk("truth", at=True),
        talk("old", at="0001-01-01T00:00:00+23:59"),
    ]
    file = written(tmp_path / "a.jsonl", *records)
    done = loaded(store, file, tools="tools", started_at="at", user="user")
    assert (done.added, done.refused) == (3, 5)
    found = {(row["tools"] is None, row["user_id"]) for row in store.rows(EPISODE_ROWS)}
    assert found == {(True, None), (False, '{"id":1}')}
    told = [text.split(": ", 1)[1] for text in done.refusals]
    assert told[0] == "tools is text and no JSON: give a list of {type, function}"
    assert told[1].startswith("tools is no list")
    assert all(text.startswith("started_at is ") for text in told[2:])


def test_messages_may_be_json_in_a_text(store: Store, tmp_path: Path) -> None:
    plain, text = talk("a"), {"messages": json.dumps(talk("a")["messages"])}
    files = (written(tmp_path / "a.jsonl", plain), written(tmp_path / "b.jsonl", text))
    done = loaded(store, *files)
    assert (done.added, done.unchanged) == (1, 1)


def test_several_files_are_one_load_and_every_line_is_accounted_for(
    store: Store, tmp_path: Path
) -> None:
    one = written(tmp_path / "a.jsonl", talk("a"), "{broken\n", talk("b"))
    two = written(tmp_path / "b.jsonl.gz", talk("b"), "[]\n", talk("c"))
    done = loaded(store, one, two)
    assert (done.rows, done.added, done.unchanged, done.refused) == (6, 3, 1, 2)
    assert [text.split(": ")[0] for text in done.refusals] == [f"{one}:2", f"{two}:2"]


def test_no_files_and_empty_files_load_nothing(store: Store, tmp_path: Path) -> None:
    done = loaded(store, written(tmp_path / "a.jsonl", "\n"), written(tmp_path / "b.jsonl"))
    assert done == loaded(store)
    assert (done.rows, done.added, done.refusals) == (0, 0, ())


def test_the_order_of_lines_makes_no_other_episodes(store: Store, tmp_path: Path) -> None:
    rows = [talk(str(number), ok=number % 2 == 0) for number in range(4)]
    loaded(store, written(tmp_path / "a.jsonl", *rows), success="ok")
    before = store.rows(COUNTS)
    done = loaded(store, written(tmp_path / "b.jsonl", *reversed(rows)), success="ok")
    assert (done.added, done.unchanged) == (0, 4)
    assert store.rows(COUNTS) == before


def test_null_is_no_mark(store: Store, tmp_path: Path) -> None:
    done = loaded(store, written(tmp_path / "a.jsonl", talk(ok=None)), success="ok")
    assert (done.added, done.marked, done.refused) == (1, 0, 0)


def test_bad_lines_are_refused_by_place_and_good_ones_kept(store: Store, tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.jsonl",
        talk("good", ok=True, score=1, at=None),
        "{broken\n",
        "\n",
        "[1]\n",
        talk(ok="maybe"),
        talk(ok=0.5),
        talk(score="NaN"),
        talk(at="yesterday"),
        {"messages": [{"role": "bot"}]},
        {"messages": None},
        talk("last"),
    )
    done = loaded(store, file, success="ok", score="score", started_at="at")
    assert (done.rows, done.added, done.refused) == (10, 2, 8)
    told = {int(text.split(":")[1]): text for text in done.refusals}
    assert "no JSON" in told[2]
    assert "write one object a line" in told[4]
    assert "success is 'maybe': give true or false" in told[5]
    assert "success is '0.5'" in told[6]
    assert "score is 'NaN'" in told[7]
    assert "started_at is 'yesterday'" in told[8]
    assert "messages[0].role is 'bot'" in told[9]
    assert "messages is NoneType" in told[10]


def test_an_id_that_names_two_episodes_is_refused_with_the_first_place(
    store: Store, tmp_path: Path
) -> None:
    file = written(tmp_path / "a.jsonl", talk("a", task=1), talk("b", task=1), talk("a", task=1))
    done = loaded(store, file, id="task")
    assert (done.added, done.unchanged, done.refused) == (1, 1, 1)
    assert f"'1' names another episode at {file}:1" in done.refusals[0]


@pytest.mark.parametrize(
    ("picks", "fault"),
    [
        ({"messages": "msgs"}, "no field 'msgs'; there are: messages, ok"),
        ({"messages": "ok.list"}, "picks nothing on the first line; there are: messages, ok"),
        ({"success": "info.reward"}, "--success 'info.reward': no field 'info'"),
        ({"messages": "messages["}, r"--messages is no JMESPath expression:\nmessages\[\n {9}\^"),
        ({"started_at": "a b"}, r"--started-at is no JMESPath expression:\na b\n  \^"),
        ({"score": "'x"}, "--score"),
    ],
)
def test_a_bad_expression_shows_what_would_be_right(
    store: Store, tmp_path: Path, picks: dict[str, str], fault: str
) -> None:
    file = written(tmp_path / "a.jsonl", talk(ok=None))
    with pytest.raises(BadPick, match=fault):
        loaded(store, file, **picks)
    assert store.rows(COUNTS)[0]["episodes"] == 0


def test_a_first_line_may_lack_what_later_ones_have(store: Store, tmp_path: Path) -> None:
    lines = ["no json\n", talk("a"), talk("b", reward=1), talk("c", reward=None)]
    done = loaded(store, written(tmp_path / "a.jsonl", *lines), success="reward == `1`")
    assert (done.added, done.marked, done.refused) == (3, 1, 1)
    assert [row["success"] for row in store.rows(OUTCOME_ROWS)] == [True]


def test_a_field_is_looked_for_on_the_first_lines_and_no_further(
    store: Store, tmp_path: Path
) -> None:
    late = [talk(str(number)) for number in range(FIRST)] + [talk("z", reward=1)]
    with pytest.raises(BadPick, match="no field 'reward'"):
        loaded(store, written(tmp_path / "a.jsonl", *late), success="reward")
    broken = ["no json\n"] * FIRST + [talk("z", reward=1)]
    done = loaded(store, written(tmp_path / "b.jsonl", *broken), success="reward")
    assert (done.added, done.marked, done.refused) == (1, 1, FIRST)


def test_what_else_a_line_tells_is_kept_as_metadata(store: Store, tmp_path: Path) -> None:
    lines = [talk("a", n=1, ticket="T-1"), talk("b", n=2), talk("c", n=3, ticket=["T-3"])]
    file = written(tmp_path / "a.jsonl", *lines)
    done = loaded(store, file, task="n", metadata="{external_id: ticket, task: 'mine', all: n}")
    kept = [json.loads(row["metadata"]) for row in store.rows(EPISODE_ROWS)]
    assert done.refused == 0
    assert {(row["task"], row["all"], str(row["external_id"])) for row in kept} == {
        ("1", 1, "T-1"), ("2", 2, "None"), ("3", 3, "['T-3']"),
    }  # fmt: skip
    [refusal, *_] = loaded(store, file, metadata="n").refusals
    assert "metadata is int: give an object, as in --metadata '{kind: kind}'" in refusal


def test_an_expression_that_found_nothing_is_told(store: Store, tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", talk("a", info={"reward": 1}), talk("b", info={}))
    done = loaded(store, file, success="info.rewrd", score="info.reward")
    assert done.hints == ("--success 'info.rewrd' found nothing on any line",)
    assert loaded(store, written(tmp_path / "b.jsonl", ""), success="x").hints == ()


def test_an_expression_may_compute(store: Store, tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", talk(points=3), talk("b", points="x"))
    done = loaded(store, file, success="points >= `2`", score="sum([points])")
    assert (done.added, done.refused) == (1, 1)
    assert "--success" in done.refusals[0]


def test_missing_and_broken_files_are_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="absent.jsonl: No such file"):
        loaded(store, tmp_path / "absent.jsonl")
    records = [talk(str(number) * 50) for number in range(200)]
    for name in ("a.jsonl.gz", "a.jsonl.zst"):
        whole = written(tmp_path / name, *records).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UnreadableFile, match=f"{name} breaks off after line"):
            loaded(store, tmp_path / name)


def test_a_load_that_broke_off_goes_on_where_it_was(store: Store, tmp_path: Path) -> None:
    records = [talk(f"answer {number}") for number in range(EPISODES + 5)]
    half = written(tmp_path / "a.jsonl", *records[:3])
    assert loaded(store, half).added == 3
    seen: list[int] = []
    whole = written(tmp_path / "b.jsonl", *records)
    done = load(
        store.lake,
        [whole],
        Picks(messages="messages"),
        project=store.project,
        now=NOW,
        on_progress=seen.append,
    )
    assert (done.added, done.unchanged) == (EPISODES + 2, 3)
    assert seen == [EPISODES, EPISODES + 5]


def test_real_runs_of_a_benchmark_are_loaded(store: Store) -> None:
    file = DATA / "taubench" / "gpt4o_airline_tasks_0_34.jsonl.gz"
    if not file.is_file():
        pytest.skip("the larger data sets are not here")
    done = loaded(store, file, messages="traj", success="reward", task="task_id")
    assert (done.rows, done.added, done.marked, done.refused) == (140, 140, 140, 0)
