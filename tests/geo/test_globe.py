"""Scenes as large as the globe, around its poles and across 180 degrees, and scenes that are not on the earth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from geo_scenes import discs, paint, predictor, write

from rs2sam2.errors import UsageError
from rs2sam2.geo.degrees import box_of, on_the_globe
from rs2sam2.geo.options import SceneOptions
from rs2sam2.geo.segment import segment_scene

WORLD = 5.100656e14
"""Square metres of WGS 84's surface."""


def box_scene(path: Path, crs: str, affine: Affine, rows: slice, columns: slice, size: tuple[int, int]) -> Path:
    """A scene with one red rectangle."""
    mask = np.zeros(size, bool)
    mask[rows, columns] = True
    return write(path, paint(size, red=mask), (crs, affine))


def geojson(path: Path) -> list[Any]:
    return [shapely.geometry.shape(f["geometry"]) for f in json.loads(path.read_text())["features"]]


def strip(west: float, south: float, east: float, north: float) -> Any:
    """A box with a point every 5 degrees, as reprojection leaves them."""
    return shapely.segmentize(shapely.box(west, south, east, north), 5)


BOTH_SIDES = shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1)])


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [
        (strip(10, 0, 20, 5), shapely.box(10, 0, 20, 5)),
        (strip(-120, -10, 120, 10), shapely.box(-120, -10, 120, 10)),
        (strip(250, 38, 252, 40), shapely.box(-110, 38, -108, 40)),
        (strip(179, 0, 181, 1), BOTH_SIDES),
        (shapely.Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)]), BOTH_SIDES),
        (shapely.Polygon([(0, 80), (120, 80), (-120, 80)]), shapely.box(-180, 80, 180, 90)),
        (
            shapely.Polygon([(0, -60), (-120, -60), (120, -60)], [[(0, -70), (-120, -70), (120, -70)]]),
            shapely.box(-180, -70, 180, -60),
        ),
        (strip(-180, -90, 180, 90), shapely.box(-180, -90, 180, 90)),
    ],
)
def test_polygons_on_the_globe(polygon: Any, expected: Any) -> None:
    found = on_the_globe(polygon)
    assert found.symmetric_difference(expected).area < 1e-9
    assert found.geom_type == expected.geom_type


def test_the_box_of_what_crosses_180_degrees_begins_in_the_east() -> None:
    assert box_of(on_the_globe(strip(179, 0, 181, 1))) == (179, 0, -179, 1)
    assert box_of(strip(-180, -90, 180, 90)) == (-180, -90, 180, 90)


def test_a_map_of_the_world(tmp_path: Path) -> None:
    world = box_scene(
        tmp_path / "world.tif", "EPSG:4326", Affine(2, 0, -180, 0, -2, 90), slice(30, 60), slice(30, 150), (90, 180)
    )
    result = segment_scene(world, "red", tmp_path / "found.geojson", predictor=predictor(), stac=True)
    assert geojson(tmp_path / "found.geojson")[0].symmetric_difference(shapely.box(-120, -30, 120, 30)).area < 1e-6
    zone = np.sin(np.radians(30)) * 240 / 360  # of a sphere between 30 S and 30 N; 0.3 % off for the ellipsoid
    assert result.phrases[0].area_m2 == pytest.approx(WORLD * zone, rel=4e-3)
    assert json.loads((tmp_path / "found.geojson.stac.json").read_text())["bbox"] == [-180, -90, 180, 90]


@pytest.mark.parametrize("west", [250, -110])
def test_longitudes_up_to_360(tmp_path: Path, west: float) -> None:
    place = Affine(0.02, 0, west, 0, -0.02, 40)
    scene = box_scene(tmp_path / "scene.tif", "EPSG:4326", place, slice(25, 75), slice(25, 75), (100, 100))
    segment_scene(scene, "red", tmp_path / "found.geojson", predictor=predictor(), stac=True)
    assert (
        geojson(tmp_path / "found.geojson")[0].symmetric_difference(shapely.box(-109.5, 38.5, -108.5, 39.5)).area < 1e-9
    )
    assert json.loads((tmp_path / "found.geojson.stac.json").read_text())["bbox"] == [-110, 38, -108, 40]
    for area in (shapely.box(-109.5, 38.5, -109, 39.5), shapely.box(250.5, 38.5, 251, 39.5)):
        assert segment_scene(scene, "red", predictor=predictor(), aoi=area).phrases[0].pixels == 1250


def test_an_area_in_two_parts_across_180_degrees(tmp_path: Path) -> None:
    place = Affine(0.02, 0, 179, 0, -0.02, 40)
    scene = box_scene(tmp_path / "scene.tif", "EPSG:4326", place, slice(25, 75), slice(25, 75), (100, 100))
    parts = shapely.MultiPolygon([shapely.box(179, 38, 180, 40), shapely.box(-180, 38, -179, 40)])
    assert segment_scene(scene, "red", predictor=predictor(), aoi=parts).phrases[0].pixels == 2500


def test_the_north_pole(tmp_path: Path) -> None:
    place = Affine(1000, 0, -50_000, 0, -1000, 50_000)
    scene = box_scene(tmp_path / "pole.tif", "EPSG:3413", place, slice(10, 90), slice(10, 90), (100, 100))
    result = segment_scene(scene, "red", tmp_path / "found.geojson", predictor=predictor(), stac=True)
    (found,) = geojson(tmp_path / "found.geojson")
    assert found.contains(shapely.Point(123, 89.99)) and found.bounds[3] == 90
    assert result.phrases[0].area_m2 == pytest.approx(6.4e9, rel=0.07)  # the projection is true at 70 degrees
    assert json.loads((tmp_path / "found.geojson.stac.json").read_text())["bbox"][3] == 90


