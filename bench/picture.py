"""A picture of megabytes a second by lexicon size: a panel for each job, a line for each engine, logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

#: Points of a line: patterns of the lexicon, and megabytes a second.
Line = Sequence[tuple[int, float]]

_WIDTH, _HEIGHT, _GAP, _LEFT, _TOP, _LEGEND = 300, 260, 46, 58, 34, 190
_COLOURS = (
    "#c1121f",
    "#1d3557",
    "#2a9d8f",
    "#e09f3e",
    "#6a4c93",
    "#457b9d",
    "#8d6e63",
    "#7a7a7a",
    "#4f772d",
    "#b5179e",
)


def draw(panels: Mapping[str, Mapping[str, Line]], title: str) -> str:
    """Return the picture as SVG; the first engine of each panel stands out.

    Raises ValueError if there is nothing to draw.

    >>> draw({"all": {"cipin": [(60, 700.0), (500, 650.0)]}}, "MB/s")[:4]
    '<svg'
    """
    points = [point for lines in panels.values() for line in lines.values() for point in line]
    if not points:
        raise ValueError("nothing to draw: run the benchmarks over several lexicon sizes first")
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    sizes = sorted({size for size, _ in points})
    low = 10 ** math.floor(math.log10(min(rate for _, rate in points)))
    high = 10 ** math.ceil(math.log10(max(rate for _, rate in points)) + 1e-9)
    width = _LEFT + len(panels) * (_WIDTH + _GAP) + _LEGEND
    height = _TOP + _HEIGHT + 56
    font = 'font-family="sans-serif" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {font}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, (name, lines) in enumerate(panels.items()):
        left = _LEFT + number * (_WIDTH + _GAP)
        parts += _panel(left, name, sizes, (low, high))
        for engine, line in lines.items():
            parts += _line(left, line, sizes, (low, high), names.index(engine))
    legend = _LEFT + len(panels) * (_WIDTH + _GAP) - 20
    for number, name in enumerate(names):
        y, colour = _TOP + 14 + 18 * number, _COLOURS[number % len(_COLOURS)]
        parts.append(f'<path d="M{legend} {y - 4}h22" stroke="{colour}" stroke-width="{_stroke(number)}"/>')
        parts.append(f'<text x="{legend + 28}" y="{y}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(left: int, name: str, sizes: Sequence[int], rates: tuple[float, float]) -> Iterator[str]:
    yield f'<text x="{left}" y="{_TOP - 12}" font-weight="bold">{escape(name)}, MB/s</text>'
    exponents = range(round(math.log10(rates[0])), round(math.log10(rates[1])) + 1)
    for exponent in exponents:
        y = _y(10.0**exponent, rates)
        yield f'<path d="M{left} {y:.1f}h{_WIDTH}" stroke="#ddd"/>'
        yield f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**exponent:,g}</text>'
    for size in sizes:
        x = _x(left, size, sizes)
        yield f'<text x="{x:.1f}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle">{size:,}</text>'
    yield f'<text x="{left + _WIDTH / 2}" y="{_TOP + _HEIGHT + 38}" text-anchor="middle">patterns</text>'


def _line(left: int, line: Line, sizes: Sequence[int], rates: tuple[float, float], number: int) -> Iterator[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    at = [(_x(left, size, sizes), _y(rate, rates)) for size, rate in sorted(line)]
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in at)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{_stroke(number)}"/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in at)


def _stroke(number: int) -> float:
    return 3.0 if number == 0 else 1.4


def _x(left: int, size: int, sizes: Sequence[int]) -> float:
    if len(sizes) == 1:
        return left + _WIDTH / 2
    inner = _WIDTH - 50
    return left + 25 + inner * math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])


def _y(rate: float, rates: tuple[float, float]) -> float:
    return _TOP + _HEIGHT * (1 - math.log(rate / rates[0]) / math.log(rates[1] / rates[0]))
