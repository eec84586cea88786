"""What surfaces look like from above: a base colour and how it varies over fractions of a metre to a hundred metres."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from rs2sam2.data.synthetic.frame import Frame
from rs2sam2.data.synthetic.noise import FloatArray

Rgb = tuple[float, float, float]


def brighter(rgb: Rgb, factor: float) -> Rgb:
    """A colour times a factor, short of pure white."""
    return (min(rgb[0] * factor, 252.0), min(rgb[1] * factor, 252.0), min(rgb[2] * factor, 252.0))


@dataclass(frozen=True)
class Material:
    """A surface. Colours are 0-255, amplitudes shares of the base colour.

    ``fine``, ``mid``, ``large`` weigh noise of about 1, 5 and 40 metres. ``patch`` is a second colour that shows where
    slow noise is high (``cover`` of the area, roughly). ``stripes`` = (period in metres, heading in radians, amplitude)
    darkens and lightens in rows, ``slabs`` = (side in metres, heading, joint amplitude) draws a grid of cast plates.
    """

    rgb: Rgb
    fine: float = 0.03
    mid: float = 0.03
    large: float = 0.05
    patch: Rgb | None = None
    cover: float = 0.3
    stripes: tuple[float, float, float] | None = None
    slabs: tuple[float, float, float] | None = None

    def tinted(self, factor: float) -> Material:
        """The same surface, lighter or darker."""
        return replace(self, rgb=(factor * self.rgb[0], factor * self.rgb[1], factor * self.rgb[2]))

    def sample(self, frame: Frame, rows: slice, columns: slice) -> FloatArray:
        """The surface's colours on a part of the frame: float32 (h, w, 3)."""
        fine, mid = frame.field("fine")[rows, columns], frame.field("mid")[rows, columns]
        large = frame.field("large")[rows, columns]
        light = self.fine * fine
        light += self.mid * mid
        light += self.large * large
        light += 1
        if self.stripes is not None:
            period, heading, amplitude = self.stripes
            u = frame.ruler(rows, columns, heading)
            blur = math.exp(-((frame.gsd / period) ** 2) * 6)  # rows finer than a pixel are not seen
            light += amplitude * blur * np.sin(u * (2 * math.pi / period)) * (1 + 0.3 * mid)
        if self.slabs is not None:
            light *= self._slabs(frame, rows, columns)
        base = np.asarray(self.rgb, np.float32)
        if self.patch is None:
            return light[..., None] * base
        threshold = 1.2 - 2.4 * self.cover
        blend = frame.field("slow")[rows, columns] - np.float32(threshold - 0.5 / 0.9)
        blend *= np.float32(0.9)
        np.clip(blend, 0, 1, out=blend)
        colour = blend[..., None] * (np.asarray(self.patch, np.float32) - base)
        colour += base
        colour *= light[..., None]
        return colour

    def _slabs(self, frame: Frame, rows: slice, columns: slice) -> FloatArray:
        assert self.slabs is not None
        side, heading, amplitude = self.slabs
        u = frame.ruler(rows, columns, heading) / side
        v = frame.ruler(rows, columns, heading + math.pi / 2) / side
        iu, iv = np.floor(u), np.floor(v)
        # A cheap hash gives every plate its own shade.
        shade = np.sin(iu * 12.9898 + iv * 78.233) * 437.585
        shade -= np.floor(shade)
        joint = np.minimum(np.minimum(u - iu, iu + 1 - u), np.minimum(v - iv, iv + 1 - v)) * (side / frame.gsd)
        return np.asarray((1 + 0.07 * (shade - 0.5)) * (1 - amplitude * np.clip(1 - joint, 0, 1)), np.float32)


GRASS = Material((78, 92, 54), 0.09, 0.05, 0.06, (112, 106, 68), 0.25)
LAWN = Material((70, 94, 48), 0.07, 0.04, 0.04, (96, 104, 58), 0.25)
DRY_GRASS = Material((142, 130, 94), 0.07, 0.05, 0.06, (104, 106, 66), 0.35)
SOIL = Material((150, 128, 98), 0.06, 0.05, 0.06, (126, 104, 78), 0.3)
SAND = Material((186, 168, 132), 0.05, 0.04, 0.04, (170, 148, 112), 0.3)
CLAY = Material((158, 128, 100), 0.05, 0.04, 0.03)
ASPHALT = Material((94, 94, 96), 0.05, 0.035, 0.05, (108, 107, 105), 0.25)
NEW_ASPHALT = Material((66, 67, 70), 0.05, 0.03, 0.04)
CONCRETE = Material((156, 152, 142), 0.035, 0.03, 0.04, (138, 134, 124), 0.3)
GRAVEL = Material((148, 141, 128), 0.08, 0.05, 0.05, (126, 118, 104), 0.3)
SCRUB = Material((84, 88, 58), 0.12, 0.12, 0.1, (132, 118, 86), 0.35)
FOREST_FLOOR = Material((50, 62, 36), 0.16, 0.16, 0.08, (64, 72, 42), 0.3)