def test_edges_of_an_area_are_straight_in_its_own_system(tmp_path: Path) -> None:
    """A parallel is no straight line in UTM: between its ends, 6 degrees apart, it lies kilometres further north."""
    place = Affine(10, 0, 499_000, 0, -10, 5_095_500)  # around 46.00 N
    scene = box_scene(tmp_path / "scene.tif", "EPSG:32631", place, slice(0, 200), slice(0, 200), (200, 200))
    for area in (shapely.box(0, 45.99, 6, 50), shapely.box(-180, -90, 180, 90)):
        assert segment_scene(scene, "red", predictor=predictor(), aoi=area).phrases[0].pixels == 40_000
    with pytest.raises(UsageError, match="does not meet"):
        segment_scene(scene, "red", predictor=predictor(), aoi=shapely.box(0, 40, 6, 45.98))


def test_an_area_of_many_parts(tmp_path: Path) -> None:
    place = Affine(10, 0, 499_000, 0, -10, 5_095_500)
    scene = box_scene(tmp_path / "scene.tif", "EPSG:32631", place, slice(0, 200), slice(0, 200), (200, 200))
    x, y = np.meshgrid(np.linspace(-60, 60, 200), np.linspace(-60, 60, 200))
    parts = shapely.box(x.ravel(), y.ravel(), x.ravel() + 0.1, y.ravel() + 0.1)
    area = shapely.MultiPolygon([*parts, shapely.box(2.99, 45.99, 3.01, 46.01)])
    assert 0 < segment_scene(scene, "red", predictor=predictor(), aoi=area).phrases[0].pixels < 40_000


@pytest.mark.parametrize("place", [Affine(1, 0, 500_000, 0, -1, 5_500_000), Affine(1, 0, 0, 0, 1, 200)])
def test_metres_or_pixels_that_say_degrees(tmp_path: Path, place: Affine) -> None:
    scene = box_scene(tmp_path / "scene.tif", "EPSG:4326", place, slice(0, 20), slice(0, 20), (50, 50))
    result = segment_scene(scene, "red", tmp_path / "found.gpkg", predictor=predictor())
    assert result.phrases[0].features == 1 and result.phrases[0].area_m2 is None and not result.ground.metric
    for outputs, options, said in (
        ([tmp_path / "found.geojson"], SceneOptions(), "off the earth"),
        ([], SceneOptions(gsd=1), "has no metres"),
    ):
        with pytest.raises(UsageError, match=said):
            segment_scene(scene, "red", outputs, predictor=predictor(), options=options)


def test_an_area_in_metres_that_says_degrees(tmp_path: Path) -> None:
    place = Affine(10, 0, 499_000, 0, -10, 5_095_500)
    scene = box_scene(tmp_path / "scene.tif", "EPSG:32631", place, slice(0, 20), slice(0, 20), (50, 50))
    with pytest.raises(UsageError, match="area of interest"):
        segment_scene(scene, "red", predictor=predictor(), aoi=shapely.box(499_000, 5_094_000, 499_500, 5_095_500))


@pytest.mark.parametrize(
    ("crs", "area"),
    [('LOCAL_CS["site",UNIT["metre",1]]', 400.0), ("IAU_2015:30100", None), ("IAU_2015:30110", 400.0)],
)
def test_what_is_not_on_the_earth(tmp_path: Path, crs: str, area: float | None) -> None:
    scene = box_scene(tmp_path / "scene.tif", crs, Affine(1, 0, 20, 0, -1, 60), slice(0, 20), slice(0, 20), (50, 50))
    result = segment_scene(scene, "red", tmp_path / "found.gpkg", predictor=predictor())
    assert result.phrases[0].features == 1 and result.phrases[0].area_m2 == area
    with pytest.raises(UsageError):
        segment_scene(scene, "red", tmp_path / "found.geojson", predictor=predictor())
    with pytest.raises(UsageError, match="leave --stac out"):
        segment_scene(scene, "red", tmp_path / "found.gpkg", predictor=predictor(), stac=True)


def test_a_full_disk(tmp_path: Path) -> None:
    disk = "+proj=geos +h=35785831 +lon_0=0 +sweep=y"
    step = 110_000.0
    place = Affine(step, 0, -50 * step, 0, -step, 50 * step)
    scene = write(tmp_path / "disk.tif", paint((100, 100), red=discs((100, 100), (50, 50, 10))), (disk, place))
    segment_scene(scene, "red", tmp_path / "found.geojson", predictor=predictor())
    assert geojson(tmp_path / "found.geojson")[0].contains(shapely.Point(0, 0))
    with pytest.raises(UsageError, match="leave --stac out"):
        segment_scene(scene, "red", tmp_path / "found.gpkg", predictor=predictor(), stac=True)


@pytest.mark.parametrize("option", [{"gsd": np.nan}, {"gsd": np.inf}, {"simplify": np.nan}, {"min_area": np.nan}])
def test_options_that_are_no_numbers(option: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        SceneOptions(**option)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"scope": "everything"}, "--scope everything was given; choose one of auto, tile, scene"),
        ({"layers": "each"}, "--layers each was given; choose one or phrase"),
        ({"tile_size": 300.5}, "--tile-size 300.5 was given; give a whole number"),
        ({"bands": (0, 1, 2)}, "--bands 0,1,2 was given; bands are whole numbers from 1"),
        ({"bands": (1.0, 2, 3)}, "--bands 1.0,2,3 was given"),
    ],
)
def test_options_that_make_no_sense(option: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SceneOptions(**option)
