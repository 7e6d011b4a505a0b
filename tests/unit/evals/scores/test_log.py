"""Inspect logs, written by hand: values, absences, identities, copies and retries."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalSample,
    EvalSpec,
    write_eval_log,
)
from inspect_ai.model import GenerateConfig, ModelUsage
from inspect_ai.scorer import Score
from pydantic import TypeAdapter

from headrace.evals.cases.content import question_hash
from headrace.evals.errors import ScoresRefused
from headrace.evals.scores.attempt import Attempt, reasons
from headrace.evals.scores.fingerprint import config_hash
from headrace.evals.scores.header import judge_hash
from headrace.evals.scores.log import read_logs
from headrace.evals.scores.sample import value_of

Write = Callable[..., Path]
ERROR = {"message": "503\n  overloaded", "traceback": "", "traceback_ansi": ""}


def spec(**about: Any) -> EvalSpec:
    given = {"scorers": [{"name": "graded"}], "packages": {"inspect_ai": "0.3.285"}, **about}
    return TypeAdapter(EvalSpec).validate_python(
        {
            "eval_id": "e1",
            "created": "2026-11-01T08:00:00+00:00",
            "task": "theirs",
            "dataset": EvalDataset(),
            "model": "mock/tested",
            "config": EvalConfig(),
            "tags": ["release:v1"],
            **given,
        }
    )


def sample(case: str | int = "a", value: Any = "C", **more: Any) -> EvalSample:
    scores = {"graded": Score(value=value)} if value is not None else None
    return TypeAdapter(EvalSample).validate_python(
        {"id": case, "epoch": 1, "input": "ask", "target": "t", "scores": scores, **more}
    )


def graded(value: Any, reason: str) -> dict[str, Score]:
    return {"graded": Score(value=value, reason=reason)}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A log of these samples; the rest goes into its header."""
    folders = count()

    def log(
        *samples: EvalSample,
        name: str = "log.json",
        status: Any = "success",
        error: Any = None,
        **about: Any,
    ) -> Path:
        path = tmp_path / str(next(folders)) / name  # Inspect keeps what it read of a path
        path.parent.mkdir()
        made = EvalLog(eval=spec(**about), status=status, samples=list(samples), error=error)
        write_eval_log(made, str(path))
        return path

    return log


def only(path: Path) -> Attempt:
    [measured] = read_logs([path])
    [attempt] = measured.attempts
    return attempt


