"""Together: OpenAI's chats and pairs, no column beside them, no reasoning."""

from collections.abc import Iterable, Mapping

from headrace.exporters.formats.chat import Chat
from headrace.exporters.formats.chat_howto import SIDES, WEIGHTS, Howto
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.page import HOWTO
from headrace.exporters.row import Row

CHAT = Chat(one_system=True, ordered=True)
MODEL = "Qwen/Qwen3-8B"
EVALS = 5  # how often the validation file is looked at


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    return CHAT.records(row, lost)


def pages(written: Written) -> Mapping[str, str]:
    pairs = written.shape.objective == "dpo"
    howto = Howto(
        service="Together",
        about="`pip install together`, and set `TOGETHER_API_KEY`. The model is an example: with "
        "tools it has to be one that Together lists for function calling.",
        checked="The rows were held against the checks of the client together 2.13.0.",
        language="bash",
        code=_code(written),
        notes=(
            SIDES if pairs else WEIGHTS,
            "`files upload` tells the id of a file, which goes into the last command. Clients 2.10 "
            "to 2.14 check the rows first; later ones leave that to the server.",
            "Together's pages ask for turns of user and assistant that alternate; its client does "
            "not check it, and conversations where one speaks twice are written as they are.",
            "No reasoning is written: a model that thinks may forget how, one that only answers "
            "will not.",
        ),
    )
    return {HOWTO: howto.page(written)}


def _code(written: Written) -> str:
    files = [f"together files upload {file}" for file in written.files.values()]
    job = [
        "together fine-tuning create",
        f"--model {MODEL}",
        f"--training-method {written.shape.objective}",
        f"--suffix {written.shape.slug[:40]}",
        "--training-file TRAIN_ID",
    ]
    if "test" in written.files:
        job.append(f"--validation-file TEST_ID --n-evals {EVALS}")
    return "\n".join([*files, " \\\n  ".join(job)])
