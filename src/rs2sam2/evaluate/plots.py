"""Plots as SVG text: small, sharp at any size, and in the page's own colours (light or dark)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

FONT = 'font-family="system-ui, sans-serif" font-size="12"'
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Okabe and Ito's, told apart by everybody on white and on black."""


@dataclass(frozen=True)
class Bar:
    """One row: a value with its interval, in [0, 1]."""

    name: str
    value: float
    low: float
    high: float
    note: str = ""


def bars(rows: Sequence[Bar], *, label: str, width: int = 580) -> str:
    """Horizontal bars from 0 to 1, labelled in %, with intervals as whiskers; values that are NaN are left out."""
    rows = [row for row in rows if row.value == row.value]
    left, right, step, top = 150, 110, 24, 20
    inner = width - left - right
    height = top + step * len(rows) + 8
    parts = [_open(width, height, label)]
    for tick in range(0, 11, 2):
        x = left + inner * tick / 10
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{height - 6}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{top - 6}" text-anchor="middle" class="faint">{10 * tick}</text>')
    for n, row in enumerate(rows):
        y = top + step * n + 4
        end = left + inner * min(max(row.value, 0), 1)
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(row.name)}</text>')
        parts.append(
            f'<rect x="{left}" y="{y}" width="{end - left:.1f}" height="15" fill="{COLORS[0]}" opacity=".75"/>'
        )
        if row.low == row.low:
            a, b = (left + inner * min(max(v, 0), 1) for v in (row.low, row.high))
            parts.append(f'<path d="M{a:.1f} {y + 3}v9m0 -4.5H{b:.1f}m0 -4.5v9" class="whisker"/>')
        note = f"{100 * row.value:.1f}" + (f" ({row.note})" if row.note else "")
        parts.append(f'<text x="{width - right + 10}" y="{y + 12}" class="faint">{escape(note)}</text>')
    return "".join(parts) + "</svg>"


def histogram(values: Sequence[float], *, label: str, bins: int = 20, width: int = 420, height: int = 240) -> str:
    """How many values lie where in [0, 1]."""
    counts = [0] * bins
    for value in values:
        counts[min(int(value * bins), bins - 1)] += 1
    most = max(counts, default=0) or 1
    frame = _Frame(width, height)
    parts = [_open(width, height, label), frame.axes(label, "samples", y_top=str(most))]
    for n, count in enumerate(counts):
        x, y = frame.at(n / bins, count / most)
        parts.append(
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{frame.inner_width / bins - 2:.1f}" '
            f'height="{frame.bottom - y:.1f}" fill="{COLORS[0]}" opacity=".75"><title>{count}</title></rect>'
        )
    return "".join(parts) + "</svg>"


def curves(
    lines: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_label: str,
    y_label: str,
    diagonal: bool = False,
    dots: bool = False,
    mark: float | None = None,
    x_top: float = 1.0,
    width: int = 420,
    height: int = 240,
) -> str:
    """Lines through points in [0, 1] x [0, 1]; `diagonal` draws what would be perfect, `mark` a vertical line.

    `x_top` is what x = 1 is called on the axis.
    """
    frame = _Frame(width, height)
    parts = [_open(width, height, f"{y_label} over {x_label}"), frame.axes(x_label, y_label, y_top="1", x_top=x_top)]
    if diagonal:
        (x0, y0), (x1, y1) = frame.at(0, 0), frame.at(1, 1)
        parts.append(
            f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" class="whisker" stroke-dasharray="4 4" opacity=".6"/>'
        )
    if mark is not None:
        (x, y0), (_, y1) = frame.at(mark, 0), frame.at(mark, 1)
        parts.append(f'<line x1="{x:.1f}" y1="{y0}" x2="{x:.1f}" y2="{y1}" class="whisker" stroke-dasharray="2 3"/>')
    for n, (name, points) in enumerate(lines.items()):
        placed = [frame.at(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLORS[n]}" stroke-width="2"/>')
        if dots:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{COLORS[n]}"/>' for x, y in placed]
        if len(lines) > 1:
            parts.append(
                f'<text x="{frame.left + 8}" y="{frame.top + 14 + 16 * n}" fill="{COLORS[n]}">{escape(name)}</text>'
            )
    return "".join(parts) + "</svg>"


@dataclass(frozen=True)
class _Frame:
    """The inside of a plot, and where its values lie."""

    width: int
    height: int
    left: int = 50
    top: int = 10

    @property
    def inner_width(self) -> int:
        return self.width - self.left - 14

    @property
    def bottom(self) -> int:
        return self.height - 42

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Values in [0, 1] -> pixels."""
        return self.left + self.inner_width * x, self.bottom - (self.bottom - self.top) * y

    def axes(self, x_label: str, y_label: str, *, y_top: str, x_top: float = 1.0) -> str:
        parts = []
        for n in range(6):
            (x, y0), (_, y1) = self.at(n / 5, 0), self.at(n / 5, 1)
            parts.append(f'<line x1="{x:.1f}" y1="{y0}" x2="{x:.1f}" y2="{y1}" class="grid"/>')
            parts.append(
                f'<text x="{x:.1f}" y="{self.bottom + 16}" text-anchor="middle" class="faint">{x_top * n / 5:g}</text>'
            )
        for share, text in ((0.0, "0"), (1.0, y_top)):
            (x0, y), (x1, _) = self.at(0, share), self.at(1, share)
            parts.append(f'<line x1="{x0}" y1="{y:.1f}" x2="{x1}" y2="{y:.1f}" class="grid"/>')
            parts.append(
                f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end" class="faint">{y_top and text}</text>'
            )
        middle = (self.top + self.bottom) / 2
        parts.append(
            f'<text x="{self.left + self.inner_width / 2:.0f}" y="{self.height - 6}" text-anchor="middle">{escape(x_label)}</text>'
        )
        parts.append(
            f'<text transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>'
        )
        return "".join(parts)


def _open(width: int, height: int, label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(label)}" {FONT} fill="currentColor">'
    )
