"""Outlines: every function returns the corners of a polygon as float64 (N, 2), in metres, x to the right, y down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


def points(corners: ArrayLike) -> Points:
    """(N, 2) float64 of a list of corners."""
    return np.asarray(corners, dtype=np.float64).reshape(-1, 2)


def place(outline: ArrayLike, x: float, y: float, heading: float = 0.0) -> Points:
    """Turn an outline drawn around the origin by ``heading`` radians (from x towards y) and move it to (x, y)."""
    if heading == 0.0:
        return shifted(outline, x, y)
    cos, sin = math.cos(heading), math.sin(heading)
    return shifted(np.asarray(outline, np.float64) @ np.array([[cos, sin], [-sin, cos]]), x, y)


def shifted(outline: ArrayLike, dx: float, dy: float) -> Points:
    """An outline moved."""
    moved: Points = np.asarray(outline, np.float64) + np.array((dx, dy))
    return moved


def rectangle(x: float, y: float, length: float, width: float, heading: float = 0.0) -> Points:
    """A rectangle around (x, y), ``length`` along its heading."""
    a, b = length / 2, width / 2
    return place([(-a, -b), (a, -b), (a, b), (-a, b)], x, y, heading)


def ellipse(x: float, y: float, a: float, b: float | None = None, heading: float = 0.0, corners: int = 48) -> Points:
    """An ellipse with half axes ``a`` (along the heading) and ``b`` (a circle without it)."""
    round_ = _unit_circle(corners)
    if b is None:
        return shifted(round_ * a, x, y)
    return place(round_ * (a, b), x, y, heading)


@lru_cache(maxsize=32)
def _unit_circle(corners: int) -> Points:
    t = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    circle = np.stack([np.cos(t), np.sin(t)], 1)
    circle.setflags(write=False)
    return circle


def arc(x: float, y: float, radius: float, start: float, end: float, corners: int = 25) -> Points:
    """Points on a circle from angle ``start`` to ``end`` in radians."""
    t = np.linspace(start, end, corners)
    return np.stack([x + radius * np.cos(t), y + radius * np.sin(t)], 1)


def sector(x: float, y: float, radius: float, start: float, end: float, corners: int = 25) -> Points:
    """A slice of a circle."""
    return np.concatenate([[(x, y)], arc(x, y, radius, start, end, corners)])


def oval(x: float, y: float, straight: float, radius: float, heading: float = 0.0, corners: int = 24) -> Points:
    """A running track's outline: two straights joined by half circles of ``radius``."""
    right = arc(straight / 2, 0, radius, -math.pi / 2, math.pi / 2, corners)
    left = arc(-straight / 2, 0, radius, math.pi / 2, 1.5 * math.pi, corners)
    return place(np.concatenate([right, left]), x, y, heading)


def stroke(line: ArrayLike, width: float, closed: bool = False) -> Points:
    """The outline of a line of ``width`` with flat ends. A closed line's outline runs round and back."""
    p = points(line)
    if closed:
        p = np.concatenate([p, p[:1]])
    step = np.diff(p, axis=0)
    step /= np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    tangent = np.concatenate([step[:1], step[:-1] + step[1:], step[-1:]])
    if closed:
        tangent[0] = tangent[-1] = step[0] + step[-1]
    length = np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
    tangent /= length
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    # A mitre keeps the width in bends; half the bend's cosine, bounded so that a sharp bend does not grow a spike.
    nearest = np.concatenate([step[:1], step[1:], step[-1:]])
    normal *= width / 2 / np.maximum(np.sum(tangent * nearest, 1), 0.4)[:, None]
    return np.concatenate([p + normal, (p - normal)[::-1]])


def sweep(outline: Points, offset: tuple[float, float]) -> list[Points]:
    """The ground an outline covers while it moves by ``offset``: pieces whose union it is."""
    moved = outline + offset
    ring, shifted = np.concatenate([outline[1:], outline[:1]]), np.concatenate([moved[1:], moved[:1]])
    quads = np.stack([outline, ring, shifted, moved], 1)
    return [outline, moved, *quads]


def along(line: ArrayLike, spacing: float) -> tuple[Points, NDArray[np.float64]]:
    """Points every ``spacing`` metres on a line, and the heading there: (N, 2), (N,)."""
    p = points(line)
    step = np.diff(p, axis=0)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(step[:, 0], step[:, 1]))])
    at = np.arange(spacing / 2, length[-1], spacing)
    x, y = np.interp(at, length, p[:, 0]), np.interp(at, length, p[:, 1])
    segment = np.clip(np.searchsorted(length, at) - 1, 0, len(step) - 1)
    return np.stack([x, y], 1), np.arctan2(step[segment, 1], step[segment, 0])


def winding(start: tuple[float, float], end: tuple[float, float], bends: Sequence[float], corners: int = 60) -> Points:
    """A smooth line between two points; ``bends`` are sideways amplitudes (metres) of its sine harmonics."""
    t = np.linspace(0, 1, corners)
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = max(math.hypot(dx, dy), 1e-9)
    side = np.zeros_like(t)
    for k, bend in enumerate(bends, 1):
        side += bend * np.sin(k * math.pi * t)
    return np.stack([start[0] + dx * t - dy / length * side, start[1] + dy * t + dx / length * side], 1)


def mirrored(half: list[tuple[float, float]]) -> Points:
    """An outline symmetric about the x axis from its upper half, nose to tail."""
    top = points(half)
    return np.concatenate([top, (top * (1, -1))[::-1]])
