"""OpenRLHF: role and content alone, in the flat view; labels that a reward function reads."""

from collections.abc import Iterable, Mapping

from headrace.exporters.call import text
from headrace.exporters.formats import openrlhf_howto
from headrace.exporters.formats.context import context, lessons, question
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.flat import flat
from headrace.exporters.formats.said import margin
from headrace.exporters.row import Row

IMAGE = "<image>"  # in a prompt OpenRLHF puts a picture in its place


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """With `--data.multiturn` every assistant turn trains and without it the last alone: where one
    turn must not train, the whole set becomes conversations that end on the turn to train."""
    return _RECORDS[row.objective](row, shape, lost)


def pages(written: Written) -> Mapping[str, str]:
    return openrlhf_howto.pages(written)


def _sft(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    if not shape.masked:
        yield {"messages": flat(row.messages, row.tools, lost)}
        return
    for messages in lessons(row, lost):
        yield {"messages": messages}


def _dpo(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    yield {
        "prompt": context(row.prompt, row.tools, lost),
        "chosen": flat(row.chosen, None, lost),
        "rejected": flat(row.rejected, None, lost),
    }


def _rm(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    for record in _dpo(row, shape, lost):
        yield {**record, **margin(row, shape, lost)}


def _rl(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """A label is one text, and nothing else reaches the reward function."""
    if any(IMAGE in (message.get("content") or "") for message in row.prompt):
        lost("row_skipped:reserved_token")
        return
    if (prompt := question(row, lost)) is None:
        return
    yield {"input": prompt, "label": text(row.task), "datasource": f"{shape.slug}/{row.scorer}"}


_RECORDS = {"sft": _sft, "dpo": _dpo, "rm": _rm, "rl": _rl}
