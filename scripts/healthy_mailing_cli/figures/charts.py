"""What the page's charts show: bars, how high they reach, and lines across them. ``report.html`` draws them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from healthy_mailing_cli.figures.rates import Measure, Rate

_TICKS = 4
_NAMES = 5
_CUT = 4  # a bar so many times as high as what is usual would flatten all others


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar."""

    value: float  # how high it is; what is over the chart's top is cut, with a gap
    name: str  # what stands below it
    label: str  # what stands above it
    is_pale: bool = False  # whether it is of so few that it says little


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from left to right, and lines across them with what stands beside each."""

    top: float
    bars: Sequence[Bar]
    lines: Sequence[tuple[float, str]]

    @property
    def is_cut(self) -> bool:
        """Whether a bar is cut."""
        return any(bar.value > self.top for bar in self.bars)


def of_days(counts: Mapping[str, int]) -> Chart:
    """Return a chart with a bar a UTC day. The highest bar has its number, and so have those that are cut."""
    top, step = whole(counts.values())
    highest = max(counts, key=lambda day: counts[day])
    labels = {day for day, count in counts.items() if count > top} or {highest}
    names = _names(list(counts))
    bars = [Bar(count, names[day], f"{count:,}" if count and day in labels else "") for day, count in counts.items()]
    return Chart(top, bars, [(tick, _short(tick)) for tick in range(0, top + 1, step)])


def of_weeks(rates: Mapping[str, Rate], measure: Measure) -> Chart:
    """Return a chart with a bar a week, by its first day, and with SES's lines."""
    names = _names(list(rates))
    bars = [
        Bar(rate.share or 0, names[day], "" if rate.share is None else measure.text(rate).rstrip("%"), rate.few)
        for day, rate in rates.items()
    ]
    return Chart(measure.pause * 1.2, bars, list(zip((measure.review, measure.pause), measure.lines, strict=True)))


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


def _names(days: Sequence[str]) -> dict[str, str]:
    """Return what stands below the bar of each day: every few days its date, the last day always."""
    named = set(days[:: -max(1, -(-len(days) // _NAMES))])
    return {day: f"{date.fromisoformat(day):%-d %b}" if day in named else "" for day in days}


def _short(number: int) -> str:
    size, unit = next(
        (size, unit) for size, unit in ((10**6, "M"), (1000, "k"), (1, "")) if number >= size or size == 1
    )
    return f"{number / size:g}{unit}"
