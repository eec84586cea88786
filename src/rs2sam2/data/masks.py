"""Masks as data sets keep them: COCO run-length codes, polygons, mask files. Each decodes to a bool (H, W) array.

The run-length code is COCO's: runs down the columns, background first, as numbers or in its compact text form. It is
decoded here in numpy rather than by pycocotools because data sets are hostile until read: every length is checked
before memory is taken. Polygons are rasterised by pycocotools, whose rule (which pixels does an edge own?) is the
field's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import DataError, UsageError

Mask = NDArray[np.bool_]
Size = tuple[int, int]
"""(height, width)"""

MAX_PIXELS = 2**28
"""A mask of more pixels than this (16,384 x 16,384) is taken for an attack on memory."""
MAX_OUTLINE = 4_000_000
"""A ring longer than this many pixels likewise: rasterising takes memory in proportion to the outline."""


def check_size(size: Any, what: str) -> Size:
    """`size` as (height, width). Raises DataError where it is not two positive numbers of a believable product."""
    numbers = isinstance(size, list | tuple) and len(size) == 2 and all(type(n) is int and n > 0 for n in size)
    if not numbers or size[0] * size[1] > MAX_PIXELS:
        raise DataError(
            f"{what}: size {str(size)[:40]} is not [height, width] with at most {MAX_PIXELS:,} pixels; correct it"
        )
    return int(size[0]), int(size[1])


@dataclass(frozen=True)
class RLE:
    """A mask in COCO's run-length code: `counts` is the compact text form, `size` (height, width)."""

    size: Size
    counts: str

    def decode(self, frame: Size | None = None, *, strict: bool = False) -> Mask:
        """Bool (H, W) of the code's own `size`; `frame` is not needed.

        Runs that end early leave background, as in COCO's own reader; `strict` refuses them.
        Raises DataError where the code is malformed or runs beyond the mask.
        """
        runs = self.check(strict=strict)
        height, width = self.size
        out = np.zeros((height, width), np.bool_)
        filled = 2 * np.flatnonzero(runs[1::2]) + 1
        if filled.size:  # only columns with ink are drawn: most masks are small
            ends = np.cumsum(runs)
            low, high = int(ends[filled[0] - 1]) // height, -(-int(ends[filled[-1]]) // height)
            edges = np.concatenate([[0], ends, [height * width]])
            edges = np.minimum(np.maximum(edges, low * height), high * height)
            lengths = edges[1:] - edges[:-1]
            ink = np.zeros(len(lengths), np.bool_)
            ink[1 : len(runs) : 2] = True
            out[:, low:high] = np.repeat(ink, lengths).reshape(high - low, height).T
        return out

    def check(self, *, strict: bool = False) -> NDArray[np.int64]:
        """The lengths of its runs, background first. Draws nothing, and raises DataError where `decode` does."""
        height, width = check_size(self.size, "run-length mask")
        runs = _runs(self.counts)
        missing = height * width - int(runs.sum())
        if missing < 0 or (strict and missing):
            raise DataError(
                f"run-length mask: runs of {int(runs.sum()):,} pixels for {height} x {width}; check the size"
            )
        return runs

    @classmethod
    def encode(cls, mask: Mask) -> RLE:
        """Code of a bool (H, W) mask; equal to what pycocotools writes."""
        height, width = mask.shape
        flat = np.asarray(mask, np.bool_).T.reshape(-1)
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        runs = np.diff(np.concatenate([[0], changes, [flat.size]]))
        if flat.size and flat[0]:
            runs = np.concatenate([[0], runs])
        return cls((height, width), _text(runs.tolist()))

    @classmethod
    def from_coco(cls, item: dict[str, Any]) -> RLE:
        """From `{"size": [h, w], "counts": text | bytes | list of runs}`. Raises DataError for anything else."""
        size = check_size(item.get("size"), "run-length mask")
        counts = item.get("counts")
        if isinstance(counts, bytes):
            counts = counts.decode("ascii", "replace")
        if isinstance(counts, list):
            if not all(type(n) is int and 0 <= n <= MAX_PIXELS for n in counts):
                raise DataError("run-length mask: counts must be numbers of pixels, none negative; correct them")
            counts = _text(counts)
        if not isinstance(counts, str):
            raise DataError(
                f"run-length mask: counts is {type(counts).__name__}; expected COCO's text or a list of runs"
            )
        return cls(size, counts)


