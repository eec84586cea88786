"""Pictures that are each filled by one thing (`labels.csv` with file,category) as annotated images: rough, for training.

The thing's mask is the whole picture, but for stadiums a centred circle and for fields a centred square of 84 % of the
side, which fits about three in four stadiums. Classes that a picture merely contains (airplanes, tanks, courts) are
left out: nothing tells where they are.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rs2sam2.data.builder.annotated import AnnotatedImage, describe, read_pixels
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.masks import RLE, Mask
from rs2sam2.errors import DataError, UsageError

CENTRAL = 0.84
ROUND = frozenset({"stadium"})
SQUARE = frozenset({"ground track field", "baseball field"})
WHOLE = frozenset({
    "airport", "overpass", "harbor", "bridge", "train station", "golf field", "parking lot", "freeway", "intersection",
    "school", "industrial area",
})  # fmt: skip
NOTHING = "none"


def read_scenes(labels: Path, split: str, advance: Callable[[], None] = lambda: None) -> list[AnnotatedImage]:
    """Annotated images of a `labels.csv` (columns file, category; files relative to it), one object in each.

    Pictures of category "none" hold nothing and serve for no-target phrases. UsageError for val or test.
    """
    from PIL import Image

    if split != "train":
        raise UsageError(f"masks of whole pictures are for training only; type --split train instead of {split}")
    rows = scene_rows(labels)
    result = []
    for row in rows:
        category = canonical(row["category"])
        path = labels.parent / row["file"]
        if category not in ROUND | SQUARE | WHOLE and category != NOTHING:
            advance()
            continue
        try:
            with Image.open(path) as image:
                width, height = image.size
        except OSError as error:
            raise DataError(f"image {path} cannot be read ({error}); check {labels}") from None
        layout, targets = Layout(width, height), ()
        if category != NOTHING:
            mask = _shape(category, height, width)
            found = describe(category, mask, read_pixels(path, (height, width)))
            assert found is not None
            result.append(
                AnnotatedImage(
                    path, Layout(width, height, (found,)), (RLE.encode(mask),), exhaustive=False, placed=False
                )
            )
        else:
            result.append(AnnotatedImage(path, layout, targets))
        advance()
    return result


def _shape(category: str, height: int, width: int) -> Mask:
    y, x = np.ogrid[:height, :width]
    away_y, away_x = np.abs(y + 0.5 - height / 2) / height * 2, np.abs(x + 0.5 - width / 2) / width * 2
    if category in ROUND:
        return np.asarray(away_x**2 + away_y**2 <= CENTRAL**2)
    if category in SQUARE:
        return np.asarray(np.maximum(away_x, away_y) <= CENTRAL)
    return np.ones((height, width), np.bool_)


def scene_count(labels: Path) -> int:
    """How many pictures a `labels.csv` names, for a progress bar."""
    return len(scene_rows(labels))


def scene_rows(labels: Path) -> list[dict[str, str]]:
    """The rows of a `labels.csv`, with at least file and category. DataError where it is missing or has other columns."""
    try:
        with labels.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise DataError(f"no {labels}; give a CSV file with the columns file,category with --scenes") from None
    if not rows or not {"file", "category"} <= rows[0].keys():
        raise DataError(f"{labels} has the columns {', '.join(rows[0]) if rows else 'none'}; expected file,category")
    return rows
