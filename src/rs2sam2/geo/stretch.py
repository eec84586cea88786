"""Pixels of any type -> 8 bits, by limits that are measured once for a whole scene."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs2sam2.errors import DataError, UsageError
from rs2sam2.processor import STRETCH

_HELP = "say auto, none, two percentiles such as 2,98, or two values such as 0:3000"


@dataclass(frozen=True)
class StretchSpec:
    """How black and white are chosen: percentiles of each band, or given values, or neither (8 bits as they are)."""

    percentiles: tuple[float, float] | None = None
    values: tuple[float, float] | None = None

    @classmethod
    def parse(cls, text: str, dtype: str) -> StretchSpec:
        """``auto`` (8 bits as they are, else percentiles 2 and 98), ``none``, ``2,98`` or ``0:3000``. Raises UsageError."""
        if text == "auto":
            return cls() if dtype == "uint8" else cls(percentiles=STRETCH)
        if text == "none":
            if dtype != "uint8":
                raise UsageError(f"--stretch none needs 8-bit pixels, and these are {dtype}; {_HELP}")
            return cls()
        found = re.fullmatch(r"\s*(-?[\d.]+(?:e-?\d+)?)\s*([,:])\s*(-?[\d.]+(?:e-?\d+)?)\s*", text)
        try:
            low, high = (float(found[1]), float(found[3])) if found else (1.0, 0.0)
        except ValueError:
            low, high = 1.0, 0.0
        if found is None or low >= high or (found[2] == "," and not 0 <= low < high <= 100):
            raise UsageError(f"--stretch {text!r} is not a stretch; {_HELP}")
        return cls(percentiles=(low, high)) if found[2] == "," else cls(values=(low, high))


@dataclass(frozen=True)
class Stretch:
    """Black and white of each band; None leaves 8 bits as they are."""

    limits: tuple[tuple[float, float], ...] | None

    @classmethod
    def measure(
        cls, spec: StretchSpec, samples: NDArray[np.generic] | None, valid: NDArray[np.bool_] | None
    ) -> Stretch:
        """From ``samples`` (bands, N) of the scene, of which ``valid`` (N,) hold data; both None where none are needed.

        Raises DataError where there is no data.
        """
        if spec.percentiles is None:
            return cls(None if spec.values is None else (spec.values,))
        assert samples is not None and valid is not None
        limits = []
        for band in samples:
            values = band[valid & np.isfinite(band)]
            if not len(values):
                raise DataError("the scene holds no data: every pixel looked at is nodata or not a number")
            low, high = (float(v) for v in np.percentile(values, spec.percentiles))
            if high <= low:
                low, high = float(values.min()), float(values.max())
            limits.append((low, high))
        return cls(tuple(limits))

    def apply(self, pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
        """(bands, H, W) of any type -> uint8, what is not a number as black."""
        if self.limits is None:
            return pixels.astype(np.uint8, copy=False)
        out = np.empty(pixels.shape, np.uint8)
        for i, band in enumerate(pixels):
            low, high = self.limits[i if len(self.limits) > 1 else 0]
            with np.errstate(over="ignore"):  # nodata is often the least number there is; it is black in the end
                values = (band.astype(np.float32) - np.float32(low)) * np.float32(255 / max(high - low, 1e-12))
            out[i] = np.rint(np.clip(np.nan_to_num(values, nan=0.0), 0, 255)).astype(np.uint8)
        return out
