"""A STAC item for a result, with the scene it was derived from (https://stacspec.org, version 1.1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from rs2sam2.errors import UsageError
from rs2sam2.geo.degrees import box_of, on_the_earth, on_the_globe
from rs2sam2.geo.ground import Ground
from rs2sam2.geo.result import SceneResult
from rs2sam2.geo.writers.base import About

_MEDIA = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".tiff": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".gpkg": "application/geopackage+sqlite3",
    ".geojson": "application/geo+json",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
}
_EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
]


def item_of(output: Path, about: About, result: SceneResult) -> dict[str, Any]:
    """The item of one output of a scene that has a CRS."""
    import shapely

    ground = result.ground
    outline = outline_of(ground, about.scene.source)
    parts, (west, south, east, north) = shapely.get_parts(outline), box_of(outline)
    rings = [[np.round(np.asarray(part.exterior.coords), 9).tolist()] for part in parts]
    epsg = None if ground.crs is None else ground.crs.to_epsg()
    properties: dict[str, Any] = {
        "datetime": about.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "proj:shape": list(ground.size),
        "proj:transform": list(ground.affine)[:6],
        "processing:software": {"rs2sam2": about.version},
        "processing:lineage": f"referring segmentation by {about.model} {about.revision}".strip(),
        "rs2sam2:phrases": {p.phrase: {"features": p.features, "area_m2": p.area_m2} for p in result.phrases},
    }
    if epsg is not None:
        properties["proj:code"] = f"EPSG:{epsg}"
    elif ground.crs is not None:
        properties["proj:wkt2"] = ground.crs.to_wkt(version="WKT2_2019")
    source = about.scene.source
    href = str(Path(source).resolve()) if Path(source).exists() else source
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": _EXTENSIONS,
        "id": output.name,
        "geometry": {
            "type": outline.geom_type,
            "coordinates": rings[0] if outline.geom_type == "Polygon" else rings,
        },
        "bbox": [round(v, 9) for v in (west, south, east, north)],
        "properties": properties,
        "links": [{"rel": "derived_from", "href": href}],
        "assets": {"result": {"href": f"./{output.name}", "type": _MEDIA[output.suffix.lower()], "roles": ["data"]}},
    }


def outline_of(ground: Ground, source: str) -> Any:
    """A scene's outline in degrees, Polygon or MultiPolygon. Raises UsageError where it has none, having parts off the earth."""
    import shapely

    try:
        outline = ground.outline("EPSG:4326")
    except UsageError:
        outline = None
    if outline is None or not on_the_earth(outline):
        raise UsageError(
            f"a STAC item has the scene's outline in degrees, and {source} reaches off the earth; leave --stac out"
        )
    return shapely.orient_polygons(on_the_globe(outline))


def item_path(output: Path) -> Path:
    """Where the item of an output is written."""
    return output.with_name(output.name + ".stac.json")


def write_item(temporary: Path, output: Path, about: About, result: SceneResult) -> tuple[Path, Path]:
    """Write an output's item beside its temporary file: (final path, where it is now)."""
    now = item_path(temporary)
    text = json.dumps(item_of(output, about, result), indent=2, ensure_ascii=False)
    now.write_text(text + "\n", encoding="utf-8", newline="\n")
    return item_path(output), now
