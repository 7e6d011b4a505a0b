"""The shape of a text: its digits all alike, and cut where no date, id or number goes on.

What is masked by its characters' kinds is the same in all pieces of one shape, and pieces come
again and again: `0000-00-00` stands for every day.
"""

from collections.abc import Iterator

LONGEST = 64  # characters of a piece that comes again; longer ones are sentences

_END = '"'
_ENDS = "{}[]()$#;!?<>=&%\\|~`^'*@"  # no part of a date, an id or a number, nor of what bounds one
_SIGNS = "’‘“”–—•→…"  # the same; often all that keeps an English text from being ASCII
_ALIKE = str.maketrans({**dict.fromkeys("123456789", "0"), **dict.fromkeys(_ENDS, _END)})


def shape(text: str) -> str | None:
    """A normalised text as long as before; None where letters or digits are not all ASCII."""
    if not text.isascii():
        for sign in _SIGNS:
            text = text.replace(sign, _END)
    return text.translate(_ALIKE) if text.isascii() else None


def pieces(line: str) -> Iterator[tuple[int, str]]:
    """The pieces of a shape that hold a digit, and where each begins."""
    at, end = line.find("0"), 0
    while at >= 0:
        start = line.rfind(_END, end, at) + 1 or end
        end = line.find(_END, at)
        if end < 0:
            end = len(line)
        yield start, line[start:end]
        at = line.find("0", end)
