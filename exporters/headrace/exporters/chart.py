"""Bars as SVG for the card: a picture of its own, the same bytes from the same counts."""

from collections.abc import Mapping
from html import escape

WIDTH, LABEL, BAR, GAP, HEAD = 640, 190, 18, 8, 44  # pixels
COLOURS = ("#2563a8", "#d9822b")  # of the first side and the second
INK, PAPER = "#1f2933", "#ffffff"  # paper of its own: the Hub has dark pages too
SHOWN = 30  # signs of a label; more would leave the picture
_FONT = "font-family='sans-serif' font-size='12'"

Counts = Mapping[str, Mapping[str, int]]  # side -> what is counted -> how many


def bars(title: str, counts: Counts) -> str:
    """A bar for each thing that is counted and each side, longest of all across the picture."""
    names = list(dict.fromkeys(name for side in counts.values() for name in side))
    most = max([1, *(n for side in counts.values() for n in side.values())])
    height = HEAD + len(names) * (len(counts) * BAR + GAP) + GAP
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{escape(title, quote=True)}'>",
        f"<rect width='{WIDTH}' height='{height}' fill='{PAPER}'/>",
        _text(GAP, 18, title, weight=" font-weight='bold'"),
        *_legend(list(counts)),
    ]
    top = HEAD
    for name in names:
        label = name if len(name) <= SHOWN else name[: SHOWN - 1] + "…"
        parts.append(_text(LABEL - GAP, top + len(counts) * BAR // 2 + 2, label, anchor="end"))
        for at, side in enumerate(counts.values()):
            parts += _bar(top + at * BAR, side.get(name, 0), most, COLOURS[at % 2])
        top += len(counts) * BAR + GAP
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(top: int, count: int, most: int, colour: str) -> list[str]:
    long = (WIDTH - LABEL - 70) * count // most
    return [
        f"<rect x='{LABEL}' y='{top}' width='{long}' height='{BAR - 3}' fill='{colour}'/>",
        _text(LABEL + long + 5, top + 12, f"{count:,}"),
    ]


def _legend(sides: list[str]) -> list[str]:
    found = []
    for at, side in enumerate(sides):
        left = LABEL + at * 90
        found.append(f"<rect x='{left}' y='26' width='10' height='10' fill='{COLOURS[at % 2]}'/>")
        found.append(_text(left + 15, 35, side))
    return found


def _text(x: int, y: int, text: str, anchor: str = "start", weight: str = "") -> str:
    return (
        f"<text x='{x}' y='{y}' text-anchor='{anchor}' fill='{INK}' {_FONT}{weight}>"
        f"{escape(text)}</text>"
    )
