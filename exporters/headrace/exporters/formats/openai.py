"""OpenAI: weights for single turns, pairs of single answers, tasks with a grader."""

from collections.abc import Iterable, Mapping

from headrace.exporters.formats.chat import Chat
from headrace.exporters.formats.dialect import Lost, Record, Shape, Written
from headrace.exporters.formats.openai_howto import Service
from headrace.exporters.row import Row

CHAT = Chat(
    speakers=True, flagged=True, instructs="developer", plain_names=True, most_tools=128
)  # fmt: skip
ABOUT = (
    "OpenAI winds fine-tuning down. Organisations that never used it cannot start since 2026-05-07,"
    " those that have not called a fine-tuned model for 60 days cannot since 2026-07-02, and the "
    "last new jobs are reported for 2027-01-06; models stay as long as those they are based on. "
    "Azure, Fireworks and Together take nearly the same file: build their format beside this one."
)
SERVICE = Service(name="OpenAI", about=ABOUT, client="client = OpenAI()  # reads OPENAI_API_KEY")


def records(row: Row, shape: Shape, lost: Lost) -> Iterable[Record]:
    return CHAT.records(row, lost)


def pages(written: Written) -> Mapping[str, str]:
    return SERVICE.pages(written)
