"""GeoPackage in the scene's own CRS, with a style that QGIS applies by itself."""

from __future__ import annotations

import datetime
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rs2sam2.expected import expected
from rs2sam2.geo.result import Feature
from rs2sam2.geo.writers.base import About, Writer
from rs2sam2.geo.writers.style import qml

TIME = "%Y-%m-%dT%H:%M:%S.000Z"
FIELDS = ("phrase", "score", "area_m2", "pixels", "source", "model", "revision")
_OGR_LOCK = threading.Lock()
_KINDS: dict[str, Any] = {"score": np.float64, "area_m2": np.float64, "pixels": np.int64}


class GeoPackageWriter(Writer):
    """One layer named like the scene, or one a phrase."""

    def __init__(self, path: Path, about: About) -> None:
        super().__init__(path, about)
        self._layers = layer_names(about)
        for layer in dict.fromkeys(self._layers):
            self._write(layer, [])

    def features(self, phrase: int, features: Sequence[Feature]) -> None:
        """See `Writer`."""
        if features:
            self._write(self._layers[phrase], features)

    def finish(self) -> None:
        """See `Writer`."""
        crs = self.about.scene.ground.crs
        time = self.about.time.strftime(TIME)
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(
                "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT, "
                "f_table_schema TEXT, f_table_name TEXT, f_geometry_column TEXT, styleName TEXT, styleQML TEXT, "
                "styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT, ui TEXT, update_time DATETIME)"
            )
            database.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change) VALUES "
                "('layer_styles', 'attributes', 'layer_styles', ?)",
                (time,),
            )
            for layer in dict.fromkeys(self._layers):
                named = [p for p, name in zip(self.about.phrases, self._layers, strict=True) if name == layer]
                numbers = [self.about.phrases.index(p) for p in named]
                database.execute(
                    "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
                    "styleQML, useAsDefault, description, update_time) VALUES ('', '', ?, 'geom', 'rs2sam2', ?, 1, '', ?)",
                    (layer, qml(named, numbers), time),
                )
            if crs is None:  # QGIS takes -1, "undefined Cartesian", for what it is
                database.execute("UPDATE gpkg_contents SET srs_id = -1 WHERE data_type = 'features'")

    def _write(self, layer: str, features: Sequence[Feature]) -> None:
        import pyogrio
        import shapely

        ground = self.about.scene.ground
        rows = [self.about.attributes(f) for f in features]
        columns = [
            np.array([np.nan if row[name] is None else row[name] for row in rows], _KINDS.get(name, object))
            for name in FIELDS
        ]
        shapes = ground.place([f.outline for f in features]) if features else np.empty(0, object)
        with expected(message=".*'crs' was not provided.*"), _ogr_time(self.about.time):
            pyogrio.raw.write(
                self.path,
                shapely.to_wkb(shapes),
                columns,
                FIELDS,
                layer=layer,
                driver="GPKG",
                dataset_options={"VERSION": "1.2"},  # older programs warn about 1.4, of which nothing is needed here
                geometry_type="Polygon",
                crs=None if ground.crs is None else ground.crs.to_wkt(),
                append=self.path.exists() and bool(features),
                layer_metadata={"phrases": "; ".join(self.about.phrases)} if not features else None,
            )


def layer_names(about: About) -> list[str]:
    """The layer of each phrase."""
    stem = _free(Path(about.scene.name).stem or "scene")
    if about.options.layers == "one":
        return [stem] * len(about.phrases)
    names: list[str] = []
    for phrase in about.phrases:
        name, n = _free("".join(c if c.isalnum() else "_" for c in phrase.lower())[:60]), 2
        while name in names:
            name, n = f"{name}_{n}", n + 1
        names.append(name)
    return names


def _free(name: str) -> str:
    """A name that is no table of the format's own, of SQLite's or of QGIS'."""
    taken = name.lower().startswith(("gpkg", "sqlite_")) or name.lower() == "layer_styles"
    return f"scene_{name}" if taken else name


@contextmanager
def _ogr_time(time: datetime.datetime) -> Iterator[None]:
    """While it lasts, OGR writes this time into files instead of the clock's; one thread at a time, as OGR has one setting."""
    import pyogrio

    with _OGR_LOCK:
        before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": time.strftime(TIME)})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
