"""One generation with the tools of the case on offer, none of them run."""

from collections.abc import Sequence

from inspect_ai.model import ChatMessage, Model, ModelOutput, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolInfo
from tenacity import RetryError

from headrace.evals.solvers.blame import Unmeasured
from headrace.evals.solvers.chat import tool_infos
from headrace.evals.solvers.told import answered_in, tell


@solver
def answer() -> Solver:
    """Ask once; the tool definitions stand in the sample's metadata as `tools`."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        await ask(state)
        return state

    return solve


async def ask(state: TaskState) -> ModelOutput:
    """One turn of the model under test, put at the end of the conversation and counted."""
    tools = tool_infos(state.metadata.get("tools") or [])
    state.output = await generated(get_model(), state.messages, tools)
    _count(state, state.output)
    if state.output.choices:
        state.messages.append(state.output.message)
    return state.output


async def generated(
    model: Model, messages: Sequence[ChatMessage], tools: Sequence[ToolInfo] = ()
) -> ModelOutput:
    """What a model says. Raises Unmeasured where its provider did not answer in all tries."""
    try:
        return await model.generate(list(messages), tools=list(tools))
    except RetryError as error:  # it names nothing but an address in memory
        last = error.last_attempt.exception()
        tries = error.last_attempt.attempt_number
        why = f"{type(last).__name__}: {last}".rstrip(": ")
        raise Unmeasured(f"{model} did not answer in {tries} tries: {why}") from last


def _count(state: TaskState, output: ModelOutput) -> None:
    known, used = answered_in(state.metadata), output.usage
    if output.time:  # of the call that was answered: no waiting, no attempt before it
        tell(state, latency_ms=(known.latency_ms or 0.0) + round(output.time * 1000, 3))
    if used is None:
        return
    read, written = used.input_tokens_cache_read or 0, used.input_tokens_cache_write or 0
    tell(
        state,
        input_tokens=(known.input_tokens or 0) + used.input_tokens + read + written,
        output_tokens=(known.output_tokens or 0) + used.output_tokens,
        cached_tokens=(known.cached_tokens or 0) + read,
        cache_write_tokens=(known.cache_write_tokens or 0) + written,
    )
