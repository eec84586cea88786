"""GeoParquet 1.1 (https://geoparquet.org) in the scene's own CRS: WKB polygons, features in row groups as they come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rs2sam2.geo.result import Feature
from rs2sam2.geo.writers.base import About, Writer


class GeoParquetWriter(Writer):
    """All phrases in one table."""

    def __init__(self, path: Path, about: About) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        super().__init__(path, about)
        crs = about.scene.ground.crs
        column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Polygon"]}
        column["crs"] = None if crs is None else crs.to_dict(projjson=True)
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        self._schema = pa.schema(
            [
                ("geometry", pa.binary()), ("phrase", pa.string()), ("score", pa.float64()), ("area_m2", pa.float64()),
                ("pixels", pa.int64()), ("source", pa.string()), ("model", pa.string()), ("revision", pa.string()),
            ],
            metadata={"geo": json.dumps(geo)},
        )  # fmt: skip
        self._file = pq.ParquetWriter(path, self._schema)

    def features(self, phrase: int, features: Sequence[Feature]) -> None:
        """See `Writer`."""
        import pyarrow as pa
        import shapely

        if features:
            placed = self.about.scene.ground.place([f.outline for f in features])
            rows = [
                {"geometry": shapely.to_wkb(shape), **self.about.attributes(f)}
                for shape, f in zip(placed, features, strict=True)
            ]
            self._file.write_table(pa.Table.from_pylist(rows, self._schema))

    def finish(self) -> None:
        """See `Writer`."""
        self._file.close()

    def close(self) -> None:
        """See `Writer`."""
        self._file.close()
