"""A picture in the making: polygons in metres go in, an antialiased photograph and exact masks come out.

A scene is painted in three passes, as light sees it: the ground and what lies flat on it, then one layer of shadow over
all of that, then what stands up (`Canvas.later`). Coverage is sampled 4 x 4 a pixel; the masks are the pixels that
the very same coverage fills by at least half, less whatever hides them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFilter

from rs2sam2.data.synthetic.frame import Frame
from rs2sam2.data.synthetic.materials import Material, Rgb
from rs2sam2.data.synthetic.noise import FloatArray
from rs2sam2.data.synthetic.shapes import Points, points, sweep

SUBPIXELS = 4
SHADOW_SUBPIXELS = 2
MIN_LINE_PIXELS = 0.5
"""A thinner painted line is drawn this wide and paler, which is how a sensor sees it."""
COVER, PAVING = "cover", "paving"
"""The categories of what hides and is no object itself, see `Canvas.hide`."""
THINGS = ("airplane", "building", "chimney", "ship", "storage tank", "windmill", COVER)
GROUNDS = ("expressway service area", "expressway toll station", "ground track field", "harbor", "stadium")
HIDES = {"vehicle": 1, PAVING: 1, **dict.fromkeys(THINGS, 2), "tree": 3}
"""What hides others: above 0 another of these (what lies on a road is part of it), above 1 other masks, too, above 2 even `GROUNDS`."""
KEEPS = {**dict.fromkeys(HIDES, 0), **dict.fromkeys(GROUNDS, 2), "golf field": 3}
"""What hides no more than this is kept by a mask, 1 by those not named: it stands on the object and belongs to it."""


@dataclass(frozen=True)
class Sun:
    """Where light comes from: ``azimuth`` of the shadows in the picture (radians), their length a metre of height."""

    azimuth: float
    reach: float
    darkness: float = 0.58


@dataclass
class Drawn:
    """An instance as painted: its outlines and holes in pixels (x, y), and the pixels they fill (none if not asked for)."""

    category: str
    outlines: list[Points]
    holes: list[Points]
    rows: slice
    columns: slice
    mask: NDArray[np.bool_]
    attributes: dict[str, object] = field(default_factory=dict)
    level: float = 0.0


class Canvas(Frame):
    """A frame that is painted on.

    With ``bounds`` (x0, y0, x1, y1 in scene metres), what stands or moves is drawn only where it lies wholly inside.
    Outlines are painted only within ``window`` (x0, y0, x1, y1 in pixels; at first all). Without ``masks``, instances
    keep their outlines alone.
    """

    def __init__(
        self,
        size: tuple[int, int],
        gsd: float,
        seed: int,
        rng: np.random.Generator,
        sun: Sun,
        rotation: float = 0.0,
        corner: tuple[int, int] = (0, 0),
        bounds: tuple[float, float, float, float] | None = None,
        masks: bool = True,
    ) -> None:
        super().__init__(size, gsd, seed, rotation, corner)
        self.rng, self.sun, self.bounds, self.masks = rng, sun, bounds, masks
        self.window = (0, 0, self.width, self.height)
        self.colours = np.zeros((self.height, self.width, 3), np.float32)
        self.drawn: list[Drawn] = []
        self._masked: list[Drawn] = []  # what is drawn and what hides it, in the order of the calls
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._shade = Image.new("L", (self.width * SHADOW_SUBPIXELS, self.height * SHADOW_SUBPIXELS))
        self._shade_draw = ImageDraw.Draw(self._shade)

    def fits(self, *outlines: Points) -> bool:
        """Whether outlines lie within the bounds, if there are any. Objects ask before they draw themselves."""
        if self.bounds is None:
            return True
        low = np.min([o.min(0) for o in outlines], 0)
        high = np.max([o.max(0) for o in outlines], 0)
        x0, y0, x1, y1 = self.bounds
        return bool(low[0] >= x0 and low[1] >= y0 and high[0] <= x1 and high[1] <= y1)

    # -- painting ----------------------------------------------------------------------------------------------------

    def coverage(
        self, outlines: Iterable[ArrayLike], holes: Iterable[ArrayLike] = ()
    ) -> tuple[slice, slice, FloatArray] | None:
        """Which share of each pixel polygons fill: (rows, columns, float32 (h, w)), or None outside the picture."""
        shapes = [self.to_pixels(outline) for outline in outlines]
        x0, y0, x1, y1 = self.window
        corners = shapes[0] if len(shapes) == 1 else np.concatenate(shapes)
        (left, top), (right, bottom) = corners.min(0).tolist(), corners.max(0).tolist()
        x0, y0 = max(math.floor(left), x0), max(math.floor(top), y0)
        x1, y1 = min(math.ceil(right) + 1, x1), min(math.ceil(bottom) + 1, y1)
        if x0 >= x1 or y0 >= y1:
            return None
        image = Image.new("L", ((x1 - x0) * SUBPIXELS, (y1 - y0) * SUBPIXELS))
        draw = ImageDraw.ImageDraw(image)
        corner = (x0 + 0.5 / SUBPIXELS, y0 + 0.5 / SUBPIXELS)
        for shape in shapes:
            draw.polygon(((shape - corner) * SUBPIXELS).ravel().tolist(), fill=255)
        for hole in holes:
            draw.polygon(((self.to_pixels(hole) - corner) * SUBPIXELS).ravel().tolist(), fill=0)
        small = image.reduce(SUBPIXELS)
        alpha = np.frombuffer(small.tobytes(), np.uint8).reshape(y1 - y0, x1 - x0) * np.float32(1 / 255)
        return slice(y0, y1), slice(x0, x1), alpha

    def paint(
        self,
        outlines: ArrayLike | list[Points],
        surface: Material | Rgb,
        alpha: float = 1.0,
        holes: Iterable[ArrayLike] = (),
        clip: ArrayLike | None = None,
        feather: float = 0.0,
    ) -> None:
        """Lay a colour or material over a polygon (or a list of them); ``feather`` softens its edge (metres)."""
        group = outlines if isinstance(outlines, list) and np.ndim(outlines[0]) == 2 else [points(outlines)]
        covered = self.coverage(group, holes)
        if covered is None:
            return
        rows, columns, cover = covered
        if feather > self.gsd / 2:
            cover = _blur(cover, feather / self.gsd)
        if clip is not None:
            other = self.coverage([clip])
            if other is None:
                return
            full = np.zeros((self.height, self.width), np.float32)
            full[other[0], other[1]] = other[2]
            cover = cover * full[rows, columns]
        self.blend(rows, columns, cover * np.float32(alpha), surface)

    def blend(self, rows: slice, columns: slice, cover: FloatArray, surface: Material | Rgb | FloatArray) -> None:
        """Lay a colour, material or picture (h, w, 3) over part of the canvas by its share of each pixel."""
        part = self.colours[rows, columns]
        if isinstance(surface, Material):
            surface = surface.sample(self, rows, columns)
        elif isinstance(surface, tuple):
            surface = np.array(surface, np.float32)
        change = surface - part
        change *= cover[..., None]
        part += change

    def roughen(self, outlines: list[Points], fine: float) -> None:
        """Give flatly painted outlines a grain of ``fine`` times their colour."""
        covered = self.coverage(outlines)
        if covered is not None:
            rows, columns, cover = covered
            self.colours[rows, columns] *= (1 + fine * cover * self.field("fine")[rows, columns])[..., None]

    def line(self, path: Points, width: float, surface: Material | Rgb, alpha: float = 1.0) -> None:
        """Paint an open line of ``width`` metres; one thinner than a pixel gets paler instead of thinner."""
        from rs2sam2.data.synthetic.shapes import stroke

        least = MIN_LINE_PIXELS * self.gsd
        self.paint(stroke(path, max(width, least)), surface, alpha * min(1.0, width / least))

    def fill(self, surface: Material | Rgb | FloatArray) -> None:
        """Lay a surface over the whole canvas."""
        if isinstance(surface, Material):
            surface = surface.sample(self, slice(0, self.height), slice(0, self.width))
        self.colours[:] = surface

    # -- light -------------------------------------------------------------------------------------------------------

    def shadow_offset(self, height: float) -> tuple[float, float]:
        """How far the top of something ``height`` metres high throws its shadow, in scene metres."""
        angle = self.sun.azimuth - self.rotation
        return height * self.sun.reach * math.cos(angle), height * self.sun.reach * math.sin(angle)

    def facing(self, heading: float) -> float:
        """How much a slope that falls towards ``heading`` (scene) looks into the sun, -1 to 1."""
        return -math.cos(heading + self.rotation - self.sun.azimuth)

    def shadow(self, outline: ArrayLike, height: float, base: float = 0.0) -> None:
        """Cast a shadow of a polygon that stands from ``base`` to ``height`` metres onto the ground."""
        factor = SHADOW_SUBPIXELS / self.gsd * self.sun.reach
        along = np.array([math.cos(self.sun.azimuth), math.sin(self.sun.azimuth)]) * factor
        foot = self.to_pixels(outline) * SHADOW_SUBPIXELS - 0.5 + along * base
        span = along * (height - base)
        for piece in sweep(foot, (float(span[0]), float(span[1]))) if height > base else [foot]:
            self._shade_draw.polygon(piece.ravel().tolist(), fill=255)

    def later(self, level: float, action: Callable[[], None]) -> None:
        """Paint something that stands up, after all shadows; lower levels first."""
        self._later.append((level, len(self._later), action))

    # -- truth -------------------------------------------------------------------------------------------------------

    def instance(
        self,
        category: str,
        outlines: ArrayLike | list[Points],
        holes: Sequence[ArrayLike] = (),
        pixels: tuple[slice, slice, FloatArray] | None = None,
        level: float = 0.0,
        **attributes: object,
    ) -> None:
        """Record an object: the pixels its outlines fill by at least half (or ``pixels``: rows, columns, coverage).

        ``level`` is that of `later` for what is painted there. `finish` takes what is hidden from the mask.
        """
        group = outlines if isinstance(outlines, list) and np.ndim(outlines[0]) == 2 else [points(outlines)]
        outlines, cut = [self.to_pixels(o) for o in group], [self.to_pixels(h) for h in holes]
        if not self.masks:
            nothing = slice(0, 0)
            self.drawn.append(Drawn(category, outlines, cut, nothing, nothing, np.zeros((0, 0), bool), attributes))
            return
        covered = self.coverage(group, holes) if pixels is None else pixels
        if covered is not None and (mask := covered[2] >= 0.5).any():
            self.drawn.append(Drawn(category, outlines, cut, covered[0], covered[1], mask, attributes, level))
            self._masked.append(self.drawn[-1])

    def hide(self, outlines: ArrayLike | list[Points], level: float = 0.0, category: str = COVER) -> None:
        """Something that is no object (a bridge's deck) hides what is painted before it, at a lower ``level`` or so far."""
        group = outlines if isinstance(outlines, list) and np.ndim(outlines[0]) == 2 else [points(outlines)]
        covered = self.coverage(group) if self.masks else None
        if covered is not None:
            self._masked.append(Drawn(category, [], [], covered[0], covered[1], covered[2] >= 0.5, level=level))

    # -- developing --------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Cast the shadows, then paint what stands up, and take what it hides from the masks."""
        shade = self._shade.reduce(SHADOW_SUBPIXELS).filter(ImageFilter.GaussianBlur(0.6))
        dark = np.asarray(shade, np.float32) * np.float32(self.sun.darkness / 255)
        # Shadows are lit by the sky, so they turn blue.
        self.colours *= 1 - dark[..., None] * np.array([1.05, 1.0, 0.9], np.float32)
        for _, _, action in sorted(self._later, key=lambda item: item[:2]):
            action()
        self._later.clear()
        hiding = np.zeros((self.height, self.width), np.uint8)  # by what comes later, see `HIDES`
        for drawn in sorted(self._masked, key=lambda drawn: drawn.level)[::-1]:
            above = hiding[drawn.rows, drawn.columns]
            kept = above <= KEEPS.get(drawn.category, 1)
            np.maximum(
                above, drawn.mask * np.uint8(HIDES.get(drawn.category, 0)), out=above
            )  # with what is hidden itself
            drawn.mask &= kept


def _blur(cover: FloatArray, radius: float) -> FloatArray:
    image = Image.fromarray(np.asarray(cover * 255, np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / np.float32(255)
