"""TRL: arguments as objects, empty text for a turn of calls alone, no mask for single turns."""

import json
from collections.abc import Iterable, Mapping

from headrace.exporters.formats import trl_grpo_howto, trl_howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.said import margin, turns, with_objects
from headrace.exporters.row import Row


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """TRL trains every assistant turn of `messages` or none, so where one turn must not train, the
    whole set becomes prompts with one turn as completion: a file of two shapes does not load."""
    tools = {"tools": row.tools and json.loads(row.tools)} if shape.tools else {}
    for record in _RECORDS[row.objective](row, shape, lost):
        yield {**record, **tools}


def pages(written: Written) -> Mapping[str, str]:
    made = trl_grpo_howto if written.shape.objective == "rl" else trl_howto
    return {HOWTO: made.howto(written)}


def _sft(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    if not shape.masked:
        yield {"messages": with_objects(row.messages, lost)}
        return
    lost("mask_unrolled")
    for prompt, turn in turns(row):
        yield {"prompt": with_objects(prompt, lost), "completion": with_objects((turn,), lost)}


def _kto(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    yield {
        "prompt": with_objects(row.prompt, lost),
        "completion": with_objects(row.completion, lost),
        "label": row.label,
    }


def _dpo(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    yield {
        "prompt": with_objects(row.prompt, lost),
        "chosen": with_objects(row.chosen, lost),
        "rejected": with_objects(row.rejected, lost),
    }


def _rm(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """Whole dialogues: `RewardTrainer` reads no prompt apart from them."""
    yield {
        "chosen": with_objects((*row.prompt, *row.chosen), lost),
        "rejected": with_objects((*row.prompt, *row.rejected), lost),
        **margin(row, shape, lost),
    }


def _rl(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """All columns of a row reach the reward function. GRPO reads no tools: the page's program puts
    those of a row into its prompt, in the words of the model's own template."""
    yield {
        "prompt": with_objects(row.prompt, lost),
        **row.task,
    }


_RECORDS = {"sft": _sft, "kto": _kto, "dpo": _dpo, "rm": _rm, "rl": _rl}
