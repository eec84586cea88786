"""Augmentation that respects language: image, mask and phrase change together, or not at all.

    augment = Augment(Augmentation(flips=True, quarter_turns=True, crop=0.3), layouts_of(folder, "train"))
    data = ReferringDataset(samples, size=1024, transform=augment)

A flip or turn rewrites the phrase ("left" becomes "right") and is refused where the phrase cannot be rewritten. A crop
re-runs the phrase's program on what is left and is refused unless it still selects exactly the target. Colours stay
as they are where the phrase names one. Everything is drawn from the generator given, so an item depends on it alone;
the released system's random boxes depend on the sample alone, as they do there.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from rs2sam2.data.language.evaluate import execute, recrop
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.program import COLORS, Program, RuleName
from rs2sam2.data.language.symmetry import Box, Symmetry, swaps_axes, turn_pixels
from rs2sam2.data.language.transform import rewrite_phrase
from rs2sam2.data.masks import Mask
from rs2sam2.errors import UsageError

if TYPE_CHECKING:
    from rs2sam2.data.dataset import Example

Pixels = NDArray[np.uint8]
Range = tuple[float, float]

CROP_TRIES = 8
"""Crops drawn before giving up on one that keeps the phrase true."""
_COLOR_WORD = re.compile(rf"\b(?:{'|'.join(COLORS)}|grey|dark|light|bright)(?:ish|er|est)?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a sample. A single number is a probability, a pair the range a strength is drawn from.

    ``style`` is the wording of phrases without a program, for prepositions after a turn. Raises UsageError for a value out of
    its range.
    """

    flips: bool = False
    """Left-right and up-down, each half of the time."""
    quarter_turns: bool = False
    """By 90 or 270 degrees, half of the time; square images only, since others would change their frame."""
    style: RuleName = "english"
    crop: float = 0.0
    """Only for samples whose program and layout are known."""
    crop_side: Range = (0.5, 0.95)
    """Of the image's side."""
    boxes: float = 0.0
    """Share of the samples, always the same ones, that get black boxes."""
    box_count: tuple[int, int] = (20, 60)
    box_side: int = 32
    """In pixels of the image as it comes."""
    colour: float = 0.0
    brightness: Range = (0.75, 1.25)
    contrast: Range = (0.75, 1.25)
    saturation: Range = (0.6, 1.3)
    cast: float = 0.05
    """Deviation of each band's own factor."""
    blur: float = 0.0
    blur_radius: Range = (0.3, 1.5)
    """Deviation of the Gaussian, in pixels."""
    low_pass: float = 0.0
    low_pass_ratio: Range = (1.2, 3.0)
    """The image is made so many times smaller and enlarged again: a coarser ground sampling distance."""
    jpeg: float = 0.0
    jpeg_quality: tuple[int, int] = (40, 95)
    noise: float = 0.0
    noise_deviation: Range = (1.0, 8.0)
    """In grey levels of 255."""

    def __post_init__(self) -> None:
        limits = {
            "crop_side": (0.05, 1), "box_count": (0, 100_000), "brightness": (0, 10), "contrast": (0, 10), "saturation": (0, 10),
            "blur_radius": (0, 100), "low_pass_ratio": (1, 100), "jpeg_quality": (1, 100), "noise_deviation": (0, 255),
        }  # fmt: skip
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in limits:
                low, high = limits[f.name]
                if not low <= value[0] <= value[1] <= high:
                    raise UsageError(f"{f.name} = {value}; give (low, high) between {low} and {high}")
            elif f.name in ("crop", "boxes", "colour", "blur", "low_pass", "jpeg", "noise") and not 0 <= value <= 1:
                raise UsageError(f"{f.name} = {value}; give a probability between 0 and 1")
        if self.box_side < 1 or self.cast < 0:
            raise UsageError(f"box_side = {self.box_side}, cast = {self.cast}; give at least 1 pixel and 0")
        if self.style not in ("english", "rrsisd"):
            raise UsageError(f"style = {self.style!r}; give english or rrsisd")


RELEASED = Augmentation(boxes=0.2)
"""What the released system does: a fixed random 20 % of the training references get 20-60 black 32 x 32 boxes."""


