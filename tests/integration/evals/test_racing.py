"""Candidates raced through real Inspect with mock models, killed, resumed, failing."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from inspect_ai.log import list_eval_logs, read_eval_log
from inspect_ai.model import Model, ModelOutput, ModelUsage, get_model

from headrace.evals.errors import JudgeMissing
from headrace.evals.race import IncumbentUnmeasured
from headrace.evals.races import racing
from headrace.evals.races.contender import Contender
from headrace.evals.races.placing import RaceResult
from headrace.evals.races.racebook import RaceUnfit
from headrace.evals.races.racing import Rules
from headrace.evals.runs.setup import Setup
from headrace.evals.series import UnknownSeries
from headrace.evals.trend import trend
from headrace.lake.message import digest, dump
from headrace.lake.record import Case
from headrace.lake.store import Lake

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
CASES = 100
COST = 0.002  # USD an answer
Answer = Callable[[str], str]  # to the number of a case


class Desk:
    """A suite of numbers; a good answer repeats the number. Counts what is asked."""

    def __init__(self, lake: Lake, project: str) -> None:
        self.lake = lake
        self.project = project
        self.asked: Counter[tuple[str, str]] = Counter()
        self.heard: list[str] = []  # system prompts

    def fill(self, cases: int = CASES) -> None:
        rows = [self.case(f"case{n:03d}", str(n)) for n in range(cases)]
        self.lake.write(lambda tx: tx.append("cases", rows))

    def case(self, name: str, text: str) -> Case:
        system = {"role": "system", "content": "You repeat."}
        question = dump({"messages": [system, {"role": "user", "content": text}], "tools": None})
        return Case(
            project=self.project,
            suite="s",
            case_id=name,
            input=question,
            target=json.dumps(text),
            scorer="match",
            content_hash=digest(question),
            added_at=NOW,
        )

    def model(self, name: str, answer: Answer) -> Model:
        """A mock whose answers depend on the case; usage and cost are set."""

        def say(messages: Any, *_: Any) -> ModelOutput:
            text = str(messages[-1].text)
            self.asked[name, text] += 1
            self.heard.append(messages[0].text)
            output = ModelOutput.from_content("mockllm/model", answer(text))
            output.usage = ModelUsage(
                input_tokens=5, output_tokens=3, total_tokens=8, total_cost=COST
            )
            return output

        return get_model("mockllm/model", custom_outputs=say, memoize=False)

    def enter(self, name: str, answer: Answer, **more: Any) -> Contender:
        return Contender(name=name, model=self.model(name, answer), **more)

    def race(self, candidates: Sequence[Contender], old: Contender | None, **more: Any) -> Any:
        return racing.race(
            self.lake,
            self.project,
            suite="s",
            candidates=candidates,
            incumbent=old,
            now=NOW,
            **more,
        )

    def rows(self, table: str) -> list[dict[str, Any]]:
        mine = {"project": self.project}
        return self.lake.rows(f"select * from {table} where project = $project order by all", mine)


@pytest.fixture
def desk(lake: Lake, request: pytest.FixtureRequest) -> Desk:
    found = Desk(lake, request.node.name)
    found.fill()
    return found


def right(share: float) -> Answer:
    """Right in this share of the cases, the same ones for everybody."""
    return lambda text: text if hash_of(text) < share else "no idea"


def hash_of(text: str) -> float:
    return int(digest(text)[:8], 16) / 16**8


def down(_: str) -> str:
    raise RuntimeError("503 overloaded")


def states(result: RaceResult) -> dict[str, str]:
    return {placing.name: placing.state for placing in result.candidates}


@pytest.fixture(scope="module")
def ended(lake: Lake) -> tuple[Desk, RaceResult]:
    """A race at its end, for all who only look at it."""
    desk = Desk(lake, "ended")
    desk.fill()
    entrants = [desk.enter("good", right(0.95)), desk.enter("bad", right(0.05))]
    return desk, desk.race(entrants, desk.enter("old", right(0.5)))


def test_the_hopeless_are_stopped_and_the_best_takes_over_on_fresh_cases(
    ended: tuple[Desk, RaceResult],
) -> None:
    desk, result = ended
    assert states(result) == {"good": "winner", "bad": "futile"}
    assert result.leader == "good"
    assert result.succession is not None
    assert (result.succession.promote, result.succession.basis) == (True, "fresh")
    bad = result.candidates[1]
    assert (bad.asked, bad.stopped_at) == (50, 50)
    assert sum(desk.asked.values()) == result.calls == 50 + 100 + 100
    assert result.grid == 300
    assert result.cost_saved_usd == Decimal("0.1")
    assert result.cost_usd == Decimal(str(COST)) * 250


def test_a_race_is_recorded_and_is_no_release(ended: tuple[Desk, RaceResult]) -> None:
    desk, _ = ended
    runs = desk.rows("runs")
    assert {(r["release"], r["status"], r["suite"]) for r in runs} == {
        ("good", "raced", "s"),
        ("bad", "raced", "s"),
        ("old", "raced", "s"),
    }
    named = {"runs": [run["run_id"] for run in runs]}
    sql = "select count(*) as n from scores where run_id in (select unnest($runs))"
    assert desk.lake.rows(sql, named) == [{"n": 250}]
    assert desk.rows("releases") == []
    with pytest.raises(UnknownSeries, match="suites with runs: none yet"):
        trend(desk.lake, suite="s", project=desk.project)


def test_graded_cases_need_a_judge_before_the_first_question(desk: Desk) -> None:
    setup = Setup(scorer="graded", rubric="It repeats.")
    with pytest.raises(JudgeMissing, match="--grader"):
        desk.race([desk.enter("good", right(0.9))], desk.enter("old", right(0.5)), setup=setup)
    assert not desk.asked


def test_the_logs_open_in_inspects_own_view(ended: tuple[Desk, RaceResult]) -> None:
    _, result = ended
    logs = [read_eval_log(log) for log in list_eval_logs(result.folder)]
    assert {log.status for log in logs} == {"success"}
    assert sum(len(log.samples or []) for log in logs) == 250
    assert {(log.eval.metadata or {})["race"] for log in logs} == {result.name}
    assert Path(result.folder, "race.json").exists()


def test_a_race_that_has_ended_is_recalled_without_a_question(
    ended: tuple[Desk, RaceResult],
) -> None:
    desk, first = ended
    before = sum(desk.asked.values())
    entrants = [desk.enter("good", right(0.95)), desk.enter("bad", right(0.05))]
    again = desk.race(entrants, desk.enter("old", right(0.5)))
    assert sum(desk.asked.values()) == before
    assert again == msgspec.structs.replace(first, recalled=250)


def test_a_provider_that_fails_ends_its_own_race_alone(desk: Desk) -> None:
    entrants = [desk.enter("good", right(0.95)), desk.enter("broken", down)]
    result = desk.race(entrants, desk.enter("old", right(0.5)))
    assert states(result) == {"good": "winner", "broken": "failed"}
    broken = result.candidates[1]
    assert (broken.asked, broken.absent, broken.mean, broken.cost_usd) == (50, 50, None, None)
    [(why, count)] = broken.reasons.items()
    assert "503 overloaded" in why and count == 50
    assert result.cost_saved_usd is None  # nobody knows what its answers would have cost


def test_some_answers_that_fail_are_absent_scores(desk: Desk) -> None:
    def shaky(text: str) -> str:
        return down(text) if hash_of(text) > 0.98 else text

    result = desk.race([desk.enter("shaky", shaky)], desk.enter("old", right(0.5)))
    [placing] = result.candidates
    assert placing.state == "winner"
    assert 0 < placing.absent < 10
    assert placing.mean == 1


def test_answers_that_the_logs_have_and_the_lake_has_not_are_made_good(desk: Desk) -> None:
    entrants, rules = [desk.enter("good", right(0.9)), desk.enter("bad", right(0))], Rules(limit=50)
    desk.race(entrants, None, rules=rules)
    named = {"runs": [run["run_id"] for run in desk.rows("runs")]}
    count = "select count(*) as n from scores where run_id in (select unnest($runs))"
    lost = "delete from scores where run_id in (select unnest($runs)) and case_id < 'case050'"
    desk.lake.write(lambda tx: tx.run(lost, named))
    assert desk.lake.rows(count, named)[0]["n"] < 100
    desk.race(entrants, None, rules=rules)
    assert desk.lake.rows(count, named) == [{"n": 100}]
    assert max(desk.asked.values()) == 1
    snapshot = desk.lake.snapshot_id
    desk.race(entrants, None, rules=rules)
    assert desk.lake.snapshot_id == snapshot


def test_a_race_can_be_run_anew(desk: Desk) -> None:
    entrants, rules = [desk.enter("good", right(0.9)), desk.enter("bad", right(0))], Rules(limit=50)
    first = desk.race(entrants, None, rules=rules)
    again = desk.race(entrants, None, rules=rules, again=True)
    assert again.name == f"{first.name}-2"
    assert again.recalled == 0
    assert max(desk.asked.values()) == 2


class Killed(BaseException):
    """As good as kill -9: nobody handles it."""


def test_a_race_that_broke_off_between_rounds_asks_nobody_twice(desk: Desk) -> None:
    def entrants() -> tuple[list[Contender], Contender]:
        some = [desk.enter("good", right(0.9)), desk.enter("fair", right(0.8))]
        return some, desk.enter("old", right(0.75))

    def kill(_: object, progress: Any, __: int) -> None:
        if progress.rounds == 2:
            raise Killed

    rules = Rules(fresh=0)
    with pytest.raises(Killed):
        desk.race(*entrants(), rules=rules, watch=kill)
    assert sum(desk.asked.values()) == 3 * 75
    seen: list[tuple[int, int]] = []
    result = desk.race(*entrants(), rules=rules, watch=lambda _, p, n: seen.append((p.cases, n)))
    assert max(desk.asked.values()) == 1
    assert result.recalled == 225
    assert seen[0] == (0, 225)
    assert seen[1][0] == 100


def test_a_failed_candidate_gets_another_chance_when_the_race_is_taken_up(desk: Desk) -> None:
    old = desk.enter("old", right(0.5))
    first = desk.race([desk.enter("good", right(0.9)), desk.enter("late", down)], old)
    assert states(first)["late"] == "failed"
    second = desk.race([desk.enter("good", right(0.9)), desk.enter("late", right(0.95))], old)
    assert second.name == first.name
    assert states(second)["late"] != "failed"
    assert second.candidates[1].absent == 0


def test_an_incumbent_that_fails_stops_the_race_and_says_why(desk: Desk) -> None:
    good = desk.enter("good", right(0.9))
    with pytest.raises(IncumbentUnmeasured, match=r"'old' in round 1.*503.*same command"):
        desk.race([good], desk.enter("old", down))
    result = desk.race([good], desk.enter("old", right(0.5)))
    assert result.leader == "good"
    assert max(n for (name, _), n in desk.asked.items() if name == "good") == 1


def test_a_prompt_takes_the_place_of_the_cases_own(desk: Desk) -> None:
    new = desk.enter("new", right(0.9), system="You echo.")
    desk.race([new, desk.enter("same", right(0.1))], None, rules=Rules(limit=50))
    assert Counter(desk.heard) == {"You echo.": 50, "You repeat.": 50}


def test_without_an_incumbent_the_best_is_left_over(desk: Desk) -> None:
    result = desk.race([desk.enter("good", right(0.9)), desk.enter("bad", right(0.1))], None)
    assert states(result) == {"good": "winner", "bad": "dominated"}
    assert result.succession is None
    assert result.calls == 100


def test_a_suite_that_changed_under_a_broken_off_race_is_refused(desk: Desk) -> None:
    def kill(_: object, progress: Any, __: int) -> None:
        if progress.rounds == 1:
            raise Killed

    entrants = ([desk.enter("good", right(0.9))], desk.enter("old", right(0.5)))
    with pytest.raises(Killed):
        desk.race(*entrants, watch=kill)
    sql = "update cases set content_hash = 'other' where project = $p and case_id = 'case007'"
    desk.lake.write(lambda tx: tx.run(sql, {"p": desk.project}))
    with pytest.raises(RaceUnfit, match="1 of the 100 cases.*--again"):
        desk.race(*entrants)


SCRIPT = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from inspect_ai.model import ModelAPI, ModelOutput, ModelUsage, modelapi

from headrace.evals.races import racing
from headrace.evals.races.contender import contenders
from headrace.evals.runs.evaluation import Terms
from headrace.lake.store import Lake

home, diary, deadly = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])

@modelapi("told")
def told():
    class Told(ModelAPI):
        async def generate(self, input, tools, tool_choice, config):
            text = input[-1].text
            said = diary.read_text().splitlines() if diary.exists() else []
            if deadly and len(said) >= deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            with diary.open("a") as file:
                file.write(f"{self.model_name} {text}\\n")
            right = self.model_name == "good" or int(text) % 2
            output = ModelOutput.from_content(self.model_name, text if right else "no")
            output.usage = ModelUsage(input_tokens=5, output_tokens=3, total_tokens=8)
            return output
    return Told

with Lake.open(home) as lake:
    good, old = contenders(["told/good", "told/old"])
    found = racing.race(
        lake, "p", suite="s", candidates=[good], incumbent=old,
        terms=Terms(connections=4), now=datetime.now(UTC),
    )
    print(found.recalled, found.calls, found.candidates[0].state)
"""


def test_a_race_killed_in_the_middle_of_a_round_keeps_every_answer_it_had(tmp_path: Path) -> None:
    with Lake.open(tmp_path / "home") as lake:
        Desk(lake, "p").fill(60)
    script, diary = tmp_path / "race.py", tmp_path / "diary"
    script.write_text(SCRIPT)

    def run(deadly: int) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, str(script), str(tmp_path / "home"), str(diary), str(deadly)]
        return subprocess.run(words, capture_output=True, text=True)

    assert run(deadly=70).returncode == -signal.SIGKILL
    assert len(diary.read_text().splitlines()) == 70
    done = run(deadly=0)
    assert done.returncode == 0, done.stderr
    recalled, calls, state = done.stdout.split()
    asked = Counter(diary.read_text().splitlines())
    assert (int(calls), state) == (120, "winner")
    twice = sum(count - 1 for count in asked.values())
    assert len(asked) == 120 and max(asked.values()) <= 2
    assert int(recalled) == 70 - twice >= 50  # in flight when it was killed: asked again, no more
