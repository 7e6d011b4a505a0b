"""What the pages of several trainers tell of files in the flat view, and of tasks."""

from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.flat import FAMILY

MODEL = "Qwen/Qwen2.5-0.5B-Instruct"  # of the examples; of the family of the view
FLAT = (
    f"Tools, calls and results are text, as the templates of {FAMILY} write them: train a model of "
    "that family, for another would learn to call tools in words that its server does not read."
)
UNROLLED = (
    "One row per trained turn, which ends on it: some turns of these conversations are context "
    "only, and the trainer cannot mark them."
)
SCORER = (
    "The reward is the scorer of the evaluation, from `headrace.evals.rewards`: "
    "`pip install 'headrace[evals]'` where the training runs. It reads calls in the text of an "
    "answer and leaves reasoning aside."
)
RATES = (
    "`pass_rate` is the share of `samples` that `policy` got right in production, null where "
    "nobody knows. A prompt that always or never passes teaches nothing."
)


def batch(written: Written, most: int = 64) -> int:
    """Prompts of a step: a power of two, and no more than there are."""
    rows = max(written.records.get("train", 0), 1)
    return int(2 ** (min(rows, most).bit_length() - 1))


def files(written: Written, train: str, test: str) -> list[str]:
    """A setting for each file that there is."""
    named = {"train": train, "test": test}
    return [f"{named[split]}{file}" for split, file in written.files.items()]


def command(first: str, settings: list[str]) -> str:
    """A shell command, a setting a line."""
    return " \\\n    ".join([first, *settings])