@dataclass(frozen=True)
class Augmented:
    """``image`` (H, W, 3) uint8, ``mask`` (H, W) bool and the ``phrase`` that is true of them."""

    image: Pixels
    mask: Mask
    phrase: str


def turn(item: Augmented, symmetry: Symmetry, style: RuleName = "english") -> Augmented | None:
    """Image, mask and phrase flipped or turned together; None where the phrase cannot be rewritten."""
    phrase = rewrite_phrase(item.phrase, symmetry, style)
    if phrase is None:
        return None
    return Augmented(turn_pixels(item.image, symmetry), turn_pixels(item.mask, symmetry), phrase)


def crop(item: Augmented, window: Box, program: Program, layout: Layout) -> Augmented | None:
    """The part ``window`` (x0, y0, x1, y1 in pixels of ``layout``) enlarged to the whole frame, or None if untrue there.

    The program must be settled before and after and select the same objects, of which none is lost; a phrase without
    a target must stay without one. The image is resized bilinearly, the mask NEAREST.
    """
    before = execute(program, layout)
    after = recrop(program, layout, None, window)
    if before is None or after != before:
        return None
    height, width = item.mask.shape
    x0, x1 = (round(v * width / layout.width) for v in (window[0], window[2]))
    y0, y1 = (round(v * height / layout.height) for v in (window[1], window[3]))
    mask = item.mask[y0:y1, x0:x1]
    if mask.size == 0 or bool(mask.any()) != bool(item.mask.any()):
        return None
    image = Image.fromarray(item.image[y0:y1, x0:x1]).resize((width, height), Image.Resampling.BILINEAR)
    stretched = Image.fromarray(mask.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
    return Augmented(np.asarray(image), np.asarray(stretched, bool), item.phrase)


def black_boxes(image: Pixels, key: str, config: Augmentation) -> Pixels:
    """The image with black boxes if ``key`` (the sample's id) is among those that get some: always the same boxes."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    rng = np.random.default_rng(seed)
    if rng.random() >= config.boxes:
        return image
    out = image.copy()
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(config.box_count[0], config.box_count[1] + 1))):
        y = int(rng.integers(0, max(height - config.box_side, 0) + 1))
        x = int(rng.integers(0, max(width - config.box_side, 0) + 1))
        out[y : y + config.box_side, x : x + config.box_side] = 0
    return out


def jitter_colour(image: Pixels, rng: np.random.Generator, config: Augmentation) -> Pixels:
    """Brightness, contrast, saturation and colour cast changed."""
    factors = rng.normal(1, config.cast, 3) * rng.uniform(*config.brightness)
    contrast, saturation = rng.uniform(*config.contrast), rng.uniform(*config.saturation)
    picture = image.astype(np.float32) * factors.astype(np.float32)
    grey = picture.mean(2, keepdims=True)
    picture = grey + (picture - grey) * np.float32(saturation)
    middle = picture.mean()
    picture = middle + (picture - middle) * np.float32(contrast)
    out: Pixels = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return out


def degrade(image: Pixels, rng: np.random.Generator, config: Augmentation) -> Pixels:
    """Blur, low-pass, noise and JPEG losses, each with its own probability, in the order a camera would add them."""
    picture = Image.fromarray(image)
    if rng.random() < config.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(*config.blur_radius))))
    if rng.random() < config.low_pass:
        ratio = float(rng.uniform(*config.low_pass_ratio))
        small = (max(1, round(picture.width / ratio)), max(1, round(picture.height / ratio)))
        coarse = picture.resize(small, Image.Resampling.BOX)
        picture = coarse.resize(picture.size, Image.Resampling.BICUBIC)
    if rng.random() < config.noise:
        grain = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(*config.noise_deviation))
        picture = Image.fromarray(np.clip(np.asarray(picture) + grain + 0.5, 0, 255).astype(np.uint8))
    if rng.random() < config.jpeg:
        buffer = io.BytesIO()
        low, high = config.jpeg_quality
        picture.save(buffer, "JPEG", quality=int(rng.integers(low, high + 1)))
        picture = Image.open(buffer)
    return np.asarray(picture)


def augment(
    item: Augmented,
    rng: np.random.Generator,
    config: Augmentation,
    *,
    key: str,
    program: Program | None = None,
    layout: Layout | None = None,
) -> Augmented:
    """One sample augmented: crop, flip or turn, colour, degradation, boxes.

    ``key`` names the sample for the boxes; ``program`` and ``layout`` are the phrase's meaning and what is annotated in the
    image, for crops. Height and width stay.
    """
    if program is not None and layout is not None and rng.random() < config.crop:
        item = _random_crop(item, rng, config, program, layout)
    symmetry = random_symmetry(rng, config, item.mask.shape[0] == item.mask.shape[1])
    item = turn(item, symmetry, program.rules if program is not None else config.style) or item
    image = np.ascontiguousarray(item.image)
    if rng.random() < config.colour and not names_colour(item.phrase):
        image = jitter_colour(image, rng, config)
    if config.blur or config.low_pass or config.noise or config.jpeg:
        image = degrade(image, rng, config)
    if config.boxes:
        image = black_boxes(image, key, config)
    return Augmented(image, np.ascontiguousarray(item.mask), item.phrase)


def layouts_of(folder: str | Path, split: str) -> dict[Path, Layout]:
    """What is annotated in each image file of a data set that `make-refs` wrote; DataError where it did not."""
    from rs2sam2.data.builder.annotated import read_layouts
    from rs2sam2.data.refs import read_info

    root = read_info(folder).image_root
    return {root / name: layout for name, layout in read_layouts(folder, split).items()}


class Augment:
    """The transform of a `ReferringDataset`: augments an example, then hands it to ``then`` (tensors by default).

    ``layouts`` maps an image file to what is annotated in it, see `layouts_of`; without it nothing is cropped. It can be
    sent to worker processes.
    """

    def __init__(
        self,
        config: Augmentation,
        layouts: Mapping[Path, Layout] | None = None,
        then: Callable[[Example], Any] | None = None,
    ) -> None:
        self.config = config
        self.layouts = layouts or {}
        self.then = then

    def __call__(self, example: Example) -> Any:
        """What ``then`` makes of the augmented example."""
        from rs2sam2.data.dataset import tensors

        sample = example.sample
        program = None if sample.program is None else Program.from_dict(sample.program)
        layout = self.layouts.get(sample.image)
        done = augment(
            Augmented(example.image, example.mask, example.phrase),
            example.rng,
            self.config,
            key=sample.id,
            program=program,
            layout=layout,
        )
        return (self.then or tensors)(replace(example, image=done.image, mask=done.mask, phrase=done.phrase))


def random_symmetry(rng: np.random.Generator, config: Augmentation, square: bool) -> Symmetry:
    """A flip or turn that ``config`` allows, or none; ``square``: whether the frame is."""
    flips: tuple[Symmetry, ...] = ("identity", "hflip", "vflip", "rot180")
    turns: tuple[Symmetry, ...] = ("rot90", "rot270", "transpose", "antitranspose")
    choices: tuple[Symmetry, ...] = flips if config.flips else ("identity",)
    if config.quarter_turns and square:
        choices += turns if config.flips else ("rot180", "rot90", "rot270")
    chosen = choices[int(rng.integers(len(choices)))]
    assert square or not swaps_axes(chosen)
    return chosen


def random_window(rng: np.random.Generator, config: Augmentation, layout: Layout) -> Box:
    """A window (x0, y0, x1, y1) for `crop`, in pixels of ``layout``."""
    side = float(rng.uniform(*config.crop_side))
    width, height = side * layout.width, side * layout.height
    x, y = float(rng.uniform(0, layout.width - width)), float(rng.uniform(0, layout.height - height))
    return x, y, x + width, y + height


def names_colour(phrase: str) -> bool:
    """Whether a phrase goes by a colour, so that colours must stay as they are."""
    return _COLOR_WORD.search(phrase) is not None


def _random_crop(
    item: Augmented, rng: np.random.Generator, config: Augmentation, program: Program, layout: Layout
) -> Augmented:
    """The first of a few random windows that keeps the phrase true; the item as it was where none does."""
    for _ in range(CROP_TRIES):
        found = crop(item, random_window(rng, config, layout), program, layout)
        if found is not None:
            return found
    return item
