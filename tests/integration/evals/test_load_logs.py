"""Folders of Inspect logs: edited cases, retries, copies, crashes; each told, none made a zero."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalSample,
    EvalSpec,
    write_eval_log,
)
from inspect_ai.model import ModelOutput, get_model
from inspect_ai.scorer import Score, Scorer, Target, match, mean, scorer
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver
from pydantic import TypeAdapter

from headrace.evals import load as loading
from headrace.evals.errors import ScoresRefused
from headrace.evals.load import load
from headrace.evals.scores.tally import LoadedScores
from headrace.evals.trend import trend

T0 = datetime(2026, 11, 1, 8, tzinfo=UTC)
Write = Callable[..., Path]
Loaded = Callable[..., LoadedScores]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """The log of a day: case -> (what it asks, value, more of the sample)."""

    def log(day: int, cases: dict[str, tuple[Any, ...]], **about: Any) -> Path:
        samples = [
            TypeAdapter(EvalSample).validate_python(
                {
                    **{"id": case, "epoch": 1, "input": asks, "target": "t"},
                    "scores": None if value is None else {"graded": Score(value=value)},
                    **(more[0] if more else {}),
                }
            )
            for case, (asks, value, *more) in cases.items()
        ]
        spec = EvalSpec(
            eval_id=about.get("eval_id", f"e{day}"),
            task_id=about.get("task_id", f"t{day}"),
            created=(T0 + timedelta(days=day)).isoformat(),
            task="theirs",
            dataset=EvalDataset(),
            model="mock/tested",
            config=EvalConfig(),
            tags=[f"release:{about.get('release', f'v{day}')}"],
        )
        status = about.get("status", "success")
        path: Path = tmp_path / "logs" / about.get("name", f"day{day}.eval")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_eval_log(EvalLog(eval=spec, status=status, samples=samples), str(path))
        return path

    return log


@pytest.fixture
def loaded(product: Any) -> Loaded:
    def run(*files: Path, **asked: Any) -> LoadedScores:
        return load(product.lake, product.project, files, suite="given", now=product.now, **asked)

    return run


@pytest.fixture
def values(product: Any) -> Callable[[], dict[tuple[str, str], float | None]]:
    return lambda: {(row["release"], row["case_id"]): row["value"] for row in product.scores()}


def test_a_folder_is_searched_for_logs_and_the_folders_in_it(
    write: Write, loaded: Loaded, tmp_path: Path
) -> None:
    write(1, {"a": ("ask", "C")})
    write(2, {"a": ("ask", "I")}, name="deep/2026-11-03T08-00-00_theirs.json")
    (tmp_path / "logs" / "eval-set.json").write_text("{}")
    (tmp_path / "logs" / "notes.txt").write_text("no log")
    found = loaded(tmp_path / "logs")
    assert (found.files, found.runs, found.releases) == (2, 2, ("v1", "v2"))
    assert found.notes == ("1 .json file passed over: not named like a log.",)


@pytest.mark.parametrize("names", [[], ["eval-set.json", "rows.jsonl"]])
def test_a_folder_without_logs_is_refused_with_the_cure(
    loaded: Loaded, tmp_path: Path, names: list[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for name in names:
        (tmp_path / "empty" / name).write_text("{}")
    with pytest.raises(ScoresRefused, match=r"empty: no Inspect log in this folder: give one with"):
        loaded(tmp_path / "empty")


def test_a_case_that_was_edited_under_its_id_is_another_case_and_is_told(
    write: Write, loaded: Loaded, values: Any, product: Any
) -> None:
    old, new = ("when?", "C"), ("where?", "I")
    files = [write(1, {"q": old, "same": old}), write(2, {"q": new, "same": old})]
    found = loaded(*files)
    [edition] = found.edited
    assert edition.startswith("q@") and len(edition) == len("q@01234567")
    assert values() == {
        ("v1", "q"): 1.0,
        ("v1", "same"): 1.0,
        ("v2", edition): 0.0,
        ("v2", "same"): 1.0,
    }
    assert found.notes == (
        f"1 case asks something else than before under the same id: new cases ({edition}). "
        "If they are the same to you, load with --by-id.",
    )
    assert {row["case_id"] for row in product.table("cases")} == {"q", "same", edition}
    shown = trend(product.lake, suite="given", project=product.project, delta=0.1)
    assert shown.verdict.n == 1


def test_an_edited_case_is_the_same_edition_on_every_later_day(
    write: Write, loaded: Loaded, values: Any
) -> None:
    loaded(write(1, {"q": ("when?", "C")}))
    [edition] = loaded(write(2, {"q": ("where?", "I")})).edited
    third = loaded(write(3, {"q": ("where?", "C")}))
    assert (third.edited, third.new_cases, third.notes) == ((), 0, ())
    assert loaded(write(4, {"q": ("when?", "C")})).edited == ()
    assert set(values()) == {("v1", "q"), ("v2", edition), ("v3", edition), ("v4", "q")}


def test_cases_taken_by_their_id_are_moved_there_and_back(
    write: Write, loaded: Loaded, values: Any
) -> None:
    files = [write(1, {"q": ("when?", "C")}), write(2, {"q": ("where?", "I")})]
    [edition] = loaded(*files).edited
    assert loaded(*files, by_id=True).written == 1
    assert values() == {("v1", "q"): 1.0, ("v2", "q"): 0.0}
    assert loaded(*files, by_id=True).written == 0
    loaded(*files)
    assert values() == {("v1", "q"): 1.0, ("v2", edition): 0.0}


def test_cases_of_a_suite_are_taken_by_their_id(write: Write, loaded: Loaded, product: Any) -> None:
    from headrace.lake.record import Case

    grown = Case(
        project=product.project,
        suite="given",
        case_id="q",
        input="{}",
        scorer="match",
        content_hash="0" * 32,
        added_at=T0,
    )
    product.lake.write(lambda tx: tx.append("cases", [grown]))
    assert loaded(write(1, {"q": ("when?", "C")}), write(2, {"q": ("x", "C")})).edited == ()


def test_a_sample_that_stands_in_the_retry_counts_there_alone(
    write: Write, loaded: Loaded, values: Any
) -> None:
    error = {"error": {"message": "503", "traceback": "", "traceback_ansi": ""}, "uuid": "u2"}
    kept = ("ask", "C", {"uuid": "u1"})
    first = write(1, {"a": kept, "b": ("ask", None, error)}, status="error", task_id="t")
    retry = write(2, {"a": kept, "b": ("ask", "I", {"uuid": "u3"})}, release="v1", task_id="t")
    found = loaded(first, retry)
    assert (found.scores, found.absent, found.runs) == (3, 1, 2)
    assert values()["v1", "b"] in (None, 0.0)
    assert found.notes == (
        "1 sample of a log stand in its retry too: they count there alone.",
        "1 run broken off or cancelled: no verdict uses it. `inspect eval-retry` ends it "
        "(day1.eval).",
    )


def test_copies_of_a_log_in_a_folder_count_once(
    write: Write, loaded: Loaded, tmp_path: Path
) -> None:
    path = write(1, {"a": ("ask", "C")})
    shutil.copy(path, path.with_name("copy.eval"))
    found = loaded(tmp_path / "logs")
    assert (found.runs, found.scores, found.copies) == (1, 1, 1)
    assert found.notes == ("1 copy of a row or log: each counts once.",)


def test_a_log_without_a_sample_says_so_and_counts_as_nothing(
    write: Write, loaded: Loaded, product: Any
) -> None:
    found = loaded(write(1, {}))
    assert (found.scores, found.cases, product.scores()) == (0, 0, [])
    assert found.notes == ("1 run without a single sample: nothing to load (day1.eval).",)


def test_a_log_that_is_still_written_is_kept_out_of_verdicts_until_it_ended(
    write: Write, loaded: Loaded, product: Any
) -> None:
    path = write(1, {"a": ("ask", "C"), "b": ("ask", "I")})
    whole = path.read_bytes()
    with ZipFile(path) as done:
        header, rows = (json.loads(done.read(f"{n}.json")) for n in ("header", "summaries"))
    with ZipFile(path, "w", compression=93) as running:
        start = {name: header[name] for name in ("version", "eval", "plan")}
        running.writestr("_journal/start.json", json.dumps(start))
        running.writestr("_journal/summaries/1.json", json.dumps(rows[:1]))
    found = loaded(path)
    assert (found.scores, found.absent) == (1, 0)
    assert found.notes == (
        "1 run not ended yet, or killed: no verdict uses it until its finished log is loaded "
        "(day1.eval).",
    )
    assert [row["status"] for row in product.table("runs")] == ["started"]
    path.write_bytes(whole)
    assert loaded(path).written == 1
    assert [row["status"] for row in product.table("runs")] == ["success"]


def test_many_logs_are_written_in_few_transactions_and_told_on_the_way(
    write: Write, loaded: Loaded, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_BATCH", 4)
    files = [write(day, {"a": ("ask", "C"), "b": ("ask", "I")}) for day in range(1, 6)]
    before = product.lake.snapshot_id
    steps: list[tuple[int, int]] = []
    found = loaded(*files, progress=lambda done, of: steps.append((done, of)))
    assert product.lake.snapshot_id - before == 3  # 2 + 2 + 1 logs
    assert (found.runs, found.scores, found.new_cases, found.written) == (5, 10, 2, 10)
    assert found.releases == found.new_releases == ("v1", "v2", "v3", "v4", "v5")
    assert steps == sorted(steps) and steps[0] == (1, 10) and steps[-1] == (10, 10)
    again = loaded(*files)
    assert (again.written, again.new_cases, again.new_releases) == (0, 0, ())


def test_a_release_stands_by_its_first_run_whatever_comes_first(
    write: Write, loaded: Loaded, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_BATCH", 1)
    later = write(3, {"a": ("ask", "C")}, release="v1", task_id="t1")
    first = write(1, {"a": ("ask", "C")}, release="v2", task_id="t1")
    middle = write(2, {"a": ("ask", "C")}, release="v1")
    loaded(later, first, middle)
    times = {row["release"]: row["at"] for row in product.table("releases")}
    assert times == {"v2": T0 + timedelta(days=1), "v1": T0 + timedelta(days=2)}


def test_a_release_that_a_log_names_is_told_where_another_one_stands_before_it(
    write: Write, loaded: Loaded
) -> None:
    named = write(1, {"a": ("ask", "C")}, release="v1")
    agreed = write(2, {"b": ("ask", "C")}, release="v2")
    done = loaded(named, agreed, release="v2")
    assert done.releases == ("v2",)
    assert done.notes == ("1 log names another release (v1): --release stands before it.",)


@scorer(metrics=[mean()])
def brittle() -> Scorer:
    """Crashes where the answer says so."""

    async def score(state: TaskState, target: Target) -> Score:
        if state.output.completion == "crash":
            raise ZeroDivisionError("the scorer divided by nothing")
        return Score(value=1)

    return score


@solver
def stalling() -> Solver:
    """A tool of the product that never ends."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        import anyio

        if state.input_text == "stall":
            await anyio.sleep_forever()
        return await generate(state)

    return solve


