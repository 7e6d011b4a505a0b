"""The page beside the files of a trainer that runs on one's own machines."""

import textwrap
from collections.abc import Sequence

import msgspec

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written

PAGE = """\
# Train with {trainer}

{tried}

{blocks}

{counts}

{notes}

## What this format could not say

{losses}
"""

SIDES = "Each side is one assistant message: no tool result and no user turn is scored."
MODEL = "Qwen/Qwen3-0.6B"  # of the examples
# Files without types of their own are read a block at a time, and the first block decides.
GUESSED = (
    "Types are guessed from the first ten million bytes. A key that no line of these has, such as "
    "a tool call or a `name`, stops loading with `Couldn't cast`: move a line that has it to the "
    "top of the file."
)
RATED = (
    "Types are guessed from the first ten million bytes. Where `pass_rate` or `policy` is null in "
    "all of these and known later, loading stops with `Couldn't cast`: move a line that knows both "
    "to the top of the file."
)


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Lines to copy, and what they are."""

    language: str
    code: str
    about: str = ""

    @property
    def text(self) -> str:
        fenced = f"```{self.language}\n{self.code}\n```"
        return f"{filled(self.about)}\n\n{fenced}" if self.about else fenced


class Howto(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one trainer."""

    trainer: str
    tried: str  # with what the lines ran, and where to run them
    blocks: Sequence[Block]
    room: str  # the setting that holds the longest row, and what becomes of longer ones
    notes: Sequence[str] = ()

    def page(self, written: Written) -> str:
        """HOWTO.md for what was written."""
        length = (
            f"The longest row has about {page.tokens(written)} tokens (characters / 4, tool "
            f"definitions included), hence {self.room}"
        )
        return PAGE.format(
            trainer=self.trainer,
            tried=filled(self.tried),
            blocks="\n\n".join(block.text for block in self.blocks),
            counts=page.counts(written),
            notes="\n".join(filled(f"* {note}", "  ") for note in (length, *self.notes)),
            losses=page.losses(written),
        )


def filled(text: str, indent: str = "") -> str:
    """Text in lines of a hundred characters."""
    return textwrap.fill(
        text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
