"""ShareGPT: turns of human and gpt with a text each, which nearly every trainer reads."""

import json
from collections.abc import Iterable, Mapping

from headrace.exporters.formats import llamafactory_howto
from headrace.exporters.formats.context import lessons
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.flat import FAMILY, flat
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.formats.trainer_howto import Block, Howto
from headrace.exporters.row import Row
from headrace.lake.message import Body

NAMES = {"system": "system", "user": "human", "assistant": "gpt"}


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    """There is no mask: where one turn must not train, the whole set becomes conversations that
    end on the turn to train."""
    said = lessons(row, lost) if shape.masked else [flat(row.messages, row.tools, lost)]
    for messages in said:
        yield {"conversations": [_turn(message) for message in messages]}


def pages(written: Written) -> Mapping[str, str]:
    howto = Howto(
        trainer="files in ShareGPT's shape",
        tried="Nearly every trainer reads them. With LLaMA-Factory, of which 0.9.5 was tried: save "
        "this as `train.yaml` in this folder, where `dataset_info.json` is, and run "
        "`llamafactory-cli train train.yaml` there.",
        blocks=[Block(language="yaml", code="\n".join(llamafactory_howto.settings(written)))],
        room="`cutoff_len`; look up what your trainer does with longer ones.",
        notes=[*_notes(written)],
    )
    info = json.dumps(_info(written), indent=2)
    return {HOWTO: howto.page(written), "dataset_info.json": f"{info}\n"}


def _info(written: Written) -> Record:
    """What names the files to LLaMA-Factory."""
    return {
        llamafactory_howto.name(written, split): {
            "file_name": file,
            "formatting": "sharegpt",
            "columns": {"messages": "conversations"},
        }
        for split, file in written.files.items()
    }


def _turn(message: Body) -> Body:
    return {"from": NAMES.get(message["role"], message["role"]), "value": message["content"]}


def _notes(written: Written) -> Iterable[str]:
    if written.shape.masked:
        yield (
            "Train the last turn of each row alone. Some turns of these conversations are context "
            "only, so there is a row for each turn to train, which ends on it; a trainer that "
            "trains every turn would learn what it must not, and the rest again and again. In "
            "LLaMA-Factory that is `mask_history`."
        )
    else:
        yield "Every turn of `gpt` trains."
    yield "LLaMA-Factory skips conversations in which `human` and `gpt` do not alternate."
    if written.shape.tools:
        yield (
            "Tools, calls and results are text, written as the templates of "
            f"{FAMILY} write them: train a model of that family."
        )
