"""Mistral: OpenAI's chats with call ids of nine signs, no text beside a call."""

import re
from collections.abc import Iterable, Mapping
from itertools import count

from headrace.exporters.call import calls
from headrace.exporters.formats.chat import Chat
from headrace.exporters.formats.chat_howto import WEIGHTS, Howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.row import Row
from headrace.lake.message import Body, digest

CHAT = Chat(plain_names=True)
ID = re.compile(r"[A-Za-z0-9]{9}")
CODE = """\
import os

from mistralai.client import Mistral  # version 2; in version 1: from mistralai import Mistral

client = Mistral(api_key=os.environ["MISTRAL_API_KEY"])
{files}
job = client.fine_tuning.jobs.create(
    model="open-mistral-nemo",
    training_files=[{{"file_id": train.id, "weight": 1}}],
{validation}    hyperparameters={{"training_steps": 100, "learning_rate": 0.0001}},
    suffix="{suffix}",
    auto_start=False,
)
print(job.id, job.status)  # when it is VALIDATED: client.fine_tuning.jobs.start(job_id=job.id)"""

UPLOAD = """\
{split} = client.files.upload(
    file={{"file_name": "{file}", "content": open("{file}", "rb")}}, purpose="fine-tune"
)"""


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    if any(len(set(ids)) < len(ids) for ids in map(_ids, row.messages)):
        lost("row_skipped:same_ids")  # nothing would tell the calls of the turn apart
        return
    for record in CHAT.records(row, lost):
        made = renamed(record["messages"])
        if any(old != new for old, new in made.items()):
            lost("ids_rewritten")
        messages = [_without_text(_renamed(one, made), lost) for one in record["messages"]]
        yield {**record, "messages": messages}


def pages(written: Written) -> Mapping[str, str]:
    howto = Howto(
        service="Mistral",
        about="Mistral calls fine-tuning deprecated and no longer supports it actively: see "
        "whether your account still has it. `pip install mistralai`; the model is an example.",
        checked="The rows were held against mistral-common 1.13.1, as its trainer checks them.",
        code=_code(written),
        notes=(
            WEIGHTS,
            "Call ids are nine letters and digits here. Ids that were otherwise are renamed within "
            "their row, the same in every build; calls and results keep their order, so that the "
            "rows in `data/` tell what each id was.",
            "A turn that calls has no text: Mistral takes one or the other.",
            "`training_steps` and `learning_rate` are yours to choose. A file may have 512 MB.",
        ),
    )
    return {HOWTO: howto.page(written)}


def renamed(messages: Iterable[Body]) -> dict[str, str]:
    """The ids of a row's calls, and what Mistral is told: its own form stays, none is there twice.

    The same ids in the same order are always renamed alike.
    """
    ids = dict.fromkeys(id for message in messages for id in _ids(message))
    made = {id: id for id in ids if ID.fullmatch(id)}
    for id in ids:
        if id not in made:
            made[id] = _free(id, set(made.values()))
    return made


def _free(id: str, taken: set[str]) -> str:
    names = (digest(f"{turn} {id}")[:9] for turn in count())
    return next(name for name in names if name not in taken)


def _ids(message: Body) -> list[str]:
    """What a message calls, or what it answers."""
    if message["role"] == "tool":
        return [str(message["tool_call_id"])]
    return [str(call["id"]) for call in calls([message])]


def _renamed(message: Body, made: Mapping[str, str]) -> Body:
    if message["role"] == "tool":
        return {**message, "tool_call_id": made[message["tool_call_id"]]}
    if not message.get("tool_calls"):
        return message
    return {**message, "tool_calls": [{**c, "id": made[c["id"]]} for c in message["tool_calls"]]}


def _without_text(message: Body, lost: Lost) -> Body:
    if not message.get("tool_calls") or "content" not in message:
        return message
    if message["content"]:
        lost("text_dropped")
    return {key: value for key, value in message.items() if key != "content"}


def _code(written: Written) -> str:
    files = [UPLOAD.format(split=s, file=file) for s, file in written.files.items()]
    return CODE.format(
        files="\n".join(files),
        validation="    validation_files=[test.id],\n" if "test" in written.files else "",
        suffix=written.shape.slug[:18],
    )