@dataclass(frozen=True)
class Polygons:
    """One object as rings `(x, y, x, y, ...)` in pixels of the frame; rings are added up, as in COCO (no holes)."""

    rings: tuple[tuple[float, ...], ...]

    def decode(self, frame: Size | None = None, *, strict: bool = False) -> Mask:
        """Bool (H, W) of `frame`, by pycocotools' rule. Raises DataError where a ring cannot be drawn."""
        if frame is None:
            raise DataError("polygons need the size of the image they are drawn on; give height and width")
        height, width = check_size(frame, "polygons")
        try:
            from pycocotools import mask as coco
        except ImportError:
            raise UsageError("reading polygons needs pycocotools; type: pip install 'rs2sam2[data]'") from None
        self.check()
        if not self.rings:
            return np.zeros((height, width), np.bool_)
        codes = coco.frPyObjects([list(ring) for ring in self.rings], height, width)
        return RLE((height, width), coco.merge(codes)["counts"].decode("ascii")).decode()

    def check(self) -> None:
        """Raises DataError where a ring cannot be drawn on any frame; draws nothing."""
        for ring in self.rings:
            _check_ring(ring)

    @classmethod
    def from_coco(cls, rings: Sequence[Any]) -> Polygons:
        """From a list of lists of numbers. Raises DataError where it is something else."""
        if not all(isinstance(r, list | tuple) and all(type(n) in (int, float) for n in r) for r in rings):
            raise DataError("polygons must be lists of numbers [x, y, x, y, ...]; correct them")
        return cls(tuple(tuple(ring) for ring in rings))


@dataclass(frozen=True)
class MaskFile:
    """A mask in an image file: pixels with one of `values`, or above `above` where no values are given."""

    path: Path
    values: tuple[int, ...] | None = None
    above: int = 0

    def decode(self, frame: Size | None = None, *, strict: bool = False) -> Mask:
        """Bool (H, W) of the file's own size; `frame` is not needed. Raises DataError where it cannot be read."""
        from PIL import Image

        try:
            with Image.open(self.path) as image:
                # A grey mask may have been saved in colour; a palette's indices are its values. One bit is 0 and 1 as
                # a value, black and white as a brightness; so are a palette's colours where a brightness is asked for.
                bright = self.values is None and image.mode in (("1", "P") if self.above > 0 else ("1",))
                grey = len(image.getbands()) > 1 or bright
                pixels = np.asarray(image.convert("L") if grey else image)
        except FileNotFoundError:
            raise DataError(
                f"no mask file {self.path}; is the data set complete? rs2sam2 data check lists all that is missing"
            ) from None
        except Exception as error:  # Pillow's decoders raise many kinds on damaged files
            raise DataError(f"mask file {self.path} cannot be read ({error}); replace it") from None
        return np.isin(pixels, self.values) if self.values is not None else pixels > self.above


Target = RLE | Polygons | MaskFile
"""One object a phrase means."""


def resize(mask: Mask, size: Size) -> Mask:
    """`mask` (H, W) stretched to `size`, NEAREST in Pillow's sense (the pixel under the centre)."""
    if mask.shape == size:
        return mask
    from PIL import Image

    small = Image.fromarray(mask.view(np.uint8))
    # A copy: Pillow's own memory is read-only, and a mask may be augmented in place.
    return np.array(small.resize((size[1], size[0]), Image.Resampling.NEAREST)).view(np.bool_)


