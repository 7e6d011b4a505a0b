"""A model with the tools of the case, answered from the recorded episode."""

from inspect_ai.model import ChatMessageTool
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolCall, ToolCallError

from headrace.evals.solvers.answer import ask
from headrace.evals.solvers.recorded import Recording
from headrace.evals.solvers.told import UNRECORDED

MESSAGES = 50  # that may follow the question, results of tools counted


@solver
def replay(message_limit: int = MESSAGES) -> Solver:
    """Let the model call tools until it answers; `recorded` in the metadata says what they said.

    A call that was never recorded gets an error that says so, and the model goes on: to leave the
    recorded path is the product's doing, no failure of the measurement. So is to reach the limit,
    which scores 0.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        recording = Recording(state.metadata.get("recorded") or [])
        if state.message_limit is None:
            state.message_limit = len(state.messages) + message_limit
        while calls := await _calls(state):
            state.messages.extend(_result(call, recording) for call in calls)
            state.metadata[UNRECORDED] = recording.missed
        return state

    return solve


async def _calls(state: TaskState) -> list[ToolCall]:
    output = await ask(state)
    return (output.message.tool_calls or []) if output.choices else []


def _result(call: ToolCall, recording: Recording) -> ChatMessageTool:
    if call.parse_error:
        return _failed(call, ToolCallError(type="parsing", message=call.parse_error))
    found = recording.result(call.function, call.arguments)
    if found is None:
        said = recording.excuse(call.function)
        return _failed(call, ToolCallError(type="unknown", message=said))
    return ChatMessageTool(content=found, tool_call_id=call.id, function=call.function)


def _failed(call: ToolCall, error: ToolCallError) -> ChatMessageTool:
    return ChatMessageTool(
        content=error.message, tool_call_id=call.id, function=call.function, error=error
    )
