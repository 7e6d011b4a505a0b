"""A judge is asked whether episodes of production went well: a few, each once."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from inspect_ai.model import Model

from headrace.curate.progress import Progress, silent
from headrace.curate.step import StepResult
from headrace.evals.errors import EvalError
from headrace.evals.runs.model import model_of, said
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.graded import graded, prompt_hash
from headrace.evals.solvers.chat import chat
from headrace.lake.message import Body, digest, dump
from headrace.lake.project import table
from headrace.lake.record import Judgement
from headrace.lake.settings import Settings
from headrace.lake.statement import statements
from headrace.lake.store import Lake, Transaction

STEP = "judge"
VERSION = "judge/1"
SHARE = 0.02  # of a project's episodes that a judge is asked about
EVEN = 0.25  # of those, drawn by chance: by them it is calibrated
AT_ONCE = 10  # calls, where the judge's model does not say
WAVE = 50  # judgements that are written together: a killed run has lost no more
NO_GRADE = "gave no grade"
RUBRIC = (
    "The assistant did what the user asked for, correctly and completely, within the rules that it "
    "was given. A polite refusal is right where those rules ask for it, and wrong elsewhere."
)

Row = Mapping[str, Any]


class EpisodeJudge(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A model and what it looks for."""

    model: Model
    name: str = "quality"
    rubric: str = RUBRIC

    @property
    def witness(self) -> str:
        """The name of its votes."""
        return f"{self.family} {self.name}"

    @property
    def family(self) -> str:
        """Judges of one model err together, whatever they are asked."""
        return str(self.model)

    @property
    def hash(self) -> str:
        """Whatever changes what it says changes this: it is asked anew."""
        config = self.model.config.model_dump(exclude_none=True, mode="json")
        return digest(dump([VERSION, self.family, self.name, prompt_hash(self.rubric), config]))


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    rubric: str = RUBRIC


def judge_named(model: str | Model, *, name: str = "quality", rubric: str = RUBRIC) -> EpisodeJudge:
    """A judge at temperature 0, patient with its provider. Raises ModelUnusable."""
    params = {"temperature": 0.0, "max_retries": 5, "timeout": 300}
    return EpisodeJudge(model=model_of(model, params=params), name=name, rubric=rubric)


def declared_judges(settings: Settings, project: str) -> list[EpisodeJudge]:
    """Those of `[judges.NAME]` in headrace.toml. Raises EvalError, SettingsError, ModelUnusable."""
    found = []
    for name, held in table(settings, project, "judges").items():
        try:
            read = msgspec.convert(held, _Declared)
        except msgspec.ValidationError as error:
            raise EvalError(
                f"headrace.toml, judges.{name}: {error}. It has `model`, and may have `rubric`"
            ) from error
        found.append(judge_named(read.model, name=name, rubric=read.rubric))
    return found


def judge_episodes(
    lake: Lake,
    project: str,
    judge: EpisodeJudge,
    *,
    now: datetime,
    limit: int | None = None,
    share: float = SHARE,
    told: Progress = silent,
) -> StepResult:
    """Ask a judge about episodes until it was asked about a `share` of them; at most `limit` now.

    A quarter is drawn evenly, then come those in doubt and one of each cluster of like requests,
    the largest first. It sees what was scrubbed alone. A call that fails, and an answer without a
    grade, is no vote: its row has an error. A second run asks nothing twice, but what failed.
    """
    chosen = _chosen(lake, project, judge, limit, share)
    reasons: Counter[str] = Counter()
    told(0, len(chosen))
    for start in range(0, len(chosen), WAVE):
        wave = _conversations(lake, project, chosen[start : start + WAVE])
        rows = asyncio.run(_asked(judge, project, wave, now))
        lake.write(partial(_keep, rows=rows))
        reasons.update(row.error for row in rows if row.error is not None)
        told(start + len(wave), len(chosen))
    return StepResult(
        step=STEP,
        seen=len(chosen),
        kept=len(chosen) - reasons.total(),
        dropped=dict(reasons.most_common()),
    )


def _keep(tx: Transaction, rows: Sequence[Judgement]) -> None:
    tx.upsert("judgements", rows, on=["project", "episode_id", "revision", "judge_hash", "name"])


def _chosen(
    lake: Lake, project: str, judge: EpisodeJudge, limit: int | None, share: float
) -> list[str]:
    """Episode ids in the order in which they are asked about."""
    given = {"project": project, "judge": judge.hash}
    [counts] = lake.rows(_sql("judged_so_far"), given)
    wanted = math.ceil(share * counts["episodes"]) - counts["judged"]
    count = max(0, wanted if limit is None else min(wanted, limit))
    even = math.ceil(EVEN * count)
    rows = lake.rows(_sql("to_judge"), {**given, "even": even, "rest": count - even})
    return [row["episode_id"] for row in rows]


def _conversations(lake: Lake, project: str, episodes: Sequence[str]) -> list[Row]:
    rows = lake.rows(
        _sql("conversations_to_judge"), {"project": project, "episodes": list(episodes)}
    )
    hashes = sorted({name for row in rows for name in row["messages"]})
    bodies = {
        row["hash"]: json.loads(row["body"])
        for row in lake.rows(_sql("judged_messages"), {"hashes": hashes})
    }
    order = {name: place for place, name in enumerate(episodes)}
    return [
        {**row, "messages": [bodies[name] for name in row["messages"]]}
        for row in sorted(rows, key=lambda row: order[row["episode_id"]])
    ]


async def _asked(
    judge: EpisodeJudge, project: str, rows: Sequence[Row], now: datetime
) -> list[Judgement]:
    turns = asyncio.Semaphore(judge.model.config.max_connections or AT_ONCE)

    async def one(row: Row) -> Judgement:
        async with turns:
            value, explanation, error = await _judged(judge, row["messages"])
        return Judgement(
            project=project,
            episode_id=row["episode_id"],
            revision=row["revision"],
            judge_hash=judge.hash,
            name=judge.witness,
            family=judge.family,
            value=value,
            explanation=explanation,
            error=error,
            at=now,
        )

    return list(await asyncio.gather(*map(one, rows)))


async def _judged(
    judge: EpisodeJudge, messages: Sequence[Body]
) -> tuple[float | None, str | None, str | None]:
    """Value, what was said, and why there is no value."""
    try:
        answer = answer_in(messages)
        found = await graded(answer, "", frozenset(), judge=judge.model, rubric=judge.rubric)
    except Exception as error:  # each provider has its own way to fail
        return None, None, f"{type(error).__name__}: {said(error)}"
    return found.value, found.said, None if found.value is not None else NO_GRADE


def answer_in(messages: Sequence[Body]) -> Answer:
    """The last word of the assistant as the answer, all before it as the question.

    Where something was said after it, that is told with the question: it may be the complaint.
    """
    places = [place for place, body in enumerate(messages) if body["role"] == "assistant"]
    if not places:
        return Answer(text="", question=tuple(chat(messages)))
    last = places[-1]
    turns = chat(messages)
    question = turns if turns[last + 1 :] else turns[:last]
    calls = getattr(turns[last], "tool_calls", None) or ()
    return Answer(text=turns[last].text, calls=tuple(calls), question=tuple(question))


def _sql(name: str) -> str:
    return statements("headrace.evals", "judgement.sql")[name]
