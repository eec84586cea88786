"""A drawn country without end: which pixels lie where is a function of seed and position alone.

The country is a grid of square cells between roads, each drawn once with the scenes' own layouts. Whatever stands or moves
stays inside its cell, ground textures run on across them, and the roads on the borders are drawn alike from both sides;
so any window is put together from cells, and windows agree where they meet.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.synthetic import grounds
from rs2sam2.data.synthetic.canvas import Canvas, Drawn, Sun
from rs2sam2.data.synthetic.materials import CONCRETE
from rs2sam2.data.synthetic.noise import smooth
from rs2sam2.data.synthetic.render import Camera, check_seed
from rs2sam2.data.synthetic.scenes import SCENES
from rs2sam2.data.synthetic.shapes import Points, points, shifted, stroke
from rs2sam2.data.synthetic.site import Site

BLOCK = 256
"""Cells are whole numbers of such blocks wide, so that a tiled file takes each block in one piece."""
CELL_METRES = 384
REMEMBERED = 16
MARGIN = 8
"""Pixels drawn beyond a cell and cut off again, so that the lens blur sees its neighbours."""
ROAD_WIDTH = 9.0
VERGE = ROAD_WIDTH / 2 + 5.0
"""Metres between a cell's border and what is laid out in it."""

TOWN, COUNTRY = ("suburb", "suburb", "sports", "roads", "suburb"), ("fields", "fields", "river", "fields")
WORKS = ("tank-farm", "airfield", "harbour")


@dataclass(frozen=True)
class Cell:
    """A finished cell: ``image`` uint8 (n, n, 3) and what it holds, outlines in pixels of the whole country.

    ``drawn`` is what was laid out within ``bounds`` (x0, y0, x1, y1): what lies flat may reach beyond and is cut there.
    ``borders`` are the roads around the cell with their traffic, by (axis, row, column); each belongs to two cells.
    """

    image: NDArray[np.uint8]
    drawn: tuple[Drawn, ...]
    bounds: tuple[float, float, float, float]
    borders: dict[tuple[int, int, int], tuple[Drawn, ...]]


