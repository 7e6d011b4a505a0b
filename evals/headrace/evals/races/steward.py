"""The steward of a race: asks what nobody has answered yet, round by round, and writes it down."""

from collections.abc import Callable, Mapping, Sequence

from inspect_ai import Task
from inspect_ai.model import Model

from headrace.evals.errors import EvalError
from headrace.evals.race import IncumbentUnmeasured, Progress, follow
from headrace.evals.races import heat
from headrace.evals.races.contender import Contender
from headrace.evals.races.racebook import Book, Plan, RaceUnfit
from headrace.evals.run import needs_judge
from headrace.evals.runs.evaluation import Terms
from headrace.evals.runs.setup import Setup
from headrace.evals.scores.attempt import reasons
from headrace.evals.scores.recording import scores_of
from headrace.evals.solvers.table import REPLAY
from headrace.evals.suite import recordings
from headrace.lake.message import digest, dump
from headrace.lake.record import Case, Run, Score
from headrace.lake.store import Lake, Transaction

RACED = "raced"  # status of a run: part of a suite, of no release; trends leave it out

Watch = Callable[[Plan, Progress, int], None]  # plan, where it stands, answers found on disk


class RaceStopped(EvalError):
    """Somebody stopped a race; the same command takes it up."""


class Steward:
    """Asks the questions of each round that nobody has answered yet."""

    def __init__(
        self,
        lake: Lake,
        book: Book,
        entrants: Sequence[Contender],
        terms: Terms,
        grader: Model | None,
    ) -> None:
        self._lake = lake
        self._book = book
        self._entrants = {contender.name: contender for contender in entrants}
        self._terms = terms
        self._grader = grader
        self._tasks: dict[str, Task] = {}
        book.forgive()
        self.recalled = sum(map(len, book.answers.values()))
        self._told: dict[tuple[str, str], Score] = {}

    def run(self, cases: Mapping[str, Case], setup: Setup, watch: Watch) -> Progress:
        """Round by round to the end; the rounds that are on disk go by without a question."""
        plan = self._book.plan
        self._catch_up()
        progress = self._follow(0)
        watch(plan, progress, self.recalled)
        while not progress.finished:
            part = plan.race.course.cases[plan.race.course.round(progress.rounds)]
            left = {name: self._book.missing(name, part) for name in progress.asking}
            left = {name: ids for name, ids in left.items() if ids}
            if left:
                self._begin(cases, setup)
                self._ask(left)
                self._record()
            progress = self._follow(progress.rounds + 1)
            if left or progress.finished:
                watch(plan, progress, self.recalled)
        return progress

    def _catch_up(self) -> None:
        """A kill may have come between the logs and the lake."""
        names = [self._run(name).run_id for name in self._book.runs]
        there = scores_of(self._lake, names)
        self._told = {(score.run_id, score.case_id): score for score in there}
        self._record()

    def _follow(self, rounds: int) -> Progress:
        try:
            return follow(self._book.plan.race, self._book.scores(), rounds)
        except IncumbentUnmeasured as error:
            name = self._book.plan.race.incumbent or ""
            [why, *_] = reasons(self._book.answers[name].values())
            raise IncumbentUnmeasured(
                f"{error}: {why}. What was answered is kept: set it right, and the same command "
                "takes the race up"
            ) from error

    def _begin(self, cases: Mapping[str, Case], setup: Setup) -> None:
        """Make the tasks once, and only if there is something to ask."""
        if self._tasks:
            return
        plan = self._book.plan
        course = [cases[name] for name in plan.race.course.cases if name in cases]
        there = {item.case_id: item.content_hash for item in course}
        then = dict(zip(plan.race.course.cases, plan.contents, strict=True))
        changed = sum(there.get(name) != content for name, content in then.items())
        if changed:
            raise RaceUnfit(
                f"{changed} of the {len(then)} cases of race {plan.name} were edited or retired "
                "since it began: race `--again`"
            )
        replayed = any((c.solver or setup.solver) == REPLAY for c in self._entrants.values())
        recorded = recordings(self._lake, plan.project, course) if replayed else None
        about = {"race": plan.name}
        for name, contender in self._entrants.items():
            task = heat.task_for(contender, course, setup=setup, recorded=recorded, about=about)
            needs_judge(task, setup, self._grader)
            self._tasks[name] = task
        self._book.save()

    def _ask(self, left: Mapping[str, Sequence[str]]) -> None:
        asked = [(self._tasks[name], ids) for name, ids in left.items()]
        logs = heat.run(asked, terms=self._terms, folder=self._book.folder, grader=self._grader)
        self._book.add(log.location for log in logs)
        if any(log.status == "cancelled" for log in logs):
            raise RaceStopped("the race was stopped; the same command takes it up")
        for log in logs:
            name = str((log.eval.metadata or {})["release"])
            why = log.error.message if log.error else "no answer was recorded"
            self._book.note(name, left[name], why)

    def _record(self) -> None:
        """What the lake does not have yet."""
        runs = [self._run(name) for name in self._book.runs]
        scores = [score for run in runs for score in self._news(run)]

        def work(tx: Transaction) -> None:
            tx.upsert("runs", runs, on=["project", "run_id"])
            tx.upsert("scores", scores, on=["run_id", "case_id", "epoch", "scorer"])

        if scores:
            self._lake.write(work)

    def _run(self, name: str) -> Run:
        plan, first = self._book.plan, self._book.runs[name]
        return Run(
            project=plan.project,
            run_id=digest(dump([plan.project, plan.suite, plan.name, name])),
            suite=plan.suite,
            release=name,
            status=RACED,
            started_at=plan.started_at,
            model=first.model,
            config_hash=self._entrants[name].identity,
            judge_hash=first.judge_hash,
            log_uri=str(self._book.folder),
        )

    def _news(self, run: Run) -> list[Score]:
        rows = [a.score(run.run_id) for a in self._book.answers[run.release].values()]
        news = [row for row in rows if self._told.get((row.run_id, row.case_id)) != row]
        self._told |= {(row.run_id, row.case_id): row for row in news}
        return news
