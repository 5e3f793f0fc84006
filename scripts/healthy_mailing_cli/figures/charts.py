"""Charts as SVG, drawn by Vega-Lite without a browser or a network. A page's style sheet gives the colours."""

from collections.abc import Iterable, Mapping, Sequence

import altair as alt
import vl_convert

BAR, TEXT, GRID, PANEL = "#a00001", "#a00002", "#a00003", "#a00004"
"""Stand for the colours of a theme: the style sheet replaces them, since a page may be light or dark."""

# About as wide as a telephone, so that letters are not made small there.
_WIDTH, _HEIGHT = 300, 120
_TICKS = 4
_PALE = 0.4
_Values = Sequence[Mapping[str, object]]
_CUT = 4
"""A bar so many times as high as what is usual would flatten all others."""


def days(numbers: Sequence[tuple[str, int]]) -> str:
    """Return a chart with a bar a day, of UTC days as ``2026-01-31`` and their numbers, as an SVG element.

    The highest bar has its number. Bars that would flatten the others are cut, with a gap and their numbers.
    """
    counts = [number for _, number in numbers]
    top, step = whole(counts)
    highest = max(counts, default=0)
    cut = [day for day, number in numbers if number > top]
    labelled = cut or [day for day, number in numbers if number == highest > 0][:1]
    every = max(1, len(numbers) // 5)
    ticks = list(range(0, top + 1, step))
    bars = _bars(
        [{"at": day, "height": min(number, top)} for day, number in numbers],
        x=[day for day, _ in numbers[::-every]],
        # With a smaller tickCount Vega leaves ticks out. Of thousands, it writes nothing as 0k.
        y=alt.Axis(values=ticks, tickCount=len(ticks), format="~s", labelExpr="datum.value ? datum.label : '0'"),
        top=top,
    )
    labels = [
        {"at": day, "height": min(number, top), "text": f"{number:,}"} for day, number in numbers if day in labelled
    ]
    return _svg(bars, _gaps([{"at": day, "height": top * 0.84} for day in cut]), _texts(labels))


def weeks(shares: Sequence[tuple[str, float | None, str, bool]], lines: Sequence[tuple[float, str]]) -> str:
    """Return a chart with a bar a week and horizontal lines, as an SVG element.

    Args:
        shares: The first day of each week, its share of 1, None if that is not known, the share in words, and whether
            it is of so few that its bar is pale.
        lines: Shares of 1 and how they are written, lowest first.
    """
    top = lines[-1][0] * 1.2
    bars = _bars(
        [
            {"at": day, "height": min(share or 0, top), "opacity": _PALE if is_pale else 1}
            for day, share, _, is_pale in shares
        ],
        x=[day for day, *_ in shares[::-2]],
        y=None,
        top=top,
    ).encode(opacity=alt.Opacity("opacity:Q", scale=None, legend=None))
    labels = [{"at": day, "height": min(share or 0, top), "text": text} for day, share, text, _ in shares]
    gaps = [{"at": day, "height": top * 0.92} for day, share, *_ in shares if (share or 0) > top]
    drawn = {"values": [{"height": share, "text": text} for share, text in lines]}
    rules = alt.Chart(drawn).mark_rule(color=TEXT, strokeDash=[4, 3]).encode(y="height:Q")
    names = (
        alt.Chart(drawn)
        .mark_text(color=TEXT, align="left", baseline="middle", fontSize=11)
        .encode(y="height:Q", x=alt.value(_WIDTH + 4), text="text:N")
    )
    return _svg(bars, _gaps(gaps), rules, names, _texts(labels))


def whole(counts: Iterable[int]) -> tuple[int, int]:
    """Return the top of a scale for counts and the step of its ticks: whole numbers, since a count has no half.

    The top is below a few counts that are many times as high as the others.
    """
    ordered = sorted(count for count in counts if count)
    highest = ordered[-1] if ordered else 1
    usual = ordered[-1 - max(1, len(ordered) // 10)] if len(ordered) > 1 else highest
    top = 2 * usual if highest > _CUT * usual else highest
    step = next(digit * 10**zeros for zeros in range(20) for digit in (1, 2, 5) if digit * 10**zeros * _TICKS >= top)
    return -(-top // step) * step, step


def _bars(values: _Values, *, x: Sequence[str], y: alt.Axis | None, top: float) -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart({"values": values})
        .mark_bar(color=BAR)
        .encode(
            # A band each: on a scale of time, the bars of a short window are thin and those of a long one overlap.
            x=alt.X(
                "at:O",
                title=None,
                axis=alt.Axis(values=list(x), labelExpr="utcFormat(toDate(datum.value), '%-d %b')", labelAngle=0),
            ),
            y=alt.Y("height:Q", title=None, axis=y, scale=alt.Scale(domain=[0, top], nice=False)),
        )
    )
    return drawn


def _gaps(values: _Values) -> alt.Chart:
    """Return gaps that show where bars are cut."""
    drawn: alt.Chart = (
        alt.Chart({"values": values})
        .mark_tick(color=PANEL, opacity=1, thickness=4, bandSize=40, orient="horizontal")
        .encode(x="at:O", y="height:Q")
    )
    return drawn


def _texts(values: _Values) -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart({"values": values})
        .mark_text(color=TEXT, baseline="bottom", dy=-2, fontSize=11)
        .encode(x="at:O", y="height:Q", text="text:N")
    )
    return drawn


def _svg(*layers: alt.Chart) -> str:
    chart = (
        alt.layer(*layers, width=_WIDTH, height=_HEIGHT)
        .configure(background="transparent", font="system-ui, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(labelColor=TEXT, domainColor=GRID, tickColor=GRID, gridColor=GRID, labelFontSize=11)
        .configure_axisX(grid=False)
    )
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return svg
