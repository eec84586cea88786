"""Pictures that are each filled by one thing (`labels.csv` with file,category) as annotated images: rough, for training.

The thing's mask is the whole picture, but for stadiums a centred circle and for ground track fields a centred square of
84 % of the side, which fits about three in four stadiums. Classes that a picture merely contains (airplanes, tanks,
courts, the diamond of a baseball field) are left out: nothing tells where they are.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rs2sam2.data.builder.annotated import AnnotatedImage, describe, nothing, read_pixels
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.masks import RLE, Mask
from rs2sam2.errors import DataError, UsageError

CENTRAL = 0.84
ROUND = frozenset({"stadium"})
SQUARE = frozenset({"ground track field"})
WHOLE = frozenset({
    "airport", "overpass", "harbor", "bridge", "train station", "golf field", "parking lot", "freeway", "intersection",
    "school", "industrial area",
})  # fmt: skip
NOTHING = "none"


def read_scenes(labels: Path, split: str, progress: Callable[[int, int], None] = nothing) -> list[AnnotatedImage]:
    """Annotated images of a `labels.csv` (columns file, category; files relative to it), one object in each.

    Pictures of category "none" hold nothing and serve for no-target phrases. `progress` gets (pictures done, in all).
    UsageError for val or test; DataError where list or pictures are not as needed.
    """
    if split != "train":
        raise UsageError(f"masks of whole pictures are for training only; type --split train instead of {split}")
    rows = scene_rows(labels)
    result = []
    for done, row in enumerate(rows, 1):
        category = canonical(row["category"])
        if category in ROUND | SQUARE | WHOLE or category == NOTHING:
            result.append(_annotated(labels.parent / row["file"], category, labels))
        progress(done, len(rows))
    return result


def _annotated(path: Path, category: str, labels: Path) -> AnnotatedImage:
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
    except OSError as error:
        raise DataError(f"image {path} cannot be read ({error}); check {labels}") from None
    if category == NOTHING:
        return AnnotatedImage(path, Layout(width, height), ())
    mask = _shape(category, height, width)
    found = describe(category, mask, read_pixels(path, (height, width)))
    assert found is not None
    layout = Layout(width, height, (found,))
    return AnnotatedImage(path, layout, (RLE.encode(mask),), exhaustive=False, placed=False, derived=True)


def _shape(category: str, height: int, width: int) -> Mask:
    y, x = np.ogrid[:height, :width]
    away_y, away_x = np.abs(y + 0.5 - height / 2) / height * 2, np.abs(x + 0.5 - width / 2) / width * 2
    if category in ROUND:
        return np.asarray(away_x**2 + away_y**2 <= CENTRAL**2)
    if category in SQUARE:
        return np.asarray(np.maximum(away_x, away_y) <= CENTRAL)
    return np.ones((height, width), np.bool_)


def scene_rows(labels: Path) -> list[dict[str, str]]:
    """The rows of a `labels.csv`, with at least file and category. DataError where it is missing or has other columns."""
    try:
        with labels.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{labels} cannot be read ({error}); give a CSV file with the columns file,category with --scenes"
        ) from None
    if not rows or not {"file", "category"} <= rows[0].keys():
        raise DataError(f"{labels} has the columns {', '.join(rows[0]) if rows else 'none'}; expected file,category")
    for row in rows:
        if row["file"] is None or row["category"] is None:
            raise DataError(f"{labels}: the row of {row['file']} ends early; expected file,category in each")
    return rows
