"""Line charts on logarithmic axes, as SVG."""

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 210, 40, 50
_COLOURS = ("#c0392b", "#e67e22", "#8e44ad", "#2980b9", "#16a085", "#7f8c8d", "#2c3e50")

Points = Sequence[tuple[float, float]]


def line_chart(title: str, x_label: str, y_label: str, series: Mapping[str, Points]) -> str:
    """Return a chart of positive points, one line a series, named at the right in the order of their last values."""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    x_range, y_range = _decades(xs), _decades(ys)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = _LEFT + _share(point[0], x_range) * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BOTTOM - _share(point[1], y_range) * (_HEIGHT - _TOP - _BOTTOM)
        return round(x, 1), round(y, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        "<style>text { font-size: 12px }</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="22" style="font-size: 15px">{escape(title)}</text>',
    ]
    for power in range(x_range[0], x_range[1] + 1):
        x, bottom = place((10**power, 10 ** y_range[0]))
        parts.append(f'<path d="M{x} {_TOP}V{bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(y_range[0], y_range[1] + 1):
        left, y = place((10 ** x_range[0], 10**power))
        parts.append(f'<path d="M{left} {y}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{10**power:,}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(f'<text x="14" y="{_TOP - 8}">{escape(y_label)}</text>')
    height = math.inf
    ordered = sorted(series.items(), key=lambda each: each[1][-1][1])
    for (name, points), colour in zip(ordered, _COLOURS, strict=False):
        places = [place(point) for point in points]
        path = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        # From the lowest up, so that names that would overlap move apart.
        height = min(places[-1][1], height - 14)
        parts.append(f'<text x="{places[-1][0] + 6}" y="{height + 4}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _share(value: float, decades: tuple[int, int]) -> float:
    return (math.log10(value) - decades[0]) / (decades[1] - decades[0])
