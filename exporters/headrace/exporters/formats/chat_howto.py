"""The page beside files in OpenAI's chat shape: the lines that upload them and start a job."""

import textwrap

import msgspec

from headrace.exporters.formats import page
from headrace.exporters.formats.dialect import Written

PAGE = """\
# Train at {service}

{about}

{checked} Nothing was sent there.

```{language}
{code}
```

{counts}

{notes}
* The longest row has about {tokens} tokens (characters / 4, tool definitions included): choose a
  model that trains on as many.

## What this format could not say

{losses}
"""

WEIGHTS = "`weight` 0 marks what is context only and must not train."
SIDES = "Each side is one assistant message: no tool result and no user turn is compared."
GRADER = (
    "`reference` is the right text, or for the scorer `tool_calls` the right calls with their "
    "arguments as JSON text; `pass_rate` is the share of `samples` that `policy` got right in "
    "production, `null` where nobody knows."
)


class Howto(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one service."""

    service: str
    about: str  # where to begin, and what may have ended
    checked: str  # what the rows were held against, a sentence
    code: str
    language: str = "python"
    notes: tuple[str, ...] = ()

    def page(self, written: Written) -> str:
        """HOWTO.md for what was written."""
        return PAGE.format(
            service=self.service,
            about=_filled(self.about),
            checked=self.checked,
            language=self.language,
            code=self.code,
            counts=page.counts(written),
            notes="\n".join(_filled(f"* {note}", "  ") for note in self.notes),
            tokens=page.tokens(written),
            losses=page.losses(written),
        )


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
