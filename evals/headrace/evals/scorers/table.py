"""The scorers that a case may name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from headrace.evals.errors import UnknownScorer
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.exact import exact
from headrace.evals.scorers.includes import includes
from headrace.evals.scorers.json_schema import json_schema
from headrace.evals.scorers.match import match
from headrace.evals.scorers.option import Options
from headrace.evals.scorers.regex import regex
from headrace.evals.scorers.tool_calls import tool_calls

Grade = Callable[[Answer, str, Options], bool]


class Scorer(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table. Raise `version` when the rule changes: the series then begins anew."""

    name: str
    about: str
    grade: Grade | None = None  # None: a judge grades it
    options: frozenset[str] = frozenset()
    version: int = 1


class Scoring(msgspec.Struct, frozen=True, kw_only=True):
    """A scorer with the options that a case asks of it."""

    scorer: Scorer
    options: Options = frozenset()

    @property
    def identity(self) -> str:
        """What scores are filed under: `match`, `tool_calls:in_order,names`, `match@2`."""
        version = f"@{self.scorer.version}" if self.scorer.version > 1 else ""
        told = ":" + ",".join(sorted(self.options)) if self.options else ""
        return f"{self.scorer.name}{version}{told}"

    @property
    def is_judged(self) -> bool:
        return self.scorer.grade is None


SCORERS: Mapping[str, Scorer] = MappingProxyType(
    {
        row.name: row
        for row in (
            Scorer(name="exact", about="the same text, to the character", grade=exact),
            Scorer(name="match", about="the same text but for case, space and form", grade=match),
            Scorer(name="includes", about="the target stands in the answer", grade=includes),
            Scorer(
                name="regex",
                about="the answer holds the regular expression",
                grade=regex,
                options=frozenset({"full"}),
            ),
            Scorer(
                name="json_schema",
                about="the answer is JSON for which the schema holds",
                grade=json_schema,
                options=frozenset({"fenced"}),
            ),
            Scorer(
                name="tool_calls",
                about="the calls that were wanted and no others",
                grade=tool_calls,
                options=frozenset({"names", "in_order", "more"}),
            ),
            Scorer(
                name="graded",
                about="a judge says whether the answer meets the target or the rubric",
                options=frozenset({"partial"}),
            ),
        )
    }
)


def scoring(text: str) -> Scoring:
    """The scorer that a case names as `NAME`, `NAME:OPTION,OPTION` or by its identity.

    Raises UnknownScorer with the names there are.
    """
    found = _found(text)
    if found is None:
        known = ", ".join(
            f"{row.name}:{'|'.join(sorted(row.options))}" if row.options else row.name
            for row in SCORERS.values()
        )
        raise UnknownScorer(f"no scorer {text!r}; there are, with their options: {known}")
    return found


def is_known(text: str | None) -> bool:
    """Whether a case that names this scorer can be scored here."""
    return text is not None and _found(text) is not None


def _found(text: str) -> Scoring | None:
    head, _, told = text.partition(":")
    name, _, version = head.partition("@")
    row = SCORERS.get(name)
    options = frozenset(filter(None, told.split(",")))
    if row is None or not options <= row.options or not _was(row, version):
        return None
    return Scoring(scorer=row, options=options)


def _was(row: Scorer, version: str) -> bool:
    """Whether a scorer has had a version; the first one goes without saying."""
    return version == "" or (version.isdecimal() and 1 < int(version) <= row.version)
