"""From a kind of scene and a seed to a picture and what is in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from rs2sam2.data.masks import box_of
from rs2sam2.data.synthetic.canvas import Canvas, Drawn, Sun
from rs2sam2.data.synthetic.noise import FloatArray
from rs2sam2.data.synthetic.scenes import SCENES
from rs2sam2.data.synthetic.shapes import Points
from rs2sam2.data.synthetic.site import Site
from rs2sam2.errors import UsageError

MIN_VISIBLE_PIXELS = 12
"""An object of which fewer pixels are seen is drawn but not recorded."""

MAX_SIDE = 4096
"""The longest side `render` draws in one piece; larger scenes are written window by window."""


@dataclass(frozen=True)
class Instance:
    """An object in a picture.

    ``mask`` is bool (H, W): the pixels it fills by at least half and that nothing above it hides. ``box`` is
    (x0, y0, x1, y1) around the mask in pixels, the end excluded. ``polygons`` are its outlines (N, 2), x and y in pixels,
    whole even where the frame or a tree cuts them; ``holes`` are cut out of them. ``attributes`` hold ``truncated`` (cut
    by the frame) and what its kind adds (colour, kind, length_m ...).
    """

    category: str
    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    polygons: tuple[Points, ...]
    holes: tuple[Points, ...]
    attributes: dict[str, object] = field(default_factory=dict)

    @property
    def area(self) -> int:
        """Pixels of the mask."""
        return int(self.mask.sum())


@dataclass(frozen=True)
class SyntheticScene:
    """A drawn scene: ``image`` uint8 (H, W, 3) RGB, its ``instances``, and how it was drawn (``gsd`` in metres)."""

    image: NDArray[np.uint8]
    instances: tuple[Instance, ...]
    scene: str
    gsd: float
    seed: int


def render(
    scene: str,
    size: tuple[int, int] = (512, 512),
    gsd: float | None = None,
    seed: int = 0,
    rotation: float | None = None,
) -> SyntheticScene:
    """Draw a scene.

    ``scene`` is one of `SCENES`, ``size`` (height, width) in pixels, ``gsd`` the ground sampling distance in metres (a
    usual one for the scene when None), ``rotation`` the scene's turn in radians (drawn at random when None). The
    same arguments always give the same picture and masks. Raises UsageError for a value outside its range.
    """
    if scene not in SCENES:
        raise UsageError(f"no synthetic scene is called {scene!r}; choose one of: {', '.join(SCENES)}")
    if not all(16 <= side <= MAX_SIDE for side in size):
        raise UsageError(f"size {size} was given; (height, width) must lie between 16 and {MAX_SIDE} pixels")
    if gsd is not None and not 0.03 <= gsd <= 5:
        raise UsageError(f"a ground sampling distance of {gsd} m was given; choose one between 0.03 and 5 m")
    check_seed(seed)
    layout, usual = SCENES[scene]
    rng = np.random.default_rng([seed, *scene.encode()])
    chosen = float(np.exp(rng.uniform(*np.log(usual)))) if gsd is None else gsd
    turn = float(rng.choice([0, 1, 2, 3])) * math.pi / 2
    if rng.random() < 0.6:
        turn += float(rng.uniform(-math.pi / 4, math.pi / 4))
    if rotation is not None:
        turn = rotation
    sun = Sun(float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.5, 1.3)), float(rng.uniform(0.45, 0.65)))
    texture = int(rng.integers(2**31))
    corner = (int(rng.integers(100_000)), int(rng.integers(100_000)))
    canvas = Canvas(size, chosen, texture, rng, sun, turn, corner)
    height, width = size[0] * chosen, size[1] * chosen
    reach = math.hypot(width, height) / 2 + 10 if turn else max(width, height) / 2 + 10
    layout(Site(canvas, width, height, reach))
    canvas.finish()
    image = Camera.draw(canvas.rng).develop(canvas.colours, canvas.rng)
    found = [instance for drawn in canvas.drawn if (instance := _record(canvas, drawn)) is not None]
    return SyntheticScene(image, tuple(found), scene, chosen, seed)


def check_seed(seed: int) -> None:
    """Raise UsageError for a number that cannot be a seed."""
    if seed < 0:
        raise UsageError(f"seed {seed} was given; seeds are whole numbers from 0")


AIR = (158.0, 173.0, 189.0)
"""The colour of haze."""


@dataclass(frozen=True)
class Camera:
    """What a sensor and its processing make of a scene. Blur is a deviation in pixels, noise one in grey levels."""

    exposure: float
    contrast: float
    saturation: float
    cast: tuple[float, float, float]
    haze: float
    blur: float
    noise: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Camera:
        """A believable camera."""
        r, g, b = (float(v) for v in rng.normal(1, 0.018, 3))
        exposure, contrast, saturation, haze, blur, noise = (
            float(rng.uniform(low, high))
            for low, high in ((0.82, 1.12), (0.92, 1.12), (0.62, 1.0), (0.0, 0.05), (0.35, 0.75), (1.0, 3.2))
        )
        return cls(exposure, contrast, saturation, (r, g, b), haze, blur, noise)

    def develop(self, colours: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
        """The photograph of painted ``colours`` float32 (H, W, 3), 0-255: uint8 (H, W, 3)."""
        grey, keep = np.full((3, 3), (1 - self.saturation) / 3), np.eye(3) * self.saturation
        mix = (grey + keep) * self.cast * (self.exposure * self.contrast * (1 - self.haze))
        air = np.array(AIR) * self.haze + 107 * (1 - self.contrast) * (1 - self.haze) + 0.5
        picture = colours @ mix.astype(np.float32)
        picture += air.astype(np.float32)
        image = Image.fromarray(np.clip(picture, 0, 255, out=picture).astype(np.uint8))
        blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(self.blur)))
        grain = rng.standard_normal(blurred.shape, np.float32)
        grain += grain[..., 1:2].copy()  # mostly grey, a little coloured
        grain *= np.float32(0.75 * self.noise)
        grain += blurred
        grain += np.float32(0.5)
        out: NDArray[np.uint8] = np.clip(grain, 0, 255, out=grain).astype(np.uint8)
        return out


def _record(canvas: Canvas, drawn: Drawn) -> Instance | None:
    if drawn.mask.sum() < MIN_VISIBLE_PIXELS:
        return None
    mask = np.zeros((canvas.height, canvas.width), bool)
    mask[drawn.rows, drawn.columns] = drawn.mask
    box = box_of(mask)
    assert box is not None
    corners = np.concatenate(drawn.outlines)
    beyond = (corners < 0).any() or (corners > (canvas.width, canvas.height)).any()
    attributes = drawn.attributes | {"truncated": bool(beyond)}
    return Instance(
        drawn.category,
        mask,
        box,
        tuple(drawn.outlines),
        tuple(drawn.holes),
        attributes,
    )
