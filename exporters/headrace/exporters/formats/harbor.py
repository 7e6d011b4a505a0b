"""Harbor: a folder for each task, whose instruction shows the conversation and whose tests ask the
scorer of the evaluation."""

import re
from collections.abc import Iterable, Mapping, Sequence

from headrace.exporters.call import text
from headrace.exporters.formats import harbor_howto
from headrace.exporters.formats.context import question
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.row import Row
from headrace.lake.message import Body

FENCE = 3  # backticks at least


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """An agent in a box reads one text and writes one file. That the conversation is quoted there
    is told as `roles_flattened`, and harmless as `context_flattened` is: it is read and not
    trained."""
    if (prompt := question(row, lost)) is None:
        return
    lost("roles_flattened")
    yield {"name": row.row_id, "files": _files(row, prompt)}


def pages(written: Written) -> Mapping[str, str]:
    return {HOWTO: harbor_howto.howto(written)}


def _files(row: Row, prompt: Sequence[Body]) -> Mapping[str, str]:
    case = {"task_id": row.task_id, "scorer": row.scorer, "reference": row.reference}
    return {
        "instruction.md": _instruction(prompt, tools=row.tools is not None),
        "task.toml": _settings(row),
        "environment/Dockerfile": harbor_howto.DOCKERFILE,
        "tests/test.sh": harbor_howto.TEST,
        "tests/score.py": harbor_howto.SCORE,
        "tests/case.json": f"{text(case)}\n",
    }


def _instruction(prompt: Sequence[Body], *, tools: bool) -> str:
    """What the agent is told. No text ends its fence, for no text has one as long."""
    runs = re.findall("`+", "\n".join(message["content"] for message in prompt))
    fence = "`" * max(FENCE, *(len(run) + 1 for run in runs), 0)
    said = [f"## {m['role']}\n\n{fence}text\n{m['content']}\n{fence}\n" for m in prompt]
    about = [harbor_howto.ABOUT, *([harbor_howto.CALLS] if tools else [])]
    return "\n".join([*about, *said])


def _settings(row: Row) -> str:
    known = row.about.items()
    metadata = [f"{key} = {_toml(value)}" for key, value in known if value is not None]
    return harbor_howto.SETTINGS.format(name=row.row_id, metadata="\n".join(metadata))


def _toml(value: object) -> str:
    """JSON, but for one character that TOML wants escaped."""
    return text(value).replace("\x7f", "\\u007f")
