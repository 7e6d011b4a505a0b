"""The pictures of a card: where outcomes come from, how long rows are."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from headrace.exporters.chart import Counts, bars
from headrace.exporters.manifest import Manifest

OUTCOMES, LENGTHS = "charts/outcomes.svg", "charts/lengths.svg"
TITLES: Mapping[str, str] = MappingProxyType(
    {OUTCOMES: "Episodes by the source of their outcome", LENGTHS: "Rows by length in tokens"}
)


def charts(made: Manifest) -> dict[str, str]:
    """The pictures by the name of their file."""
    sides = [split for split, count in made.splits.items() if count]
    counts: dict[str, Counts] = {
        OUTCOMES: {split: made.audit.outcomes.get(split, {}) for split in sides},
        LENGTHS: {split: _counts(made.lengths.get(split, ()), _steps(made)) for split in sides},
    }
    return {file: bars(TITLES[file], counts[file]) for file in (OUTCOMES, LENGTHS)}


def shown(file: str) -> str:
    """The line that shows a picture on a page."""
    return f"![{TITLES[file]}]({file})"


def lengths(made: Manifest) -> str:
    """The picture of lengths and its numbers."""
    lines = ["| split | tokens | rows |", "| --- | --- | --- |"]
    for split, side in made.lengths.items():
        counts = _counts(side, _steps(made))
        lines += [f"| {split} | {step} | {count} |" for step, count in counts.items() if count]
    said = "A token is taken to be four characters; tool definitions count."
    return "\n".join([shown(LENGTHS), "", *lines, "", said])


def _steps(made: Manifest) -> range:
    """The powers of two from the shortest row to the longest, those without a row too."""
    held = [n for side in made.lengths.values() for n, count in enumerate(side) if count]
    return range(min(held, default=0), max(held, default=-1) + 1)


def _counts(side: Sequence[int], steps: range) -> dict[str, int]:
    """Rows by their tokens, from a power of two up to the next."""
    return {_span(n): side[n] if n < len(side) else 0 for n in steps}


def _span(n: int) -> str:
    return f"{2 ** (n - 1):,} to {2**n - 1:,}" if n > 1 else str(n)
