"""Annotated images: what every reader of the builder gives and the phrase maker takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.builder.look import color_shares, enclosing_rectangle
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.masks import Target
from rs2sam2.depth import more_than_8_bits
from rs2sam2.errors import DataError

if TYPE_CHECKING:
    from rs2sam2.data.masks import Mask


def nothing(done: int, total: int) -> None:
    """The progress of a reader that nobody watches."""


@dataclass(frozen=True)
class AnnotatedImage:
    """An image file, its layout, and the mask of each object of the layout (None where only a box is known).

    `counted`: whether the objects are things one by one; connected patches of a semantic mask may be several or half a
    house, and nobody should count them. `exhaustive`: whether a class that is not in the layout is not in the image.
    `placed`: whether masks are good enough to speak of place, colour and size; else only the class is said. `crowded`:
    classes of which the image shows a crowd that nobody listed one by one, so that nothing is said about them. `derived`:
    whether a program made a mask of it, so that it is good to learn from and never to score on.
    """

    image: Path
    layout: Layout
    targets: tuple[Target | None, ...]
    counted: bool = True
    exhaustive: bool = True
    placed: bool = True
    crowded: frozenset[str] = frozenset()
    derived: bool = False


def read_pixels(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The image as uint8 (H, W, 3). DataError where it cannot be read or is not of `size` (height, width)."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            deep = more_than_8_bits(image)
            pixels = np.asarray(image.convert("RGB"))
    except FileNotFoundError:
        raise DataError(f"no image {path}; check the image folder given with --images") from None
    except Exception as error:  # Pillow's decoders raise many kinds on damaged files
        raise DataError(f"image {path} cannot be read ({error}); replace it") from None
    if deep:
        raise DataError(f"image {path} has more than 8 bits a band; stretch it to 8 bits first")
    if pixels.shape[:2] != size:
        raise DataError(
            f"image {path} is {pixels.shape[0]} x {pixels.shape[1]} (height x width) but its annotation {size[0]} x {size[1]}; "
            "give the pictures that were annotated"
        )
    return pixels


def describe(category: str, mask: Mask, pixels: NDArray[np.uint8]) -> SceneObject | None:
    """The scene object of a bool mask (H, W) on uint8 pixels (H, W, 3); None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    inner = mask[top:bottom, left:right]
    aspect, fill = enclosing_rectangle(inner)
    colors = color_shares(pixels[top:bottom, left:right][inner])
    return SceneObject(category, (left, top, right, bottom), float(inner.sum()), colors, aspect, fill)


def write_layouts(path: Path, images: Sequence[AnnotatedImage], root: Path) -> None:
    """One JSON line an image: its path below `root`, its size and its objects."""
    import json

    from rs2sam2.files import write_text

    lines = []
    for item in images:
        whole = item.image.parent.resolve() / item.image.name  # a picture that is a link keeps its own name
        entry: dict[str, Any] = {"image": whole.relative_to(root.resolve()).as_posix()}
        lines.append(json.dumps(entry | item.layout.to_dict(), separators=(",", ":"), ensure_ascii=False))
    write_text(path, "\n".join(lines) + "\n")


def read_layouts(folder: str | Path, split: str) -> dict[str, Layout]:
    """The layouts that `make-refs` wrote beside a split, by image path as in the split's lines.

    DataError where there are none: only data sets made by the builder have them.
    """
    import json

    path = Path(folder) / "layouts" / f"{split}.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # other line separators may stand in a name
    except FileNotFoundError:
        raise DataError(f"no {path}; layouts lie only beside what rs2sam2 data make-refs wrote") from None
    try:
        entries = [json.loads(line) for line in lines if line]
        return {entry["image"]: Layout.from_dict(entry) for entry in entries}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not what make-refs writes ({error}); make it again") from None