@pytest.fixture
def answered(tmp_path: Path, reply: Any) -> Callable[..., Path]:
    """A run of Inspect in which the model says what it is asked, or times out."""

    def run(asks: list[str], **asked: Any) -> Path:
        def answers(messages: Any, *_: Any) -> ModelOutput:
            if messages[-1].text == "time out":
                raise TimeoutError("no answer within 600 s")
            output: ModelOutput = reply(messages[-1].text)
            return output

        about = {"solver": generate(), "scorer": brittle(), **asked}
        [done] = inspect_eval(
            Task(dataset=[Sample(id=a, input=a, target="x") for a in asks], **about),
            model=get_model("mockllm/model", custom_outputs=answers, memoize=False),
            log_dir=str(tmp_path / "real"),
            display="none",
            score_display=False,
            fail_on_error=False,
            ctl_server=False,
            tags=["release:v1"],
        )
        return Path(done.location)

    return run


def test_a_crashed_scorer_and_a_model_that_timed_out_leave_no_value(
    answered: Any, loaded: Loaded, values: Any
) -> None:
    found = loaded(answered(["fine", "crash", "time out"]))
    assert values() == {("v1", "fine"): 1.0, ("v1", "crash"): None, ("v1", "time out"): None}
    assert (found.scores, found.absent) == (3, 2)
    assert found.reasons == {
        "ZeroDivisionError('the scorer divided by nothing')": 1,
        "the model timed out": 1,  # Inspect has it scored, and says so in its transcript alone
    }


def test_a_crash_of_one_scorer_of_two_leaves_no_value_of_either(
    answered: Any, loaded: Loaded, product: Any
) -> None:
    loaded(answered(["fine", "crash"], scorer=[match(), brittle()]))
    rows = [(row["case_id"], row["scorer"], row["value"]) for row in product.scores()]
    assert rows == [
        *[("crash", "brittle", None), ("crash", "match", None)],
        *[("fine", "brittle", 1.0), ("fine", "match", 0.0)],
    ]


def test_a_product_that_ran_into_its_time_limit_failed_and_is_told(
    answered: Any, loaded: Loaded, values: Any
) -> None:
    found = loaded(answered(["fine", "stall"], solver=stalling(), time_limit=1))
    assert values() == {("v1", "fine"): 1.0, ("v1", "stall"): 0.0}
    assert found.notes == (
        "1 score of 0 where a limit of tokens, time or messages ended the sample.",
    )
