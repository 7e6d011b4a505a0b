"""What is read and not trained, in the flat view: the prompts of pairs and of tasks."""

from headrace.exporters.formats.dialect import Lost
from headrace.exporters.formats.flat import flat
from headrace.exporters.formats.said import turns
from headrace.exporters.row import Messages, Row
from headrace.lake.message import Body

_READ = {"calls_flattened": "context_flattened"}


def context(messages: Messages, tools: str | None, lost: Lost) -> list[Body]:
    """A prompt in the flat view, where calls are told as `context_flattened`, not as
    `calls_flattened`: nobody scores them. They are harmless, for a model of the family of the
    view reads the tokens that it meets when it is served, and one of another learns none."""
    return flat(messages, tools, lambda code: lost(_READ.get(code, code)))


def question(row: Row, lost: Lost) -> list[Body] | None:
    """The prompt of a task; none, and the reason told, where the turn is not the policy's.

    Where calls are right, the policy writes them as the view does, in the words of one family,
    and is trained to: that is `calls_flattened` and stops a build.
    """
    if not row.prompt or row.prompt[-1]["role"] == "assistant":
        lost("row_skipped:role_order")
        return None
    if wants_calls(row):
        lost("calls_flattened")
    return context(row.prompt, row.tools, lost)


def lessons(row: Row, lost: Lost) -> list[list[Body]]:
    """Each trained turn of a conversation, at the end of all that was said before it."""
    lost("mask_unrolled")
    return [
        [*context(prompt, row.tools, lost), *flat((turn,), None, lost)]
        for prompt, turn in turns(row)
    ]


def wants_calls(row: Row) -> bool:
    """Whether what is right are calls of tools; options and versions of a scorer follow its name
    after `:` and `@`."""
    return (row.scorer or "").partition(":")[0].partition("@")[0] == "tool_calls"
