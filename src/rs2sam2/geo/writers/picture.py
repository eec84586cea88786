"""A picture of the scene with what was found drawn on it, small enough to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from rs2sam2.geo.blending import Band
from rs2sam2.geo.result import Feature
from rs2sam2.geo.scene import view_size
from rs2sam2.geo.writers.base import About, Writer

LONGEST = 1600


class PictureWriter(Writer):
    """At most `LONGEST` pixels a side; a thing smaller than a pixel of it still shows."""

    def __init__(self, path: Path, about: About) -> None:
        super().__init__(path, about)
        self._size = view_size(about.scene.size, LONGEST)
        self._masks = [np.zeros(self._size, np.bool_) for _ in about.phrases]
        self._scores = [0.0] * len(about.phrases)

    def band(self, band: Band) -> None:
        """See `Writer`."""
        (height, width), tile = self.about.scene.size, band.tile
        rows = np.arange(tile.row, tile.bottom) * self._size[0] // height
        columns = np.arange(width) * self._size[1] // width
        first_rows = np.flatnonzero(np.diff(rows, prepend=-1))
        first_columns = np.flatnonzero(np.diff(columns, prepend=-1))
        for mask, shown in zip(band.masks, self._masks, strict=True):
            if mask.any():
                cells = np.logical_or.reduceat(np.logical_or.reduceat(mask, first_rows, axis=0), first_columns, axis=1)
                shown[rows[0] : rows[-1] + 1] |= cells

    def features(self, phrase: int, features: Sequence[Feature]) -> None:
        """See `Writer`."""
        self._scores[phrase] = max([self._scores[phrase], *(f.score for f in features)])

    def finish(self) -> None:
        """See `Writer`."""
        from rs2sam2.overlay import draw_overlay
        from rs2sam2.predictor import Prediction

        decision = self.about.decision
        predictions = [
            Prediction(
                phrase,
                np.where(mask, decision.threshold + 1, decision.threshold - 1).astype(np.float32),
                decision,
                0.0,
                score,
            )
            for phrase, mask, score in zip(self.about.phrases, self._masks, self._scores, strict=True)
        ]
        skipped: list[str] | None = [] if self.about.options.skip_unreadable else None  # said before, tile by tile
        view = self.about.scene.view(self._size, skipped).pixels
        draw_overlay(Image.fromarray(view), predictions).save(self.path, "PNG")
