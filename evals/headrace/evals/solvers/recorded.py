"""Calls of tools as an episode recorded them, and the answers that stand for the tools."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

from headrace.evals.runs.toolcall import canonical
from headrace.lake.message import Body, text_of


def recorded_calls(messages: Sequence[Body]) -> list[dict[str, str]]:
    """The calls of a conversation that were answered: name, arguments and content, in order.

    A result belongs to the last call of its id, as some models count their ids anew each turn.
    """
    open_calls: dict[str, Mapping[str, str]] = {}
    found = []
    for body in messages:
        for call in body.get("tool_calls") or []:
            open_calls[call["id"]] = call["function"]
        call = open_calls.pop(body.get("tool_call_id") or "", None)
        if body["role"] == "tool" and call is not None:
            content = text_of(body.get("content"))
            found.append({"name": call["name"], "arguments": call["arguments"], "content": content})
    return found


class Recording:
    """The results of recorded calls, given out in the order of recording.

    The n-th call of a tool with the same arguments gets the n-th result; once they are used up,
    the last one again.
    """

    def __init__(self, calls: Iterable[Mapping[str, str]]) -> None:
        self._left: dict[str, deque[str]] = defaultdict(deque)
        self._names: set[str] = set()
        self.missed = 0  # calls that nobody recorded
        for call in calls:
            self._left[canonical(call["name"], call["arguments"])].append(call["content"])
            self._names.add(call["name"])

    def result(self, name: str, arguments: object) -> str | None:
        """What the tool said then; None where this call was never recorded."""
        results = self._left.get(canonical(name, arguments))
        if not results:
            self.missed += 1
            return None
        return results.popleft() if len(results) > 1 else results[0]

    def excuse(self, name: str) -> str:
        """What is said instead of a result."""
        if name in self._names:
            return f"no result: {name} was never called with these arguments in the recording"
        told = ", ".join(sorted(self._names)) or "none"
        return f"no result: {name} was never called in the recording; tools that were: {told}"
