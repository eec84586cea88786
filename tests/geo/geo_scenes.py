"""Scenes with known geometry, and a model that is right about them: it finds colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

from rs2sam2.config import ProcessorConfig
from rs2sam2.errors import UsageError
from rs2sam2.predictor import Correction, Predictor, Segmented

COLORS = {"red": (230, 30, 30), "blue": (30, 30, 230)}
GROUND = (90, 120, 80)
UTM = ("EPSG:32633", Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000))
DEGREES = ("EPSG:4326", Affine(6e-6, 0, 15.0, 0, -4.5e-6, 45.0))
COS, SIN = math.cos(math.radians(30)), math.sin(math.radians(30))
ROTATED = ("EPSG:32633", Affine(0.5 * COS, 0.5 * SIN, 500_000, 0.5 * SIN, -0.5 * COS, 5_000_000))


class ColorSegmenter:
    """A phrase with a colour's name finds that colour, exactly; presence is 0.9 where there is some and 0.1 where not.

    "left" in the phrase keeps what lies in the left half of the view, as a real model would.
    """

    decision = ProcessorConfig()

    def __init__(self, image_size: int = 64, presence: bool = True, max_batch: int = 4) -> None:
        self.image_size, self.presence, self.max_batch = image_size, presence, max_batch
        self.batches: list[int] = []
        self.asked: list[str] = []

    def check(self, phrase: str) -> None:
        if not phrase.strip():
            raise UsageError("the phrase is empty")

    def __call__(
        self,
        images: Sequence[Image.Image],
        phrases: Sequence[str],
        image_index: Sequence[int],
        corrections: Sequence[Correction | None],
    ) -> Segmented:
        self.batches.append(len(phrases))
        self.asked += phrases
        masks = [self._mask(images[i], phrase) for i, phrase in zip(image_index, phrases, strict=True)]
        presence = torch.tensor([0.9 if m.any() else 0.1 for m in masks]) if self.presence else None
        largest = max(m.shape for m in masks)
        logits = torch.stack(
            [
                torch.nn.functional.interpolate(torch.from_numpy(10.0 * m - 4.5).float()[None, None], largest)[0]
                for m in masks
            ]
        )
        return Segmented(logits, torch.ones(len(masks)), presence)

    def _mask(self, image: Image.Image, phrase: str) -> NDArray[np.bool_]:
        pixels = np.asarray(image).astype(int)
        color = next((c for name, c in COLORS.items() if name in phrase), (1000, 0, 0))
        mask = np.abs(pixels - color).max(axis=2) < 60
        if "left" in phrase:
            mask[:, mask.shape[1] // 2 :] = False
        return np.asarray(mask)


def predictor(**settings: Any) -> Predictor:
    return Predictor(ColorSegmenter(**settings), "colours")


def paint(size: tuple[int, int], **masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(H, W, 3) with each colour where its mask is."""
    picture = np.full((*size, 3), GROUND, np.uint8)
    for name, mask in masks.items():
        picture[mask] = COLORS[name]
    return picture


def discs(size: tuple[int, int], *places: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Discs (row, column, radius) in pixels, by pixel centres."""
    y, x = np.ogrid[: size[0], : size[1]]
    return np.logical_or.reduce([(y + 0.5 - r) ** 2 + (x + 0.5 - c) ** 2 <= radius**2 for r, c, radius in places])


def write(path: Path, pixels: NDArray[Any], place: tuple[str, Affine] | None = UTM, **profile: Any) -> Path:
    """(H, W, bands) or (H, W) as a tiled GeoTIFF."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    crs, affine = place or (None, None)
    settings = {"driver": "GTiff", "tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"} | profile
    with rasterio.open(
        path, "w", height=pixels.shape[0], width=pixels.shape[1], count=pixels.shape[2], dtype=pixels.dtype.name,
        crs=crs, transform=affine, **settings,
    ) as file:  # fmt: skip
        file.write(pixels.transpose(2, 0, 1))
    return path


def vrt(*bands: tuple[str, str, int], size: tuple[int, int] = (256, 320)) -> str:
    """A VRT on the grid of `UTM` whose bands are (type, file, band of it)."""
    parts = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{i}"><SimpleSource><SourceFilename relativeToVRT="1">{name}'
        f"</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for i, (kind, name, band) in enumerate(bands, 1)
    )
    return (
        f'<VRTDataset rasterXSize="{size[1]}" rasterYSize="{size[0]}"><SRS>EPSG:32633</SRS><GeoTransform>500000, 0.5, 0, '
        f"5000000, 0, -0.5</GeoTransform>{parts}</VRTDataset>"
    )


def burn(result: Any, phrase: str) -> NDArray[np.bool_]:
    """The features of a phrase as a mask again."""
    from rasterio.features import rasterize

    shapes = [f.outline for f in result.features if f.phrase == phrase]
    if not shapes:
        return np.zeros(result.ground.size, np.bool_)
    return np.asarray(rasterize(shapes, result.ground.size)).astype(np.bool_)
