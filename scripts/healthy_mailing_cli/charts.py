"""Charts of days as SVG, drawn by Vega-Lite without a browser or a network. A page's style sheet gives the colours."""

from collections.abc import Sequence

import altair as alt
import vl_convert

BAR, TEXT, GRID = "#a00001", "#a00002", "#a00003"
"""Stand for the colours of a theme: the style sheet replaces them, since a page may be light or dark."""

_WIDTH, _HEIGHT = 380, 120


def days(numbers: Sequence[tuple[str, int]]) -> str:
    """Return a chart with a bar a day, of UTC days as ``2026-01-31`` and their numbers, as an SVG element."""
    values = [{"day": day, "addresses": number} for day, number in numbers]
    highest = max((number for _, number in numbers), default=0)
    every = max(1, len(numbers) // 6)
    chart = (
        alt.Chart({"values": values}, width=_WIDTH, height=_HEIGHT)
        .mark_bar(color=BAR)
        .encode(
            # A band a day: on a scale of time, the bars of a short window are thin and those of a long one overlap.
            x=alt.X(
                "day:O",
                title=None,
                axis=alt.Axis(
                    values=[day for day, _ in numbers[::-every]],
                    labelExpr="utcFormat(toDate(datum.value), '%-d %b')",
                    labelAngle=0,
                ),
            ),
            y=alt.Y(
                "addresses:Q",
                title=None,
                axis=alt.Axis(format="~s", tickMinStep=1, tickCount=4),
                scale=alt.Scale(domainMax=max(1, highest), nice=True),
            ),
        )
        .configure(background="transparent", font="system-ui, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(labelColor=TEXT, domainColor=GRID, tickColor=GRID, gridColor=GRID, labelFontSize=11)
        .configure_axisX(grid=False)
    )
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return svg
