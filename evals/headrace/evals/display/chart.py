"""Charts that can be read alone: pictures drawn without a browser, pages without a network."""

import html
import json
import textwrap
from pathlib import Path

import altair as alt
import polars as pl
from vl_convert import javascript_bundle

from headrace.evals.errors import EvalError

INK, LINE, SHADE, BAND = "#1f2933", "#2563a8", "#e4e8ed", "#c3d1e0"
_NOTE = (
    "Bars: 95 % intervals, clusters respected. Filled: mean over the cases that all shaded "
    "releases share; hollow: over a release's own cases. "
)

# the editor of the menu would send the chart to a server
_EMBED = {"renderer": "svg", "actions": {"source": False, "compiled": False, "editor": False}}


class UnknownPicture(EvalError):
    """A chart cannot be written under that file name."""


def trend_chart(frame: pl.DataFrame, *, delta: float, title: str, words: str) -> alt.LayerChart:
    """Release means with intervals; the comparable window with +- delta around its mean.

    `frame` is that of a `Trend`, `title` and `words` say suite, scorer and verdict.
    """
    rows = _drawn(frame)
    layers = [*_window_layers(rows, delta), *_mean_layers(rows)]
    return alt.LayerChart(
        layer=layers,
        width=700,
        height=340,
        title=_title(title, words, delta),
        background="white",
        padding=16,
        config=alt.Config(font="sans-serif", view=alt.ViewConfig(stroke=None)),
    )


def save(chart: alt.TopLevelMixin, path: Path | str) -> Path:
    """Write a chart as `.html`, `.svg` or `.png`, by the name's ending. Raises UnknownPicture.

    The HTML page holds all that it needs: it opens without a network.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".html", ".svg", ".png"):
        raise UnknownPicture(
            f"{path.name!r} is no .html, .svg or .png: give the chart one of these names"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == ".html":
        path.write_text(_page(chart), encoding="utf-8")
    else:
        chart.save(str(path), scale_factor=1 if kind == ".svg" else 2)
    return path


def _page(chart: alt.TopLevelMixin) -> str:
    """A page of its own; no name of a release can end a script, for every `<` is escaped."""
    spec = chart.to_dict()
    drawn = json.dumps(spec).replace("<", "\\u003c")
    title = html.escape(str(spec.get("title", {}).get("text", "trend")))
    library = javascript_bundle("window.vegaEmbed = vegaEmbed")
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<div id="chart"></div>\n<script>{library}</script>\n'
        f'<script>vegaEmbed("#chart", {drawn}, {json.dumps(_EMBED)})</script>\n</html>\n'
    )


def _drawn(frame: pl.DataFrame) -> pl.DataFrame:
    """What is shown of each release: shared cases in the window, its own outside."""
    shown = (pl.coalesce(f"shared_{name}", name).alias(name) for name in ("mean", "low", "high"))
    placed = frame.with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    return placed.select("place", "release", "compared", "cases", *shown)


def _window_layers(rows: pl.DataFrame, delta: float) -> list[alt.Chart]:
    """Where the verdict looked, and how far a mean may lie there without mattering."""
    bottom, top = _ends(rows)
    span = rows.filter("compared").select(
        first=pl.col("place").min() - 0.4,
        last=pl.col("place").max() + 0.4,
        low=(pl.col("mean").mean() - delta).clip(bottom, top),
        high=(pl.col("mean").mean() + delta).clip(bottom, top),
    )
    if span["first"].null_count():
        return []
    area = alt.Chart(span).encode(x="first:Q", x2="last:Q")
    return [
        area.mark_rect(color=SHADE, opacity=0.5),
        area.mark_rect(color=BAND, opacity=0.8).encode(y="low:Q", y2="high:Q"),
    ]


def _mean_layers(rows: pl.DataFrame) -> list[alt.Chart]:
    base = alt.Chart(rows.filter(pl.col("mean").is_not_null())).encode(x=_axis(rows))
    scale = alt.Scale(domain=list(_ends(rows)), nice=False, zero=False)
    mean = alt.Y("mean:Q", title="mean score, 0 to 1", scale=scale)
    tooltip = [
        alt.Tooltip("release:N"),
        alt.Tooltip("cases:Q"),
        *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mean", "low", "high")),
    ]
    return [
        base.mark_line(color=LINE, opacity=0.35).encode(y=mean),
        base.mark_rule(color=LINE, strokeWidth=2).encode(y="low:Q", y2="high:Q"),
        *(
            base.transform_filter(alt.datum.compared == compared)
            .mark_point(color=LINE, fill=LINE if compared else "white", size=70, opacity=1)
            .encode(y=mean, tooltip=tooltip)
            for compared in (True, False)
        ),
        *_absent_layers(rows),
    ]


def _absent_layers(rows: pl.DataFrame) -> list[alt.Chart]:
    """A release without any score is shown to have none."""
    absent = rows.filter(pl.col("mean").is_null())
    if absent.is_empty():
        return []
    text = alt.Chart(absent).mark_text(text="no score", angle=270, align="left", color=INK, dy=4)
    return [text.encode(x=_axis(rows), y=alt.value(330))]


def _ends(rows: pl.DataFrame) -> tuple[float, float]:
    """Of the axis: every interval with some air, within the scale."""
    low, high = rows.select(pl.col("low").min(), pl.col("high").max()).row(0)
    return (max(0.0, low - 0.02), min(1.0, high + 0.02)) if low is not None else (0.0, 1.0)


def _axis(rows: pl.DataFrame) -> alt.X:
    """Places with the names of the releases for labels."""
    names = json.dumps([f"{name}" for name in rows["release"]])
    axis = alt.Axis(
        values=rows["place"].to_list(),
        labelExpr=f"{names}[datum.value]",
        labelAngle=-35,
        labelLimit=150,
        labelOverlap="greedy",
        grid=False,
    )
    ends = alt.Scale(domain=[-0.6, len(rows) - 0.4], nice=False, zero=False)
    return alt.X("place:Q", title="release, oldest first", axis=axis, scale=ends)


def _title(title: str, words: str, delta: float) -> alt.TitleParams:
    note = _NOTE + f"Band: {100 * delta:g} points up and down from the mean of the window."
    return alt.TitleParams(
        text=title,
        subtitle=[*textwrap.wrap(words, 125), *textwrap.wrap(note, 125)],
        anchor="start",
        color=INK,
        subtitleColor=INK,
        fontSize=16,
        subtitleFontSize=12,
        offset=12,
    )
