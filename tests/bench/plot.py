"""Line charts on logarithmic axes as SVG, drawn by Vega-Lite without a browser or a network.

The same numbers give the same text on every machine: nothing is placed by the size of a font. A browser in dark mode
shows the chart in dark colours, on a background of its own, since a page may be dark where the browser is not.
"""

import math
from collections.abc import Mapping, Sequence

import altair as alt
import vl_convert

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 60, 50
_LINE = 15  # pixels from one name to the next

# Each in light and in dark mode; text and lines have a contrast of at least 4.5 to the background (WCAG 2.2, 1.4.3).
BACKGROUND, TEXT, GRID = ("#ffffff", "#0d1117"), ("#1f2328", "#e6edf3"), ("#d1d9e0", "#3d444d")
SERIES = (
    ("#b3261e", "#ff8a80"),
    ("#9a5b00", "#f0a73c"),
    ("#7b2d9b", "#d0a1ec"),
    ("#0b62b8", "#79b8ff"),
    ("#0a6e5c", "#4fd1b5"),
    ("#5c6166", "#aab2ba"),
    ("#8a1550", "#ff9cc8"),
)

Points = Sequence[tuple[float, float]]


def line_chart(title: str, x_label: str, y_label: str, series: Mapping[str, Points]) -> str:
    """Return a chart of positive points, one line a series, named at the right in the order of their last values."""
    x_ticks = _powers([x for points in series.values() for x, _ in points])
    y_ticks = _powers([y for points in series.values() for _, y in points])
    names = sorted(series, key=lambda name: series[name][-1][1], reverse=True)
    x = alt.X("x:Q", scale=_scale(x_ticks), axis=alt.Axis(title=x_label, titleY=28, values=x_ticks))
    y_axis = alt.Axis(title=y_label, titleX=-56, titleY=-12, titleAngle=0, titleAlign="left", values=y_ticks)
    y = alt.Y("y:Q", scale=_scale(y_ticks), axis=y_axis)
    colours = alt.Scale(domain=names, range=[light for light, _ in SERIES[: len(names)]])
    colour = alt.Color("series:N", scale=colours, legend=None)
    points = [{"series": name, "x": x, "y": y} for name in names for x, y in series[name]]
    ends = _apart({name: series[name][-1] for name in names}, len(y_ticks) - 1)
    chart = (
        alt.layer(
            alt.Chart({"values": points}).mark_line(strokeWidth=2).encode(x, y, colour, detail="series:N"),
            alt.Chart({"values": ends})
            .mark_text(align="left", baseline="middle", dx=6, fontSize=12)
            .encode(x, y, colour, text="series:N"),
        )
        .properties(
            width=_WIDTH - _LEFT - _RIGHT,
            height=_HEIGHT - _TOP - _BOTTOM,
            padding={"left": _LEFT, "right": _RIGHT, "top": _TOP, "bottom": _BOTTOM},
            autosize="none",
            title=alt.TitleParams(title, anchor="start", fontSize=15, fontWeight="normal", offset=10, color=TEXT[0]),
        )
        .configure(background=BACKGROUND[0], font="sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            domain=False,
            ticks=False,
            gridColor=GRID[0],
            titleColor=TEXT[0],
            titleFontSize=12,
            titleFontWeight="normal",
            format=",",
            labelColor=TEXT[0],
            labelFontSize=12,
            labelAngle=0,
            labelPadding=6,
            labelOverlap=False,
            labelBound=False,
            labelFlush=False,
        )
    )
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    start, _, rest = svg.partition(">")
    return f"{start}><style>{_dark()}</style>{rest}\n"


def _powers(values: Sequence[float]) -> list[float]:
    """Return the powers of ten around positive values, two or more."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _scale(ticks: Sequence[float]) -> alt.Scale:
    return alt.Scale(type="log", domain=[ticks[0], ticks[-1]], nice=False)


def _apart(ends: Mapping[str, tuple[float, float]], decades: int) -> list[dict[str, object]]:
    """Return where the names of lines stand: at their ends, and from the highest down apart from each other."""
    apart = 10 ** (_LINE * decades / (_HEIGHT - _TOP - _BOTTOM))
    found: list[dict[str, object]] = []
    height = math.inf
    for name, (x, y) in ends.items():
        height = min(y, height / apart)
        found.append({"series": name, "x": x, "y": height})
    return found


def _dark() -> str:
    rules = [
        f'[{attribute}="{light}"]{{{attribute}:{dark}}}'
        for light, dark in (BACKGROUND, TEXT, GRID, *SERIES)
        for attribute in ("fill", "stroke")
    ]
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"