@pytest.mark.parametrize(
    ("given", "value"),
    [
        *[("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0)],
        *[(True, 1.0), (False, 0.0), (1, 1.0), (0, 0.0), (0.25, 0.25)],
        *[("0.3", 0.3), ("1", 1.0), (math.nan, None), ("nan", None)],
    ],
)
def test_letters_numbers_and_flags_have_a_value(given: Any, value: float | None) -> None:
    assert value_of(given) == value


@pytest.mark.parametrize(
    "given", [1.01, -0.1, 7, math.inf, "7", "inf", "c", "correct", "", [1], {"a": 1}]
)
def test_what_lies_off_the_scale_or_is_no_number_has_none_to_give(given: Any) -> None:
    with pytest.raises(ValueError):
        value_of(given)


@pytest.mark.parametrize("name", ["log.json", "log.eval"])
def test_a_sample_is_an_attempt_with_all_that_was_measured(write: Write, name: str) -> None:
    usage = {
        "mock/tested": ModelUsage(
            input_tokens=5, output_tokens=3, input_tokens_cache_read=2, total_cost=0.25
        ),
        "mock/judge": ModelUsage(input_tokens=1000, output_tokens=1000),
    }
    about = {"slice": "easy", "cluster": 7, "other": "x"}
    taken = sample(
        7, epoch=3, metadata=about, model_usage=usage, working_time=1.5, total_time=9.0, uuid="u"
    )
    assert only(write(taken, name=name)) == Attempt(
        case_id="7",
        epoch=3,
        scorer="graded",
        value=1.0,
        input_tokens=7,
        cached_tokens=2,
        cache_write_tokens=0,
        output_tokens=3,
        cost_usd=Decimal("0.25"),
        latency_ms=1500.0,
        slice="easy",
        cluster="7",
        content=question_hash("ask", "t", None),
    )


def test_what_nobody_measured_is_absent_and_not_zero(write: Write) -> None:
    found = only(write(sample()))
    measured = (found.input_tokens, found.output_tokens, found.cost_usd, found.latency_ms)
    assert measured == (None, None, None, None)
    assert only(write(sample(total_time=2.0))).latency_ms == 2000.0


@pytest.mark.parametrize(
    ("more", "value", "error"),
    [
        ({"error": ERROR}, None, "503 overloaded"),
        ({"error": ERROR, "limit": {"type": "token", "limit": 1}}, None, "503 overloaded"),
        ({"limit": {"type": "time", "limit": 1}}, 0.0, "limit reached: time"),
        ({"limit": {"type": "operator", "limit": 1}}, None, "ended by an operator"),
        ({"scores": graded(0, "scoring_failed")}, None, "unscored: scoring_failed"),
        ({"scores": graded("I", "grader_failed")}, None, "unscored: grader_failed"),
        ({"scores": graded("I", "no_response")}, 0.0, None),
        ({"scores": graded(math.nan, "refusal")}, None, "unscored: refusal"),
        ({"value": None}, None, "the sample was not scored"),
        ({"value": math.nan}, None, "unscored"),
        ({"value": "I"}, 0.0, None),
    ],
)
def test_a_failed_measurement_is_absent_and_a_failed_product_is_zero(
    write: Write, more: dict[str, Any], value: float | None, error: str | None
) -> None:
    found = only(write(sample(**more)))
    assert (found.value, found.error) == (value, error)


def test_an_error_is_kept_on_one_line_and_cut(write: Write) -> None:
    found = only(write(sample(value=None, error={**ERROR, "message": "overloaded\n" * 500})))
    assert found.error is not None
    assert len(found.error) <= 300 and found.error.endswith("…") and "\n" not in found.error


def test_a_scorer_with_several_values_counts_as_several_scorers(write: Write) -> None:
    parts = {"tone": 0.5, "facts": 1, "reach": None}
    failed = sample("b", value=None, error=ERROR)
    [measured] = read_logs([write(sample("a", parts), failed)])
    assert [(a.case_id, a.scorer, a.value) for a in measured.attempts] == [
        *[("a", "graded/facts", 1.0), ("a", "graded/reach", None), ("a", "graded/tone", 0.5)],
        *[("b", "graded/facts", None), ("b", "graded/reach", None), ("b", "graded/tone", None)],
    ]


def test_a_log_of_nothing_but_errors_names_the_scorers_of_its_header(write: Write) -> None:
    failed = sample(value=None, error=ERROR)
    asked = [{"name": "pkg/strict"}, {"name": "loose"}]
    [measured] = read_logs([write(failed, scorers=asked)])
    assert [(a.scorer, a.value) for a in measured.attempts] == [("loose", None), ("strict", None)]
    assert only(write(failed, scorers=None)).scorer == "unknown"


def test_only_a_case_of_ours_names_its_scorer_itself(write: Write) -> None:
    about = {"scorer": "tool_calls"}
    ours = {"headrace/case_scorer": Score(value=1)}
    assert only(write(sample(scores=ours, metadata=about))).scorer == "tool_calls"
    assert only(write(sample(scores=ours, metadata={"scorer": "vibes"}))).scorer != "vibes"
    assert only(write(sample(metadata=about))).scorer == "graded"


@pytest.mark.parametrize(
    ("value", "shown"), [(7, "7"), ("good", "'good'"), ([1, 0], "[1, 0]"), (-1, "-1")]
)
def test_a_value_off_the_scale_is_refused_with_file_case_and_scorer(
    write: Write, value: Any, shown: str
) -> None:
    with pytest.raises(ScoresRefused) as refused:
        read_logs([write(sample("q7", value))])
    said = str(refused.value)
    for part in ("log.json", "case 'q7'", f"the value {shown}", "scorer 'graded'", "rescale"):
        assert part in said


def test_a_refusal_does_not_repeat_an_answer_that_stands_where_a_value_should(
    write: Write,
) -> None:
    with pytest.raises(ScoresRefused) as refused:
        read_logs([write(sample("q7", "a long answer " * 500))])
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("tags", "metadata", "given", "release"),
    [
        (["x", "release:v1"], {"release": "v2"}, None, "v1"),
        (["release:a:b"], {}, None, "a:b"),
        (["release:"], {"release": "v2"}, None, "v2"),
        ([], {"release": "v2", "release_id": "v3"}, None, "v2"),
        (None, {"release_id": 3}, None, "3"),
        (["release:v1"], None, "v9", "v9"),
    ],
)
def test_the_release_is_given_or_tagged_or_in_the_metadata(
    write: Write, tags: Any, metadata: Any, given: str | None, release: str
) -> None:
    [measured] = read_logs([write(sample(), tags=tags, metadata=metadata)], given)
    assert measured.release == release


@pytest.mark.parametrize(("tags", "metadata"), [(None, None), (["release:"], {"release": ""})])
def test_a_log_of_no_release_is_refused_with_both_cures(
    write: Write, tags: Any, metadata: Any
) -> None:
    with pytest.raises(ScoresRefused, match=r"log\.json does not say .*--release.*--tags"):
        read_logs([write(sample(), tags=tags, metadata=metadata)])


@pytest.mark.parametrize(
    "created",
    ["2026-11-01T08:00:00+00:00", "2026-11-01T08:00:00", "2026-11-01T10:00:00+02:00"],
)
def test_times_are_utc(write: Write, created: str) -> None:
    [measured] = read_logs([write(sample(), created=created)])
    assert measured.started_at == measured.released_at == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert measured.started_at.utcoffset() == datetime.now(UTC).utcoffset()


def test_runs_come_oldest_first_whatever_the_order_of_files(write: Write) -> None:
    paths = [
        write(sample(), name=f"{day}.json", eval_id=f"e{day}", created=f"2026-11-0{day}T08:00:00Z")
        for day in (3, 1, 2)
    ]
    assert [run.key for run in read_logs(paths)] == ["inspect:e1", "inspect:e2", "inspect:e3"]
    assert [r.key for r in read_logs(paths[::-1])] == [r.key for r in read_logs(paths)]


def test_a_sample_that_a_retry_took_over_counts_in_the_newest_log_alone(write: Write) -> None:
    kept = sample("a", uuid="u1")
    first = write(kept, sample("b", None, error=ERROR, uuid="u2"), name="first.json", eval_id="e1")
    retried = write(
        *[kept, sample("b", "I", uuid="u3")],
        name="retry.json",
        eval_id="e2",
        created="2026-11-01T09:00:00Z",
    )
    for files in ([first, retried], [retried, first]):
        runs = {run.key: [(a.case_id, a.value) for a in run.attempts] for run in read_logs(files)}
        assert runs == {"inspect:e1": [("b", None)], "inspect:e2": [("a", 1.0), ("b", 0.0)]}


def test_samples_without_an_id_of_their_own_are_all_kept(write: Write) -> None:
    [measured] = read_logs([write(sample("a", uuid=None), sample("a", uuid=None, epoch=2))])
    assert len(measured.attempts) == 2


def test_of_a_log_and_a_copy_made_while_it_ran_the_finished_one_counts(write: Write) -> None:
    early = write(sample("a"), name="early.json", status="started")
    done = write(sample("a"), sample("b"), name="done.json")
    for files in ([early, done], [done, early]):
        [run] = read_logs(files)
        assert (run.status, len(run.attempts)) == ("success", 2)


def test_what_ended_a_run_is_why_its_samples_have_no_value(write: Write) -> None:
    log = write(
        sample("a", value=None),
        sample("b", value=None, error={**ERROR, "message": "its own"}),
        sample("c"),
        status="error",
        error=EvalError(message="no such\n scorer", traceback="", traceback_ansi=""),
    )
    [measured] = read_logs([log])
    assert reasons(measured.attempts) == {"the run broke off: no such scorer": 1, "its own": 1}


@pytest.mark.parametrize("status", ["success", "error", "cancelled", "started"])
def test_a_run_keeps_the_status_of_its_log(write: Write, status: str) -> None:
    [measured] = read_logs([write(sample(), status=status)])
    assert measured.status == status


def test_a_declared_configuration_stands_before_a_derived_one(write: Write) -> None:
    [declared] = read_logs([write(sample(), metadata={"config_hash": 12})])
    [derived] = read_logs([write(sample())])
    assert declared.config_hash == "12"
    assert derived.config_hash == config_hash("v1", "mock/tested", {})


def test_another_release_model_or_setting_is_another_configuration(write: Write) -> None:
    hot = GenerateConfig(temperature=1.0)
    changes: list[dict[str, Any]] = [
        {},
        {"tags": ["release:v2"]},
        {"model": "mock/other"},
        {"model_generate_config": hot},
    ]
    found = [read_logs([write(sample(), **change)])[0].config_hash for change in changes]
    assert len(set(found)) == len(changes)


JUDGE: dict[str, Any] = {"grader": {"model": "mock/judge", "config": {"temperature": 0.0}}}


@pytest.mark.parametrize(
    "same",
    [
        {"scorers": [{"name": "b"}, {"name": "a", "options": {"n": 1}}]},
        {"scorers": [{"name": "a", "options": {"n": 1}}, {"name": "pkg/b"}]},
        {"packages": {"inspect_ai": "1", "headrace": "9.9"}},
        {"model": "mock/other", "tags": ["release:v7"], "task": "other", "eval_id": "e7"},
    ],
)
def test_the_identity_of_a_scorer_does_not_hang_on_what_it_scored(same: dict[str, Any]) -> None:
    base: dict[str, Any] = {
        "scorers": [{"name": "a", "options": {"n": 1}}, {"name": "b"}],
        "packages": {"inspect_ai": "1"},
    }
    assert judge_hash(spec(**{**base, **same})) == judge_hash(spec(**base))


def test_whatever_could_change_a_score_changes_the_identity_of_the_scorer() -> None:
    hot = {"grader": {**JUDGE["grader"], "config": {"temperature": 1.0}}}
    changes: list[dict[str, Any]] = [
        {},
        {"scorers": [{"name": "other"}]},
        {"scorers": [{"name": "graded", "options": {"template": "x"}}]},
        {"scorers": [{"name": "graded"}, {"name": "graded"}]},
        {"packages": {"inspect_ai": "0.3.286"}},
        {"packages": {"inspect_ai": "0.3.285", "theirs": "1"}},
        *[
            {"model_roles": JUDGE},
            {"model_roles": hot},
            {"model_roles": {"other": JUDGE["grader"]}},
        ],
    ]
    assert len({judge_hash(spec(**change)) for change in changes}) == len(changes)
