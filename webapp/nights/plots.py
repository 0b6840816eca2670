"""Points on a plane, as coordinates to draw: the templates only write them down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor, isfinite, log10

WIDE, NARROW = (600, 320), (340, 240)  # of a drawing, in its units
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 20, 40
_TICKS = 5
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Tick:
    at: float  # where it is drawn
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """low, high: the ends of its error bar, where it has one."""

    x: float
    y: float
    kind: str = ""
    title: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    points: str  # as SVG takes them
    kind: str = ""
    title: str = ""


@dataclass
class Plot:
    """What is drawn, in units of the drawing."""

    title: str
    x_title: str
    y_title: str
    width: int = WIDE[0]
    height: int = WIDE[1]
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    left, top = _LEFT, _TOP

    @property
    def right(self) -> int:
        return self.width - _RIGHT

    @property
    def bottom(self) -> int:
        return self.height - _BOTTOM

    def __bool__(self) -> bool:
        return bool(self.dots or self.lines)


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in the plot's own units; `error` is of y."""

    x: float
    y: float
    kind: str = ""
    title: str = ""
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class Path:
    points: Sequence[tuple[float, float]]
    kind: str = ""
    title: str = ""


def plotted(
    title: str,
    axes: tuple[str, str],
    marks: Sequence[Mark] = (),
    paths: Sequence[Path] = (),
    *,
    flipped: tuple[bool, bool] = (False, False),
    is_square: bool = False,
    y_range: tuple[float, float] | None = None,
    size: tuple[int, int] = WIDE,
) -> Plot:
    """A plot of marks and paths.

    flipped: whether x grows to the left, and y downwards, as right ascension and magnitudes do.
    is_square: one unit is as long in both directions. What is no number is left out.
    """
    plot = Plot(title, *axes, *size)
    marks = [one for one in marks if isfinite(one.x) and isfinite(one.y)]
    xs = [one.x for one in marks] + [x for path in paths for x, _ in path.points]
    ys = [y for one in marks for y in (one.y - one.error, one.y + one.error)]
    ys += [y for path in paths for _, y in path.points]
    if not xs:
        return plot
    x_range, wide = _range(xs), _range(ys) if y_range is None else y_range
    if is_square:
        x_range, wide = _squared(x_range, wide, plot)
    across = _Axis(*x_range, plot.left, plot.right, flipped[0])
    up = _Axis(*wide, plot.bottom, plot.top, flipped[1])
    plot.x_ticks, plot.y_ticks = across.ticks(), up.ticks()
    plot.dots = [_dot(one, across, up) for one in marks]
    plot.lines = [
        Line(
            " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in path.points), path.kind, path.title
        )
        for path in paths
    ]
    return plot


def _dot(mark: Mark, across: _Axis, up: _Axis) -> Dot:
    low, high = (
        (round(up(mark.y - mark.error), 1), round(up(mark.y + mark.error), 1))
        if mark.error
        else (None, None)
    )
    x, y = round(across(mark.x), 1), round(up(mark.y), 1)
    return Dot(x, y, mark.kind, mark.title, low, high)


@dataclass(frozen=True, slots=True)
class _Axis:
    least: float
    most: float
    start: float  # where the drawing begins
    end: float
    is_flipped: bool = False

    def __call__(self, value: float) -> float:
        share = (value - self.least) / (self.most - self.least)
        share = 1 - share if self.is_flipped else share
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[Tick]:
        step = _step((self.most - self.least) / _TICKS)
        decimals = max(-floor(log10(step)), 0) if step < 1 else 0
        decimals += step * 10**decimals % 1 > 1e-9
        first = -floor(-self.least / step)
        n = floor((self.most - first * step) / step + 1e-9)
        values = [(first + k) * step for k in range(n + 1)]
        return [Tick(round(self(v), 1), written(v, decimals)) for v in values]


def written(value: float, decimals: int) -> str:
    """A number with a minus sign that is as long as a plus, and no zero with a sign."""
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "−")


def _step(rough: float) -> float:
    """The round number that is not below it."""
    size = 10 ** floor(log10(rough))
    return next(size * step for step in _STEPS if size * step >= rough * (1 - 1e-9))


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From the least to the most, with a little room."""
    least, most = min(values), max(values)
    room = 0.06 * (most - least) or max(abs(most) * 0.05, 0.5)
    return least - room, most + room


def _squared(
    x: tuple[float, float], y: tuple[float, float], plot: Plot
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The wider of two ranges, in the shape of the drawing."""
    wide, high = plot.right - plot.left, plot.bottom - plot.top
    unit = max((x[1] - x[0]) / wide, (y[1] - y[0]) / high)
    return _around(x, unit * wide), _around(y, unit * high)


def _around(of: tuple[float, float], length: float) -> tuple[float, float]:
    middle = (of[0] + of[1]) / 2
    return middle - length / 2, middle + length / 2
