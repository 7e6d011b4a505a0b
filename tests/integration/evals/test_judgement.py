"""Judges are asked about episodes once, and what fails is no vote."""

import math
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from headrace.curate.outcomes import resolve
from headrace.curate.vote import vote
from headrace.evals.errors import EvalError, ModelUnusable
from headrace.evals.judgement import (
    EVEN,
    NO_GRADE,
    EpisodeJudge,
    answer_in,
    declared_judges,
    judge_episodes,
)
from headrace.lake.record import Judgement, VoteRow
from headrace.lake.store import Lake
from tests.unit.curate.conftest import NOW, T0, World, result, said, user

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with Lake.open(tmp_path_factory.mktemp("lake"), rng=random.Random(1)) as opened:
        yield opened


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    return World(request.node.nodeid)


class Bench:
    """A judge whose answers are made up, and what it was asked."""

    def __init__(self, answer: Callable[[str], str] = lambda prompt: "Fine.\nGRADE: C") -> None:
        self.prompts: list[str] = []
        self._answer = answer

    def __call__(self, messages: Any, *_: Any) -> ModelOutput:
        self.prompts.append(messages[-1].text)
        output = ModelOutput.from_content("mockllm/model", self._answer(messages[-1].text))
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output

    def judge(self, **fields: Any) -> EpisodeJudge:
        model = get_model("mockllm/model", custom_outputs=self, memoize=False)
        return EpisodeJudge(model=model, **fields)


def talks(lake: Lake, world: World, count: int, first: int = 0) -> None:
    for i in range(first, first + count):
        world.post(f"e{i}", [user(f"Question {i}"), said(f"Answer {i}")], i, ended_at=T0)
    world.drain(lake)


def run(lake: Lake, world: World, judge: EpisodeJudge, **fields: Any) -> Any:
    return judge_episodes(lake, world.project, judge, now=NOW, **{"share": 1.0, **fields})


def rows(lake: Lake, world: World) -> list[dict[str, Any]]:
    sql = "from judgements where project = $project order by episode_id, judge_hash"
    return lake.rows(sql, {"project": world.project})


def test_a_judgement_is_a_vote_and_is_asked_for_once(lake: Lake, world: World) -> None:
    talks(lake, world, 3)
    bench = Bench(lambda prompt: f"Hm.\nGRADE: {'C' if 'Question 1' in prompt else 'I'}")
    judge = bench.judge()
    assert run(lake, world, judge).kept == 3
    assert run(lake, world, judge).seen == 0
    assert len(bench.prompts) == 3
    vote(lake, world.project, now=NOW)
    sql = "select value, name, family, source from votes where project = $project order by value"
    found = lake.sql(sql, {"project": world.project}).fetchall()
    name = "mockllm/model quality"
    assert found == [(value, name, "mockllm/model", "judge") for value in (0, 0, 1)]
    resolve(lake, world.project, now=NOW, waiting=DAY)
    sql = "select resolution, count(*) from resolutions where project = $project group by 1"
    assert dict(lake.sql(sql, {"project": world.project}).fetchall()) == {
        "success": 1, "failure": 2,
    }  # fmt: skip


def test_another_rubric_or_revision_is_asked_for_anew(lake: Lake, world: World) -> None:
    talks(lake, world, 2)
    bench = Bench()
    run(lake, world, bench.judge())
    assert run(lake, world, bench.judge(rubric="Is it brief?")).seen == 2
    world.posted = []
    hashes = world.names([user("Question 0"), said("Another answer")])
    world.post("e0", [user("Question 0"), said("Another answer")])
    world.posted = [msgspec.structs.replace(world.posted[0], revision=2, messages=hashes)]
    world.drain(lake)
    assert run(lake, world, bench.judge()).seen == 1
    assert "Another answer" in bench.prompts[-1]


