"""A view: a window of a source, turned, photographed anew, with its objects in the frame of the model's square."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.symmetry import SYMMETRIES, Symmetry, turn_pixels
from rs2sam2.train.objects.sources import Piece, Pixels, Source

GONE = 0.02
"""An object of which less is left in the window is not in it."""


@dataclass(frozen=True)
class View:
    """What the model sees of a source, and what is there."""

    image: Pixels  # (S, S, 3) uint8
    layout: Layout  # in pixels of the window, not squashed: "long" stays long
    masks: tuple[NDArray[np.uint8] | None, ...]  # coverage (S/4, S/4), 0-255, one an object
    known: frozenset[str]
    counted: bool
    placed: bool
    somewhere: frozenset[str] = frozenset()


def draw_view(source: Source, random: Random, side: int, zoom: float, *, anew: bool = True) -> View:
    """A view of side `side`. With probability `zoom` the window closes in on an object; `anew`: photographed anew."""
    height, width = source.pixels.shape[:2]
    # what is somewhere must not be cut away
    window = (0, 0, width, height) if source.somewhere else _window(source, random, zoom)
    turn: Symmetry = random.choice(SYMMETRIES)
    return view_of(source, window, turn, side, random if anew else None)


def view_of(
    source: Source, window: tuple[float, float, float, float], turn: Symmetry, side: int, random: Random | None
) -> View:
    """The window (x0, y0, x1, y1 in pixels of the source), turned; photographed anew where `random` is given."""
    image = Image.fromarray(source.pixels).resize((side, side), Image.Resampling.BILINEAR, box=window)
    masks = [_mask(piece, window, side // 4) if piece else None for piece in source.pieces]
    # masks are squashed to a square; areas in pixels of the window
    cell = (window[2] - window[0]) * (window[3] - window[1]) / (side // 4) ** 2
    areas = []
    for o, mask in zip(source.layout.objects, masks, strict=True):
        common = max(0.0, min(o.box[2], window[2]) - max(o.box[0], window[0])) * max(
            0.0, min(o.box[3], window[3]) - max(o.box[1], window[1])
        )
        share = common / max(o.box_area, 1e-9)
        if mask is not None and share < 0.99:
            share = min(1.0, float(mask.sum()) / 255 * cell / max(o.area, 1e-9))
        areas.append(o.area * (share if share > GONE else 0.0))
    layout, old = source.layout.cropped(window, areas)
    layout = layout.turned(turn)
    kept = tuple(np.ascontiguousarray(turn_pixels(mask, turn)) if (mask := masks[i]) is not None else None for i in old)
    pixels = np.ascontiguousarray(turn_pixels(np.asarray(image), turn))
    if random is not None:
        pixels, colour_safe = photograph(pixels, random)
        if not colour_safe:
            layout = replace(layout, objects=tuple(replace(o, colors=None) for o in layout.objects))
    return View(pixels, layout, kept, source.known, source.counted, source.placed, source.somewhere)


def _mask(piece: Piece, window: tuple[float, float, float, float], side: int) -> NDArray[np.uint8]:
    """A piece drawn in the window's frame, (side, side) coverage; drawn twice as large and averaged."""
    x, y = (window[2] - window[0]) / (2 * side), (window[3] - window[1]) / (2 * side)
    left, top = window[0] - piece.left, window[1] - piece.top
    cover = np.zeros((side, side), np.uint8)
    # most pieces are small: no more of the frame is drawn than they reach
    (x0, x1), (y0, y1) = _reach(left, piece.mask.width, x, side), _reach(top, piece.mask.height, y, side)
    if x0 < x1 and y0 < y1:
        fine = piece.mask.transform(
            (2 * (x1 - x0), 2 * (y1 - y0)),
            Image.Transform.AFFINE,
            (x, 0, left + 2 * x0 * x, 0, y, top + 2 * y0 * y),
            Image.Resampling.BILINEAR,
        )
        cover[y0:y1, x0:x1] = np.asarray(fine.reduce(2))
    return cover


def _reach(start: float, length: int, scale: float, side: int) -> tuple[int, int]:
    """First and last cell (excluded) of `side` that a piece `length` long may touch; cells are 2 x `scale` long."""
    low, high = -start / (2 * scale), (length - start) / (2 * scale)
    return max(0, math.floor(low) - 1), min(side, math.ceil(high) + 1)


