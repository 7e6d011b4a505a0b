"""Parts that the pages of several dialects share."""

from headrace.exporters.formats.dialect import Written
from headrace.exporters.formats.loss import words

HOWTO = "HOWTO.md"
CHARS_PER_TOKEN = 4


def tokens(written: Written) -> int:
    """Of the longest record, estimated from its characters."""
    return -(-written.longest // CHARS_PER_TOKEN)


def room(written: Written) -> int:
    """The next power of two above the estimate and a quarter, for it is an estimate."""
    told = tokens(written)
    return int(2 ** max(10, (told + told // 4).bit_length()))


def counts(written: Written) -> str:
    """`train: 3 rows, test: 1 rows.`"""
    return ", ".join(f"{split}: {count} rows" for split, count in written.records.items()) + "."


def losses(written: Written) -> str:
    """A line for each loss."""
    lines = [
        f"* `{one.code}`, {one.count} rows{_words(one.code)}; for instance {', '.join(one.row_ids)}"
        for one in written.loss.losses
    ]
    return "\n".join(lines) or "Nothing."


def _words(code: str) -> str:
    told = words(code)
    return f": {told}" if told else ""


def kto_weight(written: Written) -> float:
    """The desirable weight that puts weight x good / bad into 1 to 4/3 (Eq. 8 of 2402.01306)."""
    good, bad = written.shape.desirable, written.shape.undesirable
    if not good or bad <= good <= bad * 4 / 3:
        return 1.0
    return max(round(bad / good * 7 / 6, 2), 0.01)