def test_a_judge_that_crashes_or_gives_no_grade_leaves_no_vote(lake: Lake, world: World) -> None:
    talks(lake, world, 3)

    def answer(prompt: str) -> str:
        if "Question 0" in prompt:
            raise RuntimeError("overloaded")
        return "I cannot say." if "Question 1" in prompt else "GRADE: C"

    result = run(lake, world, Bench(answer).judge())
    assert (result.seen, result.kept) == (3, 1)
    assert result.dropped == {"RuntimeError: overloaded": 1, NO_GRADE: 1}
    assert [row["value"] for row in rows(lake, world)] == [None, None, 1.0]
    vote(lake, world.project, now=NOW)
    sql = "select count(*) from votes where project = $project"
    assert lake.sql(sql, {"project": world.project}).fetchall() == [(1,)]
    again = Bench()
    assert run(lake, world, again.judge()).kept == 1  # what crashed, not what it could not tell
    assert "Question 0" in again.prompts[0]


def test_some_episodes_are_drawn_evenly_and_the_rest_tells_most(lake: Lake, world: World) -> None:
    talks(lake, world, 40)
    votes = [
        VoteRow(
            project=world.project, episode_id=f"{world.project}/e{i}", name=name, source="rule",
            origin="rule", value=value, at=T0,
        )
        for i in range(30, 40) for name, value in (("a", 1), ("b", 0))
    ]  # fmt: skip
    lake.write(lambda tx: tx.append("votes", votes))
    resolve(lake, world.project, now=NOW, waiting=DAY)
    bench = Bench()
    assert run(lake, world, bench.judge(), share=0.2).seen == 8
    disputed = sum(any(f"Question {i}\n" in p for i in range(30, 40)) for p in bench.prompts)
    assert disputed >= 8 - math.ceil(EVEN * 8)


def test_several_nights_ask_of_a_share_of_all_and_a_limit_is_for_one(
    lake: Lake, world: World
) -> None:
    talks(lake, world, 20)
    judge = Bench().judge()
    assert [run(lake, world, judge, share=0.5, limit=4).seen for _ in range(4)] == [4, 4, 2, 0]
    talks(lake, world, 20, first=20)
    assert run(lake, world, judge, share=0.5).seen == 10


def test_a_run_that_was_killed_has_lost_no_more_than_a_wave(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.evals.judgement.WAVE", 2)
    talks(lake, world, 6)
    judge = Bench().judge()

    def told(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(lake, world, judge, told=told)
    assert len(rows(lake, world)) == 4
    assert run(lake, world, judge).seen == 2
    assert len(rows(lake, world)) == 6


def test_a_judge_sees_scrubbed_episodes_alone(lake: Lake, world: World) -> None:
    world.post("raw", [user("My card is 4111"), said("Thanks")])
    world.drain(lake, scrubbed=False)
    assert run(lake, world, Bench().judge()).seen == 0


def test_what_was_said_after_the_answer_is_told_with_the_question() -> None:
    call = ("1", "find", "{}")
    found = answer_in([user("a"), said(None, call), result("1", "x"), said("b"), user("wrong!")])
    assert found.text == "b"
    assert [message.role for message in found.question][-1] == "user"
    assert [message.text for message in answer_in([user("a"), said("b")]).question] == ["a"]
    assert answer_in([user("a")]).text == ""


def test_judges_are_declared_in_the_file_of_settings(lake: Lake, world: World) -> None:
    path = lake.settings.home / "headrace.toml"
    path.write_text('[judges.brief]\nmodel = "mockllm/model"\nrubric = "Is it brief?"\n')
    [judge] = declared_judges(lake.settings, world.project)
    assert (judge.witness, judge.rubric) == ("mockllm/model brief", "Is it brief?")
    assert judge.model.config.temperature == 0.0
    path.write_text('[judges.brief]\nmodle = "mockllm/model"\n')
    with pytest.raises(EvalError, match=r"judges\.brief.*modle"):
        declared_judges(lake.settings, world.project)
    path.write_text('[judges.brief]\nmodel = "nobody/model"\n')
    with pytest.raises(ModelUnusable):
        declared_judges(lake.settings, world.project)
    path.unlink()


def test_a_judgement_keeps_what_was_said(lake: Lake, world: World) -> None:
    talks(lake, world, 1)
    run(lake, world, Bench(lambda prompt: "Because of x.\nGRADE: I").judge(name="care"))
    [row] = rows(lake, world)
    assert (row["value"], row["explanation"], row["error"]) == (
        0.0, "Because of x.\nGRADE: I", None,
    )  # fmt: skip
    assert set(Judgement.__struct_fields__) == set(row)
