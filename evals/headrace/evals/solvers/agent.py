"""The user's own agent as a Python callable, sync or async."""

import inspect
from collections.abc import Callable
from contextvars import copy_context
from threading import Thread
from typing import Any

import anyio
from anyio.from_thread import run_sync
from anyio.lowlevel import EventLoopToken, current_token
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import LimitExceededError

from headrace.evals.errors import AgentUnusable
from headrace.evals.runs.named import named
from headrace.evals.solvers.blame import Unmeasured, is_outside
from headrace.evals.solvers.reply import question_of, read, take
from headrace.evals.solvers.told import fail, timed

Act = Callable[[dict[str, Any]], Any]


@solver
def agent(function: str) -> Solver:
    """Give each case to `package.module:function`: {"messages", "tools", "metadata"}.

    What it raises is the product's failure, a zero, unless something beside it failed. Raises
    AgentUnusable.
    """
    act = _function(function)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        asked = question_of(state)
        try:
            with timed(state):
                given = await _acted(act, asked)
            return take(state, read(given, asked["messages"]))
        except LimitExceededError:
            raise
        except (Exception, SystemExit) as error:
            if is_outside(error):
                raise Unmeasured(f"the agent was not measured: {_said(error)}") from error
            return fail(state, f"the agent failed: {_said(error)}")

    return solve


def _function(name: str) -> Act:
    def refused(why: str) -> AgentUnusable:
        return AgentUnusable(
            f"agent {why}: name a function as package.module:function, importable from here, that "
            "takes one dict and returns a text, a message or a list of messages"
        )

    found = named(name, refused)
    if not callable(found):
        raise refused(f"{name!r} is no function")
    return found  # type: ignore[no-any-return]  # whatever it returns is read with care


async def _acted(act: Act, asked: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(act) or inspect.iscoroutinefunction(type(act).__call__):
        return await act(asked)
    given = await _in_thread(act, asked)
    return await given if inspect.isawaitable(given) else given


async def _in_thread(act: Act, asked: dict[str, Any]) -> Any:
    """In a daemon thread, so that an agent that hangs past its time does not hold up the end."""
    done, box, token = anyio.Event(), dict[str, Any](), current_token()

    def work() -> None:
        try:
            box["given"] = act(asked)
        except BaseException as error:
            box["error"] = error
        _tell(done, token)

    Thread(target=copy_context().run, args=(work,), daemon=True).start()
    await done.wait()
    if "error" in box:
        raise box["error"]
    return box["given"]


def _tell(done: anyio.Event, token: EventLoopToken) -> None:
    try:
        run_sync(done.set, token=token)
    except RuntimeError:  # the run is over, and nobody waits
        pass


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
