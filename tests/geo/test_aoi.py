"""Areas of interest as files and shapes hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyogrio
import pytest
import shapely
from geo_scenes import UTM, paint, write

from rs2sam2.errors import UsageError
from rs2sam2.geo.scene import Scene

SIZE = (150, 170)


def test_points_and_lines_of_an_area_count_for_nothing_and_all_its_layers_do(tmp_path: Path) -> None:
    path = write(tmp_path / "scene.tif", paint(SIZE))

    def at(shape: Any) -> Any:
        return shapely.transform(shape, lambda p: p * [UTM[1].a, UTM[1].e] + [UTM[1].c, UTM[1].f])

    box, point, line = (
        at(shapely.box(30, 40, 60, 70)),
        at(shapely.Point(160, 140)),
        at(shapely.LineString([(1, 1), (99, 9)])),
    )
    with Scene(path, aoi=shapely.GeometryCollection([box, point, line]), aoi_crs=UTM[0]) as scene:
        assert scene.size == (30, 30)

    def area(name: str, *layers: tuple[str, Any, str]) -> Path:
        for i, (layer, shape, crs) in enumerate(layers):
            kind = shape.geom_type
            pyogrio.raw.write(
                tmp_path / name, shapely.to_wkb([shape]), [], [], layer=layer, driver="GPKG", geometry_type=kind, crs=crs,
                append=i > 0,
            )  # fmt: skip
        return tmp_path / name

    other = at(shapely.box(100, 40, 120, 90))
    with Scene(
        path, aoi=area("a.gpkg", ("towns", point, UTM[0]), ("west", box, UTM[0]), ("east", other, UTM[0]))
    ) as scene:
        assert scene.size == (50, 90) and scene.area.area == pytest.approx(900 + 1000)
    several = area("b.gpkg", ("west", box, UTM[0]), ("east", other, "EPSG:32634"))
    with pytest.raises(UsageError, match=r"\(west, east\)"):
        Scene(path, aoi=several)
    with pytest.raises(UsageError, match="holds no polygon"):
        Scene(path, aoi=area("c.gpkg", ("towns", point, UTM[0])))
