"""Cloud-optimised GeoTIFF on the scene's own grid: a band a phrase, 1 where it is, 0 where not, 255 without data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rs2sam2.expected import expected
from rs2sam2.geo.blending import LEVELS, Band
from rs2sam2.geo.writers.base import About, Writer

NODATA = 255
BLOCK = 512


class RasterWriter(Writer):
    """Masks, or with ``probabilities`` whole numbers that times 0.004 (the band's scale) are probabilities."""

    def __init__(self, path: Path, about: About) -> None:
        import rasterio

        super().__init__(path, about)
        self._plain = path.with_name("plain.tif")
        ground, likely = about.scene.ground, about.options.probabilities
        profile: dict[str, Any] = {
            "driver": "GTiff", "dtype": "uint8", "count": len(about.phrases), "height": ground.size[0],
            "width": ground.size[1], "crs": ground.crs, "transform": ground.affine, "nodata": NODATA, "tiled": True,
            "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "ZLEVEL": 1, "BIGTIFF": "IF_SAFER",
            "interleave": "band", "photometric": "MINISBLACK",
        }  # fmt: skip
        if ground.crs is None and ground.affine.is_identity:
            del profile["crs"], profile["transform"]  # a picture's pixels are its coordinates
        with expected(rasterio.errors.NotGeoreferencedWarning):
            self._file = rasterio.open(self._plain, "w", **profile)
        self._file.update_tags(
            TIFFTAG_SOFTWARE=f"rs2sam2 {about.version}", TIFFTAG_IMAGEDESCRIPTION="; ".join(about.phrases),
            PHRASES="; ".join(about.phrases), MODEL=about.model, REVISION=about.revision, SOURCE=about.scene.source,
            CONTENT="probability" if likely else "mask",
        )  # fmt: skip
        for i, phrase in enumerate(about.phrases, 1):
            self._file.set_band_description(i, phrase)
            self._file.update_tags(i, PHRASE=phrase)
        if likely:
            self._file.scales = [1 / LEVELS] * len(about.phrases)

    def band(self, band: Band) -> None:
        """See `Writer`."""
        from rasterio.windows import Window

        tile = band.tile
        window = Window(0, tile.row, tile.width, tile.height)  # type: ignore[no-untyped-call,unused-ignore]
        shown = band.probabilities if self.about.options.probabilities else band.masks
        for i, values in enumerate(shown, 1):
            out = np.where(band.valid, values.astype(np.uint8), np.uint8(NODATA))
            self._file.write(out, i, window=window)

    def finish(self) -> None:
        """See `Writer`."""
        import rasterio
        from rasterio.shutil import copy

        self._file.close()
        likely = self.about.options.probabilities
        copy(
            self._plain, self.path, driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=BLOCK, BIGTIFF="IF_SAFER",
            OVERVIEW_RESAMPLING="AVERAGE" if likely else "NEAREST",
        )  # fmt: skip
        with expected(rasterio.errors.NotGeoreferencedWarning), rasterio.open(self.path) as written:
            bottom = written.height - 1
            written.read(1, window=((bottom, bottom + 1), (0, written.width)))  # a full disk shows here at the latest
        self._plain.unlink()

    def close(self) -> None:
        """See `Writer`."""
        self._file.close()
