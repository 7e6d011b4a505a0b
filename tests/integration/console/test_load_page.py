"""The examples of docs/load.md: run as they stand on small files, and on the real data sets."""

import gzip
import io
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import msgspec
import pytest
import zstandard

from headrace.curate.conversation import Conversation, conversations
from headrace.curate.dedupe import dedupe
from headrace.curate.outcomes import resolve
from headrace.curate.scrubbing import scrub
from headrace.curate.units import units
from headrace.lake import Lake
from headrace.lake.message import dump

ROOT = Path(__file__).parents[3]
SHAPES = ROOT / "tests" / "fixtures" / "shapes"
DATA = ROOT.parent / "shared" / "data"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
TERMINAL = "Computer_terminal"  # speaks in logs of agents and is none
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
COUNTS = """
select count(*) as episodes, count(*) filter (success) as success,
    count(*) filter (not success) as failure, count(*) filter (success is null) as unmarked,
    sum(len(messages)) as messages, sum(tool_calls) as calls, count(distinct release) as releases,
    min(started_at) as first, max(started_at) as last
from current_episodes where project = $project
"""

Headrace = Callable[..., Any]
Row = dict[str, Any]


class Real(msgspec.Struct, frozen=True, kw_only=True):
    """A real data set and the example that loads it."""

    example: str  # the project that the page loads it into
    path: str
    messages: str = "messages"  # the field of the native line

    @property
    def name(self) -> str:
        return self.path.partition(".")[0]

    @property
    def facts(self) -> Row:
        every: dict[str, Row] = json.loads((DATA / "facts.json").read_text())
        return every[f"dev/{self.name}"]

    def rows(self) -> Iterator[Row]:
        """The native lines, as their source would send them."""
        file = DATA / self.path
        packed: Any = gzip.open(file) if file.suffix == ".gz" else _unpacked(file)
        for line in packed:
            row: Row = msgspec.json.decode(line)
            del row["_meta"]
            yield row


def _unpacked(file: Path) -> io.BufferedReader:
    reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file.open("rb"))
    return io.BufferedReader(reader)


DOJO = Real(example="agentdojo", path="agentdojo/banking_slack_2024h1_models.jsonl.zst")
AIRLINE = Real(
    example="airline", path="taubench/gpt4o_airline_tasks_0_34.jsonl.gz", messages="traj"
)
TUNED = Real(example="tau2", path="tau2/sft_before_after.jsonl.gz")
AGENTS = Real(example="tau2", path="tau2/agents.jsonl.gz")
JUDGED = Real(example="tau2", path="tau2_judge/airline_simulations.jsonl.gz")
CAR = Real(example="car", path="carbench_unlabelled/traces.jsonl.gz", messages="traj")
BLAMED = Real(example="agents", path="who_when/algorithm_generated.jsonl.gz", messages="history")
CODE = Real(example="code", path="reflexion/code_humaneval_py.jsonl.gz")
CHATS = Real(example="chats", path="aider_chat/sessions.jsonl.gz", messages="segments")


