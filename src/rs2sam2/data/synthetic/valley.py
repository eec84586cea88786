"""Valleys with a lake in them: the lie of the land, woods, fields, bare shores, still and running water, roads along slopes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.synthetic import materials as m
from rs2sam2.data.synthetic import noise
from rs2sam2.data.synthetic.materials import Material, Rgb
from rs2sam2.data.synthetic.noise import FloatArray
from rs2sam2.data.synthetic.shapes import Points, points
from rs2sam2.data.synthetic.site import Site

# Ground, its bare soil, the woods' green, how much is wooded, how much of the gentle slopes is fields.
COUNTRIES: tuple[tuple[Material, Rgb, Rgb, float, float], ...] = (
    (m.GRASS, (146, 128, 98), (56, 74, 42), 0.65, 0.2),
    (m.GRASS, (150, 140, 122), (40, 57, 40), 0.85, 0.0),
    (m.LAWN, (158, 116, 84), (58, 82, 42), 0.8, 0.15),
    (m.SCRUB, (164, 142, 108), (70, 82, 52), 0.4, 0.15),
    (m.GRASS, (142, 124, 96), (60, 78, 46), 0.25, 0.9),
    (m.DRY_GRASS, (176, 154, 120), (84, 92, 60), 0.2, 0.3),
    (Material((164, 138, 108), 0.05, 0.04, 0.08, (142, 116, 92), 0.4), (182, 158, 126), (96, 98, 70), 0.06, 0.0),
    (Material((128, 122, 110), 0.07, 0.05, 0.08, (98, 102, 72), 0.45), (160, 154, 142), (62, 74, 48), 0.25, 0.0),
)
WATERS: tuple[Rgb, ...] = ((24, 46, 58), (30, 58, 66), (38, 66, 58), (44, 84, 88), (62, 108, 112), (56, 76, 62),
                           (96, 100, 78), (128, 112, 84), (18, 34, 44), (46, 62, 44))  # fmt: skip
CROPS = np.array([(96, 116, 62), (122, 126, 74), (156, 142, 98), (132, 108, 80), (76, 102, 56), (170, 154, 108),
                  (106, 90, 68), (140, 148, 84)], np.float32)  # fmt: skip


class Land:
    """The lie of the land around a dam of ``length`` and ``rise`` at (x, y), upstream towards smaller y.

    ``power`` shapes the valley (1 a gorge, 6 a flat bed between banks), ``hills`` are so many rises high above the crest.
    """

    def __init__(self, site: Site, at: tuple[float, float], length: float, rise: float, power: float, hills: float,
                 rough: float) -> None:  # fmt: skip
        c, rng = site.canvas, site.canvas.rng
        self.canvas, self.at, self.length, self.rise, self.power = c, at, length, rise, power
        self.frame = max(site.width, site.height)
        self.bends = [float(v) * self.frame for v in rng.normal(0, 0.07, 2)]
        self.wave = self.frame * float(rng.uniform(0.7, 1.6))
        self.wider = (float(rng.uniform(0.0, 1.6)), float(rng.uniform(-0.3, 0.4))) if power < 5 else (0.1, 0.0)
        origin, right, down = c.to_pixels([(0, 0), (1, 0), (0, 1)])
        back = np.linalg.inv(np.stack([right - origin, down - origin]))
        px = np.arange(c.width)[None, :] + 0.5 - origin[0]
        py = np.arange(c.height)[:, None] + 0.5 - origin[1]
        self.u = np.asarray(px * back[0, 0] + py * back[1, 0] - at[0], np.float32)
        self.v = np.asarray(px * back[0, 1] + py * back[1, 1] - at[1], np.float32)
        u, v = self.u, self.v
        calm = 1 - np.exp(-(((u / (0.8 * length)) ** 2 + (v / (0.45 * length)) ** 2) ** 2))
        jitter = (0.035 * self.noise(24, 0.18) + 0.012 * self.noise(25, 0.06)) * min(length, 0.4 * self.frame) * 2
        self.off = np.abs(u - self.middle(v) + jitter * calm)
        reach = np.abs(v) / (np.abs(v) + length)
        half = length / 2 * (1 + np.where(v < 0, self.wider[0], self.wider[1]) * reach)
        out = self.off / half
        height = np.where(out < 1, out**power, 1 + hills * (1 - np.exp(-np.maximum(out - 1, 0) * power / hills)))
        n = np.abs(self.noise(20, 0.3)) + 0.5 * np.abs(self.noise(21, 0.13)) + 0.26 * np.abs(self.noise(22, 0.06))
        n += 0.08 * self.noise(23, 0.025) - 1.05
        height = height + rough * n * calm * (0.2 + np.minimum(out, 1.6))
        # A dam stands between two spurs: no arm of the lake runs round its ends.
        away = np.abs(v + 0.12 * length * self.noise(21, 0.13)) / length
        spur = 1.08 - 3 * np.maximum(away - 0.06, 0) - 4 * np.maximum(0.56 - np.abs(u) / length, 0)
        height = np.maximum(height, spur)
        self.height = np.asarray(height * rise, np.float32)

    def noise(self, channel: int, share: float) -> FloatArray:
        """Smooth noise with bumps of a share of the frame."""
        c = self.canvas
        spacing = max(share * self.frame / c.gsd, 1.0)
        return noise.smooth(c.seed, channel, (*c.corner, c.height, c.width), (spacing, spacing))

    def middle(self, v: FloatArray) -> FloatArray:
        """How far the valley's middle has bent sideways ``v`` metres downstream."""
        bend = np.where(v < 0, self.bends[0], self.bends[1]) * (1 - np.cos(v * (2 * math.pi / self.wave)))
        return np.asarray(bend, np.float32)

    def level(self, x: float, y: float) -> float:
        """The ground's height at a place; outside the picture that of its nearest edge."""
        px, py = self.canvas.to_pixels([(x, y)])[0]
        row, column = min(max(int(py), 0), self.canvas.height - 1), min(max(int(px), 0), self.canvas.width - 1)
        return float(self.height[row, column])

    def track(self, start: tuple[float, float], heading: float, level: float) -> Points:
        """A road that follows the slopes at about one level until it leaves the picture."""
        p, d = np.array(start), np.array([math.cos(heading), math.sin(heading)])
        path, step = [p], max(6.0, 0.012 * self.frame)
        for _ in range(260):
            x, y = (p + d * step).tolist()
            slope = np.array([self.level(x + 9, y) - self.level(x - 9, y), self.level(x, y + 9) - self.level(x, y - 9)])
            slope /= max(float(np.hypot(*slope)), 0.05)
            level_line = np.array([-slope[1], slope[0]])
            level_line *= 1 if level_line @ d > 0 else -1
            wrong = float(np.clip((self.level(x, y) - level) / 12, -1, 1))
            d = 0.72 * d + 0.28 * level_line - 0.3 * wrong * slope
            d /= max(float(np.hypot(*d)), 1e-6)
            p = p + d * step
            if len(path) > 8 and np.hypot(*(np.array(path[:-6]) - p).T).min() < 2 * step:
                break  # it would cross itself
            path.append(p)
            px, py = self.canvas.to_pixels([p])[0]
            if not (-9 < px < self.canvas.width + 9 and -9 < py < self.canvas.height + 9):
                break
            row, column = min(max(int(py), 0), self.canvas.height - 1), min(max(int(px), 0), self.canvas.width - 1)
            if self.water[row, column] and len(path) > 3:
                break
        return points(path)

    def paint(self, dam: Points, lake: float, river: float, basin: float, wet: bool) -> NDArray[np.bool_]:
        """Woods, fields, bare shores, the lake up to ``lake``, a river from a ``basin`` so wide. Returns open ground."""
        c, rng = self.canvas, self.canvas.rng
        everything = slice(0, c.height), slice(0, c.width)
        ground, soil, green, wooded, farmed = COUNTRIES[int(rng.integers(len(COUNTRIES)))]
        picture = ground.tinted(float(rng.uniform(0.85, 1.15))).sample(c, *everything)
        grey = np.gradient(self.height, c.gsd)
        steep = np.hypot(grey[0], grey[1])
        side, turn = float(rng.uniform(50, 140)), float(rng.uniform(0, math.pi))
        a, b = c.ruler(*everything, turn) / side, c.ruler(*everything, turn + math.pi / 2) / (1.7 * side)
        a = a + 0.5 * np.floor(b)
        which = np.sin(np.floor(a) * 12.99 + np.floor(b) * 78.23) * 437.6
        which = which - np.floor(which)
        crop = CROPS[(which * 7.99).astype(int)] * (1 + 0.06 * c.field("fine") + 0.04 * c.field("large"))[..., None]
        edge = np.minimum(np.abs(a - np.rint(a)), np.abs(b - np.rint(b)) * 1.7) * side < 2.0
        field = (self.noise(30, 0.2) < 2.4 * farmed - 1.2) & (steep < 0.2) & (which < 0.9) & ~edge
        picture = np.where(field[..., None], crop, picture)
        rock = np.clip((steep - 1.1) * 2.5 + 0.5 * c.field("large"), 0, 1)[..., None] * np.float32(0.8)
        picture += rock * (np.array(soil, np.float32) * (1 + 0.09 * c.field("mid"))[..., None] - picture)
        lot = 0.7 * self.noise(31, 0.12) + 0.5 * self.noise(32, 0.04) + 0.3 * c.field("large") + 0.16 * c.field("mid")
        wood = np.clip((lot + 2.6 * wooded - 1.3 - (0.8 * field)) * 7, 0, 1)
        # Along the crest's ends and below the dam builders have cleared the ground.
        near = np.hypot(self.u / (0.62 * self.length), (self.v - 0.1 * self.length) / (0.25 * self.length + 20))
        wood *= np.clip((near - 1 + 0.2 * lot) * 5, 0, 1)
        crest = np.interp(self.u + self.at[0], dam[:, 0], dam[:, 1]) - self.at[1]
        upper = self.v < crest
        pool = np.clip((lake - self.height) / (steep * c.gsd + 0.05) + 0.5, 0, 1) * upper
        dry = ~self.joined(pool > 0.5) & (pool > 0)
        pool[dry] = 0
        self.pool = pool > 0.9
        wider = river / 2 + (basin - river) / 2 * np.exp(-((self.v / (0.3 * self.length + basin / 3)) ** 2))
        bed = wider * (1 + 0.25 * self.noise(33, 0.05)) - self.off
        stream = np.clip(bed / c.gsd + 0.5, 0, 1) * ~upper
        self.water = np.maximum(pool, stream) > 0.5
        shore = float(rng.choice([0.4, 1.5, 4.0, 9.0])) * min(1.0, self.rise / 25)
        bare = np.clip((lake + shore - self.height) / 0.8, 0, 1) * upper * ~dry
        bare = np.maximum(bare, np.clip((bed + float(rng.uniform(1, 4)) + 0.15 * river) / 3, 0, 1) * ~upper)
        wood *= 1 - bare
        crown = noise.smooth(c.seed, 34, (*c.corner, c.height, c.width), (max(6 / c.gsd, 1.3), max(6 / c.gsd, 1.3)))
        leaves = (
            np.array(green, np.float32) * (1 + 0.1 * c.field("large") + 0.1 * crown + 0.1 * c.field("fine"))[..., None]
        )
        picture += wood[..., None] * (leaves - picture)
        marks = 1 + 0.05 * np.sin(self.height * 7) * (shore > 1) + 0.07 * c.field("mid") + 0.05 * c.field("fine")
        picture += bare[..., None] * (np.array(soil, np.float32) * np.float32(1.1) * marks[..., None] - picture)
        tone = np.array(WATERS[int(rng.integers(len(WATERS)))], np.float32) * np.float32(rng.uniform(0.85, 1.15))
        waves = 1 + float(rng.uniform(0.01, 0.04)) * c.field("ripple") + 0.04 * c.field("huge")
        shallow = np.exp(-np.maximum(lake - self.height, 0) / max(1.0, 0.06 * self.rise)) * np.float32(0.45)
        still = tone + shallow[..., None] * (np.array(soil, np.float32) * np.float32(0.8) - tone)
        flow = tone * np.float32(0.8) + np.float32(0.2) * np.array(soil, np.float32)
        surface = self.height * (1 - np.maximum(pool, stream)) + lake * pool + wood * (9 + 2.4 * crown)
        picture *= self.light(surface)[..., None]
        picture += pool[..., None] * (still * waves[..., None] - picture)
        if wet:
            picture += stream[..., None] * (flow * (waves + 0.03 * c.field("mid"))[..., None] - picture)
        picture *= (1 - np.float32(0.7 * c.sun.darkness) * self.shade(surface))[..., None] * np.array(
            [1, 1, 1.05], np.float32
        )
        c.fill(np.asarray(picture, np.float32))
        return np.asarray((wood + pool + stream + bare < 0.1) & (near > 1.1))

    def light(self, surface: FloatArray) -> FloatArray:
        """How bright slopes are."""
        down, right = np.gradient(surface, self.canvas.gsd)
        sun = self.canvas.sun.azimuth
        facing = (right * math.cos(sun) + down * math.sin(sun)) / np.sqrt(1 + right**2 + down**2)
        return np.asarray(np.clip(1 + 0.5 * facing, 0.5, 1.28), np.float32)

    def joined(self, wet: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which parts hang together with the water in the valley's middle; found on every fourth pixel."""
        small = np.pad(wet[::4, ::4], 1)
        seen = small & np.pad(self.off[::4, ::4] < 0.2 * self.length, 1)
        count = -1
        while (now := int(seen.sum())) > count:
            count = now
            for _ in range(8):
                seen[1:-1, 1:-1] |= seen[:-2, 1:-1] | seen[2:, 1:-1] | seen[1:-1, :-2] | seen[1:-1, 2:]
                seen &= small
        seen[1:-1, 1:-1] |= seen[:-2, 1:-1] | seen[2:, 1:-1] | seen[1:-1, :-2] | seen[1:-1, 2:]
        near = np.repeat(np.repeat(seen[1:-1, 1:-1], 4, 0), 4, 1)
        return np.asarray(near[: wet.shape[0], : wet.shape[1]])

    def shade(self, surface: FloatArray) -> FloatArray:
        """Where hills and woods cast shadows: 0 to 1."""
        c, dark = self.canvas, np.zeros_like(surface)
        distance = max(4.0, 1.5 * c.gsd)
        rows, columns = np.arange(c.height), np.arange(c.width)
        while distance < 0.12 * self.frame + 30:
            from_row = np.clip(rows - round(distance * math.sin(c.sun.azimuth) / c.gsd), 0, c.height - 1)
            from_column = np.clip(columns - round(distance * math.cos(c.sun.azimuth) / c.gsd), 0, c.width - 1)
            over = surface[from_row][:, from_column] - distance / c.sun.reach - surface
            dark = np.maximum(dark, np.clip(over / 3, 0, 1))
            distance *= 1.3
        return np.asarray(dark, np.float32)
