"""Which part of a scene a picture shows, and the noise that its surfaces are made of there."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from rs2sam2.data.synthetic import noise
from rs2sam2.data.synthetic.noise import FloatArray
from rs2sam2.data.synthetic.shapes import Points


class Frame:
    """``size`` (height, width) pixels of ``gsd`` metres onto a scene.

    The scene's metres run from (0, 0) in the picture's upper left corner; ``rotation`` (radians) turns the scene around
    the picture's middle. ``corner`` is the absolute pixel (row, column) of the upper left corner: textures depend on
    it and ``seed`` only.
    """

    def __init__(
        self, size: tuple[int, int], gsd: float, seed: int, rotation: float = 0.0, corner: tuple[int, int] = (0, 0)
    ) -> None:
        self.height, self.width = size
        self.gsd, self.seed, self.corner = gsd, seed, corner
        self._fields: dict[str, FloatArray] = {}
        self.rotate(rotation)

    def rotate(self, rotation: float) -> None:
        """Turn what is drawn from now on by ``rotation`` radians around the picture's middle."""
        middle = np.array([self.width, self.height]) * self.gsd / 2
        cos, sin = math.cos(rotation), math.sin(rotation)
        self.rotation = rotation
        turn = np.array([[cos, sin], [-sin, cos]])
        self._turn, self._shift = turn / self.gsd, (middle - middle @ turn) / self.gsd

    def to_pixels(self, outline: ArrayLike) -> Points:
        """Scene metres (N, 2) to picture pixels (N, 2), x and y."""
        pixels: Points = np.asarray(outline, np.float64) @ self._turn + self._shift
        return pixels

    def ruler(self, rows: slice, columns: slice, heading: float) -> FloatArray:
        """Distance in metres along a scene heading, of each pixel of a part: float32 (h, w)."""
        angle = heading + self.rotation
        x = (np.arange(columns.start, columns.stop) + self.corner[1] + 0.5) * (self.gsd * math.cos(angle))
        y = (np.arange(rows.start, rows.stop) + self.corner[0] + 0.5) * (self.gsd * math.sin(angle))
        return np.asarray(y[:, None] + x[None, :], np.float32)

    def field(self, name: str) -> FloatArray:
        """A noise field over the whole canvas: fine, mid, large, huge, their mix slow, or ripple; float32 (height, width)."""
        if name not in self._fields:
            window = (*self.corner, self.height, self.width)

            def at(channel: int, metres: float, across: float | None = None) -> FloatArray:
                return noise.smooth(self.seed, channel, window, (metres / self.gsd, (across or metres) / self.gsd))

            if name == "fine":
                value = 0.6 * noise.white(self.seed, 0, window) + 0.8 * at(1, max(0.55, 1.2 * self.gsd))
            elif name == "mid":
                value = 0.7 * at(2, 1.9) + 0.7 * at(3, 5.3) if self.gsd < 1.5 else at(3, 5.3)
            elif name == "large":
                value = 0.7 * at(4, 14.0) + 0.7 * at(5, 37.0)
            elif name == "huge":
                value = 0.6 * at(6, 83.0) + 0.8 * at(7, 190.0)
            elif name == "slow":
                value = self.field("huge") * 0.6 + self.field("large") * 0.55 + self.field("mid") * 0.35
                value += self.field("fine") * 0.12
            else:
                value = 0.6 * at(8, max(1.1, self.gsd), max(2.6, 2 * self.gsd)) + 0.6 * at(9, 3.1, 9.0)
            self._fields[name] = value
        return self._fields[name]