def _window(source: Source, random: Random, zoom: float) -> tuple[float, float, float, float]:
    height, width = source.pixels.shape[:2]
    dice = random.random()
    if dice < zoom and source.layout.objects:
        # so close that the object covers between 1 and 60 % of the frame, all sizes alike in their logarithm
        o = random.choice(source.layout.objects)
        x0, y0, x1, y1 = o.box
        share = math.exp(random.uniform(math.log(0.01), math.log(0.6)))
        aspect = math.exp(random.uniform(-0.3, 0.3))
        side = math.sqrt(max(o.box_area, 16) / share)
        w = min(width, max(side * aspect, (x1 - x0) * random.uniform(0.9, 1.3), 48))
        h = min(height, max(side / aspect, (y1 - y0) * random.uniform(0.9, 1.3), 48))
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        left = min(max(cx - w * random.uniform(0.1, 0.9), x1 - w if random.random() < 0.85 else -9e9), width - w)
        top = min(max(cy - h * random.uniform(0.1, 0.9), y1 - h if random.random() < 0.85 else -9e9), height - h)
        if random.random() < 0.85:
            left, top = min(left, max(x0, 0)), min(top, max(y0, 0))
        left, top = max(left, 0), max(top, 0)
        return left, top, left + w, top + h
    if dice < zoom + 0.4 * (1 - zoom):
        return 0, 0, width, height
    w = width * random.uniform(0.45, 1)
    h = min(height, max(w * math.exp(random.uniform(-0.3, 0.3)) * height / width, 48))
    left, top = random.uniform(0, width - w), random.uniform(0, height - h)
    return left, top, left + w, top + h


def photograph(pixels: Pixels, random: Random) -> tuple[Pixels, bool]:
    """Another sensor, light and processing; also whether colours can still be trusted.

    Sharpness is drawn without regard to the zoom: it must not tell the size of things.
    """
    image = Image.fromarray(pixels)
    side = image.width
    trusted = True
    dice = random.random()
    if dice < 0.45:
        small = max(32, round(side / math.exp(random.uniform(0, 1.2))))
        image = image.resize((small, small), Image.Resampling.BOX).resize((side, side), Image.Resampling.BICUBIC)
    elif dice < 0.6:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 2.5)))
    elif dice < 0.8:
        image = image.filter(ImageFilter.UnsharpMask(random.uniform(0.5, 2), random.randint(40, 160), 0))
    if random.random() < 0.3:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=round(math.exp(random.uniform(math.log(8), math.log(90)))))
        image = Image.open(buffer)
    tables = []
    gain, lift, gamma = random.uniform(0.75, 1.3), random.uniform(-25, 25), math.exp(random.uniform(-0.3, 0.3))
    strong = random.random() < 0.15
    for _ in range(3):
        cast = random.uniform(0.8, 1.2) if strong else random.uniform(0.95, 1.05)
        x = np.linspace(0, 1, 256) ** gamma * 255
        tables.append(np.clip((x - 128) * gain * cast + 128 + lift, 0, 255))
    image = image.point(np.concatenate(tables).round().astype(int).tolist())
    trusted = trusted and not strong and abs(lift) < 20
    dice = random.random()
    if dice < 0.15:
        image = image.convert("L").convert("RGB")
        trusted = False
    elif dice < 0.35:
        grey = image.convert("L").convert("RGB")
        image = Image.blend(grey, image, random.uniform(0.4, 1.4))
        trusted = False
    elif dice < 0.4:  # false colour: channels exchanged
        order = random.choice(((1, 0, 2), (2, 1, 0), (0, 2, 1)))
        bands = image.split()
        image = Image.merge("RGB", [bands[i] for i in order])
        trusted = False
    out = np.asarray(image.convert("RGB"))
    if random.random() < 0.2:
        noise = np.random.default_rng(random.randrange(2**32)).standard_normal(out.shape[:2], np.float32)
        out = np.clip(out + noise[..., None] * random.uniform(2, 10), 0, 255).astype(np.uint8)
    return out, trusted