def examples() -> dict[str, list[str]]:
    """The words of each example after `headrace`, by the project that it loads into."""
    blocks = BLOCK.findall((ROOT / "docs" / "load.md").read_text())
    lines = [line for block in blocks for line in block.splitlines()]
    made = [shlex.split(line)[2:] for line in lines if line.startswith("$ ")]
    return {words[words.index("--project") + 1]: words[1:] for words in made if words[0] == "load"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake of its own: real runs are many."""
    with Lake.open(tmp_path_factory.mktemp("page") / "wheel") as lake:
        yield lake


@pytest.fixture
def load(headrace: Headrace, lake: Lake) -> Callable[..., Any]:
    """Run an example of the page, on another file and into another project where they are given."""

    def run(example: str, file: Path | None = None, project: str | None = None) -> Any:
        words = examples()[example]
        words[words.index("--home") + 1] = str(lake.settings.home)
        words[words.index("--project") + 1] = project or example
        return headrace("load", file or words[0], *words[1:], "--json")

    return run


@pytest.mark.parametrize(
    ("example", "counts"),
    [
        ("taubench", (3, 1, 1)),
        ("agentdojo", (3, 2, 1)),
        ("airline", (3, 2, 1)),
        ("tau2", (4, 2, 2)),
        ("grades", (4, 0, 0)),
        ("graded", (4, 1, 2)),
        ("code", (2, 1, 1)),
        ("car", (2, 0, 0)),
        ("agents", (2, 0, 2)),
        ("chats", (2, 0, 1)),
    ],
)
def test_every_example_of_the_page_loads_lines_of_its_shape(
    load: Callable[..., Any],
    lake: Lake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    example: str,
    counts: tuple[int, int, int],
) -> None:
    monkeypatch.chdir(shutil.copytree(SHAPES, tmp_path / "desk"))
    ran = load(example)
    assert (ran.code, ran.json["refused"]) == (0, 0)
    assert len(ran.json["hints"]) == (example == "grades")
    [found] = lake.rows(COUNTS, {"project": example})
    assert (found["episodes"], found["success"], found["failure"]) == counts


def test_the_example_of_several_agents_keeps_who_spoke_and_who_was_wrong(
    load: Callable[..., Any], lake: Lake
) -> None:
    assert load("agents", SHAPES / "who_when.jsonl", "speakers").code == 0
    scrub(lake, "speakers", now=NOW)
    for one in conversations(lake, "speakers"):
        said = [(message["role"], message.get("name")) for message in one.messages]
        assert said == [
            ("assistant", "Excel_Expert"),
            ("user", "Computer_terminal"),
            ("assistant", "Logic_Expert"),
            ("assistant", "Check_Expert"),
        ]
        assert (one.metadata["agent"], one.metadata["step"]) == ("Excel_Expert", "0")


def test_no_example_of_the_page_is_left_out() -> None:
    assert len(examples()) == 10
    assert {words[0] for words in examples().values()} == {file.name for file in SHAPES.iterdir()}


@pytest.fixture
def taken(load: Callable[..., Any], lake: Lake, tmp_path: Path) -> Callable[..., Row]:
    """Load a real set with the example of its shape; what the lake then counts."""

    def take(real: Real, project: str, rows: Sequence[Row]) -> Row:
        file = tmp_path / "lines.jsonl"
        file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        ran = load(real.example, file, project)
        assert (ran.code, ran.json["rows"], ran.json["added"]) == (0, len(rows), len(rows))
        assert ran.json["refusals"] == []
        assert len(ran.json["hints"]) == (real.example == "grades")  # for want of a threshold
        [counts] = lake.rows(COUNTS, {"project": project})
        return counts

    return take


needs_data = pytest.mark.skipif(not DATA.exists(), reason="the data do not lie beside the checkout")


@needs_data
@pytest.mark.parametrize(
    "real", [AIRLINE, TUNED, AGENTS, JUDGED, CAR, BLAMED], ids=lambda real: real.path
)
def test_real_runs_agree_with_reference_counts(
    taken: Callable[..., Row], lake: Lake, real: Real
) -> None:
    rows = list(real.rows())
    _agree(real, rows, taken(real, real.path, rows))
    scrub(lake, real.path, now=NOW)
    units(lake, real.path, now=NOW)
    step = dedupe(lake, real.path, now=NOW)
    assert step.notes["requests"] == real.facts["groups"]
    assert step.dropped.get("duplicate", 0) >= real.facts["exact_duplicate_rows"]
    _stand_for_their_kind(lake, real.path)


@needs_data
def test_real_duplicates_are_the_known_clusters_and_what_dedupe_takes_for_equal_besides(
    taken: Callable[..., Row], lake: Lake
) -> None:
    rows, facts = list(DOJO.rows()), DOJO.facts
    counts = taken(DOJO, "dojo", rows)
    _agree(DOJO, rows, counts)
    assert counts["releases"] == facts["models"]
    scrub(lake, "dojo", now=NOW)
    units(lake, "dojo", now=NOW)
    step = dedupe(lake, "dojo", now=NOW)
    assert step.notes["requests"] == facts["groups"]
    same: dict[str, list[Conversation]] = {}
    for one in conversations(lake, "dojo"):
        same.setdefault(_exact(one.messages), []).append(one)
    assert len(rows) - len(same) == facts["exact_duplicate_rows"]
    clusters = [found for found in same.values() if len(found) > 1]
    assert json.loads((DATA / "facts.json").read_text())[f"dev/{DOJO.name}#duplicates"] == {
        "clusters": len(clusters),
        "rows_in_clusters": sum(map(len, clusters)),
        "largest": max(map(len, clusters)),
        "conflicting_outcome": sum(len({one.success for one in found}) > 1 for found in clusters),
        "across_groups": sum(len({one.task for one in found}) > 1 for found in clusters),
        "across_models": sum(len({one.release for one in found}) > 1 for found in clusters),
    }
    rows_of = lake.rows("select episode_id, skeleton from episode_units where project = 'dojo'")
    steps = {row["episode_id"]: row["skeleton"] for row in rows_of}
    for found in clusters:  # by their ids a result may belong to another call, in the same words
        ways = {steps[one.episode_id] for one in found}
        assert sum(one.representative for one in found) <= len(ways) <= 2
    loose = {(_loose(row["messages"]), row["utility"]) for row in rows}
    assert step.dropped["duplicate"] >= len(rows) - len(loose)
    _stand_for_their_kind(lake, "dojo")


def _stand_for_their_kind(lake: Lake, project: str) -> None:
    """One of each cluster is kept; all of it came to the same end, by the same steps."""
    odd = lake.rows(
        """
        select cluster_id from clusters c
        join current_episodes e on e.project = c.project and e.episode_id = c.episode_id
        join episode_units u on u.project = c.project and u.episode_id = c.episode_id
        where c.project = $project and c.method = 'duplicate'
        group by cluster_id
        having count(distinct e.resolution) > 1 or count(*) filter (c.representative) <> 1
            or count(distinct coalesce(u.skeleton, -1)) > 1
        """,
        {"project": project},
    )
    assert odd == []


def _agree(real: Real, rows: Sequence[Row], counts: Row) -> None:
    """Nothing is lost or added, but consecutive turns of one agent are one."""
    joined = sum(
        first == second is not None
        for row in rows
        for first, second in pairwise(map(_speaker, row[real.messages]))
    )
    told = [counts[name] for name in ("episodes", "success", "failure", "unmarked", "calls")]
    named = ("rows", "success", "failure", "unmarked", "assistant_tool_calls")
    assert told == [real.facts[name] for name in named]
    assert counts["messages"] == real.facts["messages"] - joined


@needs_data
def test_real_answers_to_prompts_agree_with_reference_counts(
    taken: Callable[..., Row], lake: Lake
) -> None:
    rows, facts = list(CODE.rows()), CODE.facts
    counts = taken(CODE, CODE.path, rows)
    told = [counts[name] for name in ("episodes", "success", "failure", "unmarked")]
    assert told == [facts[name] for name in ("rows", "success", "failure", "unmarked")]
    scrub(lake, CODE.path, now=NOW)
    found = conversations(lake, CODE.path)
    assert len({one.task for one in found}) == facts["groups"]
    different = {(one.task, _exact(one.messages)) for one in found}
    assert len(rows) - len(different) == facts["exact_duplicate_rows_task_and_solution"]


@needs_data
def test_real_chat_sessions_are_marked_where_a_user_took_a_change_back(
    taken: Callable[..., Row],
) -> None:
    counts = taken(CHATS, "sessions", list(CHATS.rows()))
    facts = CHATS.facts
    assert counts["episodes"] == facts["rows"]
    assert (counts["success"], counts["failure"]) == (0, facts["sessions_with_undo"])
    assert [f"{counts[at]:%Y-%m-%d %H:%M:%S}" for at in ("first", "last")] == facts["dates"]


@needs_data
def test_real_runs_without_outcome_wait_and_are_then_unmarked(
    taken: Callable[..., Row], lake: Lake
) -> None:
    taken(CAR, "waiting", list(CAR.rows()))
    week = timedelta(days=7)
    for days, said in ((6, "pending"), (8, "unmarked")):
        at = datetime.now(UTC) + timedelta(days=days)
        weighed = resolve(lake, "waiting", now=at, waiting=week)
        assert (weighed.kept, weighed.dropped) == (0, {said: CAR.facts["unmarked"]})


@needs_data
def test_a_real_run_whose_outcome_is_taken_away_is_no_failure(taken: Callable[..., Row]) -> None:
    rows = list(AIRLINE.rows())
    lost = [row["reward"] for row in rows[:2]]
    del rows[0]["reward"]
    rows[1]["reward"] = None
    counts = taken(AIRLINE, "bereft", rows)
    told = counts["success"], counts["failure"], counts["unmarked"]
    assert told == (43 - lost.count(1.0), 97 - lost.count(0.0), 2)


@needs_data
@pytest.mark.parametrize(("example", "least"), [("grades", None), ("graded", 0.75)])
def test_real_grades_are_a_success_only_by_a_threshold(
    taken: Callable[..., Row], example: str, least: float | None
) -> None:
    rows = list(TUNED.rows())
    graded = msgspec.structs.replace(TUNED, example=example)
    counts = taken(graded, "real " + example, rows)
    checks = [row["reward_info"]["action_checks"] for row in rows]
    grades = [mean(check["action_reward"] for check in of) for of in checks if of]
    assert 0 < sum(0 < grade < 1 for grade in grades)
    passed = sum(grade >= least for grade in grades) if least else 0
    failed = len(grades) - passed if least else 0
    assert (counts["success"], counts["failure"]) == (passed, failed)


def _speaker(message: Row) -> str | None:
    """The agent that speaks; None for anyone else."""
    if message["role"] == "assistant":
        return str(message.get("name", "the only one"))
    name = message.get("name", TERMINAL) if message["role"] == "user" else TERMINAL
    return None if name == TERMINAL else str(name)


def _exact(messages: Sequence[Row]) -> str:
    """A transcript to the letter, system prompt included; ids of calls and key order apart."""
    said = [
        [
            message["role"],
            message["content"] or "",
            [
                [call["function"]["name"], msgspec.json.decode(call["function"]["arguments"])]
                for call in message.get("tool_calls", ())
            ],
        ]
        for message in messages
    ]
    return dump(said)


def _loose(messages: Sequence[Row]) -> str:
    """A native transcript without system prompt, ids, key order, capitals and white space."""
    said = [
        [
            message["role"],
            " ".join((message["content"] or "").lower().split()),
            [[call["function"], call["args"]] for call in message.get("tool_calls") or ()],
        ]
        for message in messages
        if message["role"] != "system"
    ]
    return dump(said).lower()