def box_of(mask: Mask) -> tuple[int, int, int, int] | None:
    """(x0, y0, x1, y1) in pixels around a mask (H, W), x1 and y1 excluded; None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def union(masks: Sequence[Mask], size: Size) -> Mask:
    """All `masks` added up, each stretched to `size`; nothing where there is none."""
    by_shape: dict[tuple[int, ...], Mask] = {}
    for mask in masks:  # those of one size are added before the one resampling
        by_shape[mask.shape] = by_shape[mask.shape] | mask if mask.shape in by_shape else mask
    out: Mask | None = None
    for mask in by_shape.values():
        out = resize(mask, size) if out is None else out | resize(mask, size)
    return np.zeros(size, np.bool_) if out is None else out


def from_coco(segmentation: Any) -> tuple[Target, ...]:
    """Targets of a COCO `segmentation`: a code, a list of codes, a list of rings (one object) or one flat ring.

    Nothing (None, `[]`) is no target. Raises DataError where it is something else.
    """
    if not segmentation:
        return ()
    if isinstance(segmentation, dict):
        return (RLE.from_coco(segmentation),)
    if isinstance(segmentation, list):
        if all(isinstance(item, dict) for item in segmentation):
            return tuple(RLE.from_coco(item) for item in segmentation)
        if type(segmentation[0]) in (int, float):
            segmentation = [segmentation]
        return (Polygons.from_coco(segmentation),)
    raise DataError(f"segmentation is {type(segmentation).__name__}; expected COCO's run-length code or polygons")


def _check_ring(ring: tuple[float, ...]) -> None:
    """Refuse what pycocotools would misread (four numbers are a box to it) or take too much memory for."""
    if len(ring) < 6 or len(ring) % 2:
        raise DataError(f"polygon ring of {len(ring)} numbers; it takes x, y of at least three points")
    try:
        points = np.asarray(ring, np.float64).reshape(-1, 2)
    except OverflowError:  # a whole number of hundreds of digits
        points = np.full((1, 2), np.nan)
    steps = np.abs(points - np.roll(points, 1, 0)).max(1)
    if not np.isfinite(points).all() or steps.sum() > MAX_OUTLINE or np.abs(points).max() > MAX_OUTLINE:
        raise DataError(f"polygon ring runs beyond {MAX_OUTLINE:,} pixels; its coordinates must be pixels of the image")


def _runs(text: str) -> NDArray[np.int64]:
    """Run lengths of COCO's compact text: groups of 5 bits, least first, as differences to the run before the last."""
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int64) - 48
    if codes.size == 0:
        return np.zeros(0, np.int64)
    more = (codes & 0x20) != 0
    if codes.min() < 0 or codes.max() > 63 or more[-1]:
        raise DataError("run-length mask: counts is not COCO's compact text; it may be cut off")
    ends = np.flatnonzero(~more)
    starts = np.concatenate([[0], ends[:-1] + 1])
    groups = ends - starts + 1
    if groups.max() > 7:
        raise DataError("run-length mask: a run of more than 32 bits; the text is damaged")
    shifts = 5 * (np.arange(codes.size) - np.repeat(starts, groups))
    values = np.add.reduceat((codes & 0x1F) << shifts, starts)
    values -= np.where(codes[ends] & 0x10, 1 << (5 * groups), 0)  # two's complement of 5 * groups bits
    runs = values.copy()
    runs[1::2] = np.cumsum(values[1::2])
    runs[2::2] = np.cumsum(values[2::2])
    if runs.min() < 0 or runs.max() > MAX_PIXELS or int(runs.sum()) > MAX_PIXELS:
        raise DataError("run-length mask: a run is negative or beyond any mask; the text is damaged")
    return runs


def _text(runs: list[int]) -> str:
    """Inverse of `_runs`."""
    out = bytearray()
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i > 2 else run
        more = True
        while more:
            group = value & 0x1F
            value >>= 5
            more = value != -1 if group & 0x10 else value != 0
            out.append((group | 0x20 if more else group) + 48)
    return out.decode("ascii")