class World:
    """The country of a ``seed`` at a ground sampling distance ``gsd`` (metres); row and column 0 are anywhere in it.

    Raises UsageError for a seed below 0.
    """

    def __init__(self, seed: int, gsd: float) -> None:
        check_seed(seed)
        self.seed, self.gsd = seed, gsd
        self.cell_pixels = BLOCK * min(8, max(1, round(CELL_METRES / gsd / BLOCK)))
        rng = np.random.default_rng([seed, 5])
        self.sun = Sun(float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.6, 1.1)))
        self.camera = Camera.draw(rng)
        self._kept: OrderedDict[tuple[int, int], Cell] = OrderedDict()

    def kind(self, i: int, j: int) -> str:
        """The kind of scene in cell row ``i``, column ``j``: towns cluster, works lie among both."""
        rng = np.random.default_rng([self.seed, 6, i % 2**32, j % 2**32])
        if rng.random() < 0.3:
            return WORKS[int(rng.integers(len(WORKS)))]
        settled = float(smooth(self.seed, 11, (i, j, 1, 1), (4.0, 4.0))[0, 0])
        choices = TOWN if settled > 0 else COUNTRY
        return choices[int(rng.integers(len(choices)))]

    def cell(self, i: int, j: int) -> Cell:
        """The cell in row ``i``, column ``j`` of the country; the last few drawn are remembered."""
        if (i, j) not in self._kept:
            self._kept[i, j] = self._draw(i, j)
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        self._kept.move_to_end((i, j))
        return self._kept[i, j]

    def _draw(self, i: int, j: int) -> Cell:
        n, gsd = self.cell_pixels, self.gsd
        side = n + 2 * MARGIN
        rng = np.random.default_rng([self.seed, 7, i % 2**32, j % 2**32])
        quarter = int(rng.integers(4)) * math.pi / 2
        extent, inset = side * gsd, MARGIN * gsd + VERGE
        corner = (i * n - MARGIN, j * n - MARGIN)
        bounds = (inset, inset, extent - inset, extent - inset)
        canvas = Canvas((side, side), gsd, self.seed, rng, self.sun, quarter, corner, bounds, masks=False)
        edge = math.ceil(inset / gsd)
        inner = (edge, edge, side - edge, side - edge)
        canvas.window = inner
        layout, _ = SCENES[self.kind(i, j)]
        layout(Site(canvas, extent, extent, extent / 2 - inset))
        canvas.window = (0, 0, side, side)
        canvas.rotate(0.0)
        laid_out, canvas.drawn = canvas.drawn, []
        borders = self._borders(canvas, i, j)
        canvas.rotate(quarter)
        canvas.window = inner
        canvas.rng = rng
        canvas.finish()
        image = self.camera.develop(canvas.colours, rng)[MARGIN:-MARGIN, MARGIN:-MARGIN]
        inside = (corner[1] + edge, corner[0] + edge, corner[1] + side - edge, corner[0] + side - edge)
        moved = {key: tuple(_moved(d, corner) for d in drawn) for key, drawn in borders.items()}
        return Cell(np.ascontiguousarray(image), tuple(_moved(d, corner) for d in laid_out), inside, moved)

    def _borders(self, canvas: Canvas, i: int, j: int) -> dict[tuple[int, int, int], list[Drawn]]:
        """Draw the roads around a cell and their traffic, which depend on the border alone."""
        far, near = (self.cell_pixels + MARGIN) * self.gsd, MARGIN * self.gsd
        a, b = -20.0, (self.cell_pixels + 2 * MARGIN) * self.gsd + 20.0
        lines = {
            (0, i, j): points([(a, near), (b, near)]),
            (0, i + 1, j): points([(a, far), (b, far)]),
            (1, i, j): points([(near, a), (near, b)]),
            (1, i, j + 1): points([(far, a), (far, b)]),
        }
        for line in lines.values():
            canvas.paint(stroke(line, ROAD_WIDTH + 3.4), CONCRETE.tinted(0.92), 0.9)
        for line in lines.values():
            grounds.road(canvas, line, ROAD_WIDTH, "lane", annotate=False)
        limit, canvas.bounds = canvas.bounds, None
        found = {}
        for key, line in lines.items():
            axis, row, column = key
            canvas.rng = np.random.default_rng([self.seed, 8, axis, row % 2**32, column % 2**32])
            between = _between(line, near, far, axis, 14.0)
            canvas.line(between, 0.15, grounds.YELLOW, 0.6)
            canvas.drawn = []
            canvas.instance("road", stroke(_between(line, near, far, axis, 0.0), ROAD_WIDTH), kind="street")
            grounds.traffic(canvas, between, ROAD_WIDTH, 70.0)
            found[key] = canvas.drawn
        canvas.bounds = limit
        return found

    def window(self, row: int, column: int, height: int, width: int) -> NDArray[np.uint8]:
        """Pixels of any part of the country: uint8 (height, width, 3)."""
        out = np.empty((height, width, 3), np.uint8)
        n = self.cell_pixels
        for i in range(row // n, (row + height - 1) // n + 1):
            for j in range(column // n, (column + width - 1) // n + 1):
                y0, y1 = max(row, i * n), min(row + height, (i + 1) * n)
                x0, x1 = max(column, j * n), min(column + width, (j + 1) * n)
                part = self.cell(i, j).image[y0 - i * n : y1 - i * n, x0 - j * n : x1 - j * n]
                out[y0 - row : y1 - row, x0 - column : x1 - column] = part
        return out


def _between(line: Points, near: float, far: float, axis: int, gap: float) -> Points:
    """The part of a border between its crossings, ``gap`` metres short of them."""
    out = line.copy()
    out[:, axis] = (near + gap, far - gap)
    return out


def _moved(drawn: Drawn, corner: tuple[int, int]) -> Drawn:
    """The same with outlines in pixels of the country, for a canvas whose upper left pixel is ``corner``."""
    row, column = corner
    outlines, holes = ([shifted(o, column, row) for o in group] for group in (drawn.outlines, drawn.holes))
    return replace(drawn, outlines=outlines, holes=holes)
