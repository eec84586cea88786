"""GeoJSON as RFC 7946 wants it: WGS 84, longitude first, outlines counter-clockwise; feature by feature."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rs2sam2.errors import UsageError
from rs2sam2.geo.degrees import on_the_earth, on_the_globe
from rs2sam2.geo.result import Feature
from rs2sam2.geo.writers.base import About, Writer

DECIMALS = 9
"""Of a degree: a tenth of a millimetre on the ground."""


class GeoJSONWriter(Writer):
    """All phrases in one collection."""

    def __init__(self, path: Path, about: About) -> None:
        super().__init__(path, about)
        if about.scene.ground.crs is None:
            raise UsageError(
                f"GeoJSON is WGS 84, and {about.scene.source} has no coordinate reference system; georeference it first "
                "(gdal_edit -a_srs), or write a .gpkg in its own coordinates"
            )
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._file.write('{"type": "FeatureCollection", "features": [')
        self._count = 0

    def features(self, phrase: int, features: Sequence[Feature]) -> None:
        """See `Writer`."""
        import shapely

        if not features:
            return
        placed = self.about.scene.ground.reproject([f.outline for f in features], "EPSG:4326")
        for feature, polygon in zip(features, placed, strict=True):
            if not on_the_earth(polygon):
                raise UsageError(
                    f"{self.about.scene.source} shows what lies off the earth, and GeoJSON is WGS 84; write a .gpkg"
                )
            shape = shapely.orient_polygons(on_the_globe(polygon))
            parts = [
                [np.round(np.asarray(r.coords), DECIMALS).tolist() for r in (part.exterior, *part.interiors)]
                for part in shapely.get_parts(shape)
            ]
            several = shape.geom_type == "MultiPolygon"
            item = {
                "type": "Feature",
                "geometry": {
                    "type": "MultiPolygon" if several else "Polygon",
                    "coordinates": parts if several else parts[0],
                },
                "properties": self.about.attributes(feature),
            }
            self._file.write((",\n" if self._count else "\n") + json.dumps(item, ensure_ascii=False))
            self._count += 1

    def finish(self) -> None:
        """See `Writer`."""
        self._file.write("\n]}\n")
        self._file.close()

    def close(self) -> None:
        """See `Writer`."""
        self._file.close()
