"""prime-rl and verifiers: conversations with JSON text for arguments; tasks in the flat view."""

from collections.abc import Iterable, Mapping

from headrace.exporters.formats import prime_howto
from headrace.exporters.formats.context import question
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.said import with_texts
from headrace.exporters.row import Row
from headrace.lake.message import Body


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """prime-rl masks by role, in prompts as well: every assistant turn of a row trains, so that a
    conversation with a turn that must not train cannot be said."""
    if row.objective == "rl":
        yield from _rl(row, lost)
    elif row.is_masked:
        lost("row_skipped:mask_inexpressible")
    else:
        tools = {"tools": row.tools} if shape.tools else {}
        yield {"messages": with_texts(row.messages, lost), **tools}


def pages(written: Written) -> Mapping[str, str]:
    return prime_howto.pages(written)


def _rl(row: Row, lost: Lost) -> Iterable[Record]:
    """Tools reach a harness from servers alone, and nothing here serves those of production: their
    definitions are text. A system message has a column of its own and is the first."""
    if not _opens(row.prompt):
        lost("row_skipped:role_order")
        return
    if (told := question(row, lost)) is None:
        return
    system = [message["content"] for message in told if message["role"] == "system"]
    yield {
        "id": row.row_id,
        "prompt": [message for message in told if message["role"] != "system"],
        "system_prompt": system[0] if system else None,
        **row.task,
    }


def _opens(prompt: Iterable[Body]) -> bool:
    """Whether somebody speaks, and no system message after the first message."""
    roles = [message["role"] for message in prompt]
    return "system" not in roles[1:] and roles not in ([], ["system"])
