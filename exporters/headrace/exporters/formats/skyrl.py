"""SkyRL: role and content alone, in the flat view; tasks for an environment of one turn."""

from collections.abc import Iterable, Mapping

from headrace.exporters.formats import skyrl_howto
from headrace.exporters.formats.context import lessons, question
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.flat import flat
from headrace.exporters.row import Row


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """Files are read with guessed types, which fill the arguments of calls with nulls: hence text.

    SkyRL trains all assistant turns or the last alone. Where one must not train, the whole set
    becomes conversations that end on the turn to train.
    """
    if row.objective == "rl":
        yield from _rl(row, shape, lost)
    elif shape.masked:
        yield from ({"messages": messages} for messages in lessons(row, lost))
    else:
        yield {"messages": flat(row.messages, row.tools, lost)}


def pages(written: Written) -> Mapping[str, str]:
    return skyrl_howto.pages(written)


def _rl(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """Every column but the first three reaches the environment."""
    if (prompt := question(row, lost)) is None:
        return
    yield {
        "data_source": f"{shape.slug}/{row.scorer}",
        "prompt": prompt,
        "env_class": skyrl_howto.ENVIRONMENT,
        "reward_spec": {"method": "rule", "ground_truth": row.reference},
        "extra_info": row.about,
    }
