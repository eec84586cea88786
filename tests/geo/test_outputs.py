"""What is written is what others read: GDAL, OGR, GeoParquet's rules, and the same bytes for the same work."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from geo_scenes import ROTATED, UTM, discs, paint, predictor, write
from PIL import Image
from rasterio.warp import transform_geom

from rs2sam2.errors import UsageError
from rs2sam2.geo.options import SceneOptions
from rs2sam2.geo.result import SceneResult
from rs2sam2.geo.segment import segment_scene

SIZE = (300, 340)
RED = discs(SIZE, (100, 150, 60)) & ~discs(SIZE, (100, 150, 20))
BLUE = discs(SIZE, (250, 60, 15), (40, 300, 22))
PHRASES = ("red", "the blue tanks", "green")
NAMES = ("out.gpkg", "out.geojson", "out.parquet", "out.tif", "out.png")


@pytest.fixture(scope="module", params=["utm", "rotated"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SceneResult]:
    folder = tmp_path_factory.mktemp("out")
    scene = write(folder / "scene.tif", paint(SIZE, red=RED, blue=BLUE), UTM if request.param == "utm" else ROTATED)
    outputs = [folder / name for name in NAMES]
    result = segment_scene(scene, PHRASES, outputs, predictor=predictor(), stac=True, revision="r1")
    assert {p.name for p in folder.iterdir()} == {"scene.tif", *NAMES, *(f"{n}.stac.json" for n in NAMES)}
    return folder, result


def expected(result: SceneResult) -> list[tuple[str, object]]:
    return [(f.phrase, result.geometry(f)) for f in result.features or ()]


def test_geopackage(written: tuple[Path, SceneResult]) -> None:
    folder, result = written
    meta, _, wkb, columns = pyogrio.raw.read(folder / "out.gpkg", layer="scene")
    assert meta["crs"] == "EPSG:32633" and meta["geometry_type"] == "Polygon"
    table = dict(zip(meta["fields"], columns, strict=True))
    assert list(table) == ["phrase", "score", "area_m2", "pixels", "source", "model", "revision"]
    shapes = shapely.from_wkb(wkb)
    assert [(p, s.wkt) for p, s in zip(table["phrase"], shapes, strict=True)] == [
        (p, s.wkt)
        for p, s in expected(result)  # type: ignore[attr-defined]
    ]
    assert sorted(table["phrase"]) == ["red", "the blue tanks", "the blue tanks"]
    assert shapely.is_valid(shapes).all() and len(shapes[list(table["phrase"]).index("red")].interiors) == 1
    assert set(table["model"]) == {"colours"} and set(table["revision"]) == {"r1"}
    assert np.allclose(table["area_m2"], shapely.area(shapes) / 0.9996**2, rtol=1e-4) and (table["score"] == 0.9).all()
    with closing(sqlite3.connect(folder / "out.gpkg")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ((style, default),) = database.execute("SELECT styleQML, useAsDefault FROM layer_styles").fetchall()
    assert default == 1 and all(phrase in style for phrase in PHRASES)


def test_geojson_is_rfc_7946(written: tuple[Path, SceneResult]) -> None:
    folder, result = written
    data = json.loads((folder / "out.geojson").read_text())
    assert "crs" not in data and len(data["features"]) == 3
    for feature, (phrase, shape) in zip(data["features"], expected(result), strict=True):
        assert feature["properties"]["phrase"] == phrase
        polygon = shapely.geometry.shape(feature["geometry"])
        assert polygon.exterior.is_ccw and not any(ring.is_ccw for ring in polygon.interiors)
        assert 14.9 < polygon.bounds[0] < 15.1 and 44 < polygon.bounds[1] < 46  # longitude first
        back = shapely.geometry.shape(transform_geom("EPSG:4326", "EPSG:32633", feature["geometry"]))
        assert shapely.hausdorff_distance(back, shape) < 0.01  # metres


def test_geojson_is_cut_at_the_antimeridian(tmp_path: Path) -> None:
    """In UTM zone 60 south, off Fiji: the ring lies on both sides of 180 degrees."""
    place = ("EPSG:32760", Affine(100, 0, 808_000, 0, -100, 8_010_000))
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=RED), place)
    result = segment_scene(scene, "red", tmp_path / "out.geojson", predictor=predictor(), stac=True)
    item = json.loads((tmp_path / "out.geojson.stac.json").read_text())
    west, _, east, _ = item["bbox"]
    assert west > 179 and east < -179 and item["geometry"]["type"] == "MultiPolygon"
    (feature,) = json.loads((tmp_path / "out.geojson").read_text())["features"]
    shape = shapely.geometry.shape(feature["geometry"])
    assert shape.geom_type == "MultiPolygon" and len(shape.geoms) == 2 and shape.is_valid
    east, west = sorted(shape.geoms, key=lambda part: -part.bounds[0])
    assert 179 < east.bounds[0] < east.bounds[2] == 180 and -180 == west.bounds[0] < west.bounds[2] < -179
    area = shape.area * (111_319.5**2) * np.cos(np.radians(shape.centroid.y))
    assert area == pytest.approx((result.features or ())[0].area_m2, rel=0.01)


def test_geoparquet(written: tuple[Path, SceneResult]) -> None:
    import pyarrow.parquet as pq

    folder, result = written
    table = pq.read_table(folder / "out.parquet")
    geo = json.loads(table.schema.metadata[b"geo"])
    column = geo["columns"][geo["primary_column"]]
    assert geo["version"] == "1.1.0" and column["encoding"] == "WKB" and column["crs"]["id"]["code"] == 32633
    rows = table.to_pylist()
    assert [(r["phrase"], shapely.from_wkb(r["geometry"]).wkt) for r in rows] == [
        (p, s.wkt)
        for p, s in expected(result)  # type: ignore[attr-defined]
    ]


def test_cog_is_on_the_grid_of_the_scene(written: tuple[Path, SceneResult]) -> None:
    folder, _ = written
    with rasterio.open(folder / "scene.tif") as scene, rasterio.open(folder / "out.tif") as out:
        assert out.transform == scene.transform and out.crs == scene.crs and out.shape == scene.shape
        assert out.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and out.nodata == 255 and out.dtypes[0] == "uint8"
        assert out.descriptions == PHRASES and out.tags(2)["PHRASE"] == PHRASES[1]
        assert out.tags()["MODEL"] == "colours" and "rs2sam2" in out.tags()["TIFFTAG_SOFTWARE"]
        for band, truth in enumerate((RED, BLUE, np.zeros(SIZE, bool)), 1):
            np.testing.assert_array_equal(out.read(band), truth)


def test_a_large_cog_has_overviews_and_its_directories_first(tmp_path: Path) -> None:
    size = (900, 1100)
    scene = write(tmp_path / "scene.tif", paint(size, red=discs(size, (400, 500, 300))), blockxsize=256, blockysize=256)
    options = SceneOptions(probabilities=True)
    segment_scene(scene, "red", tmp_path / "out.tif", predictor=predictor(image_size=256), options=options)
    with rasterio.open(tmp_path / "out.tif") as out:
        assert out.overviews(1) == [2, 4] or out.overviews(1) == [2]
        assert out.block_shapes == [(512, 512)] and out.scales == (0.004,) and out.tags()["CONTENT"] == "probability"
        values = out.read(1)
        first_block = int(out.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
        second = [
            int(out.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1, ovr=i)) for i in range(len(out.overviews(1)))
        ]
    assert second == sorted(second, reverse=True) and first_block > max(second)  # the smallest overview comes first
    assert values[400, 500] == 250 and values[0, 0] == 0  # sigmoid(2 * 5.5 - 1)


def test_picture(written: tuple[Path, SceneResult]) -> None:
    folder, _ = written
    with Image.open(folder / "out.png") as picture:
        shown = np.asarray(picture.convert("RGB"))[: SIZE[0]]
    plain = paint(SIZE, red=RED, blue=BLUE)
    changed = (shown != plain).any(axis=2)
    assert changed[RED].all() and changed[BLUE].all() and not changed[~RED & ~BLUE].any()


def test_stac_items(written: tuple[Path, SceneResult]) -> None:
    folder, _ = written
    for name in NAMES:
        item = json.loads((folder / f"{name}.stac.json").read_text())
        assert item["links"][0] == {"rel": "derived_from", "href": str(folder / "scene.tif")}
        assert item["properties"]["proj:code"] == "EPSG:32633" and item["properties"]["proj:shape"] == list(SIZE)
        assert (
            item["properties"]["processing:software"]["rs2sam2"]
            and (folder / item["assets"]["result"]["href"]).exists()
        )
        west, south, east, north = item["bbox"]
        assert shapely.box(west, south, east, north).covers(shapely.geometry.shape(item["geometry"]).buffer(-1e-9))
        assert item["properties"]["datetime"].endswith("Z")


def test_a_layer_for_each_phrase_empty_ones_too(tmp_path: Path) -> None:
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=RED, blue=BLUE))
    options = SceneOptions(layers="phrase")
    segment_scene(scene, PHRASES, tmp_path / "out.gpkg", predictor=predictor(), options=options)
    layers = {name: pyogrio.read_info(tmp_path / "out.gpkg", layer=name)["features"]
              for name, kind in pyogrio.list_layers(tmp_path / "out.gpkg") if kind is not None}  # fmt: skip
    assert layers == {"red": 1, "the_blue_tanks": 2, "green": 0}


@pytest.mark.parametrize("name", ["gpkg_tanks", "sqlite_x", "layer_styles"])
def test_a_layer_is_no_table_of_the_formats_own(tmp_path: Path, name: str) -> None:
    scene = write(tmp_path / f"{name}.tif", paint(SIZE, red=RED))
    segment_scene(scene, "red", tmp_path / "out.gpkg", predictor=predictor())
    layers = [layer for layer, kind in pyogrio.list_layers(tmp_path / "out.gpkg") if kind is not None]
    assert layers == [f"scene_{name}"]


def test_what_an_earlier_run_left_beside_an_output_goes(tmp_path: Path) -> None:
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=RED))
    for suffix in (".aux.xml", ".ovr", ".msk"):
        (tmp_path / f"out.tif{suffix}").write_text("of before")
    for stac in (True, False):
        segment_scene(scene, "red", tmp_path / "out.tif", predictor=predictor(), stac=stac)
        assert {p.name for p in tmp_path.glob("out*")} == {"out.tif", *(["out.tif.stac.json"] if stac else [])}


def test_nothing_found_is_a_valid_empty_layer(tmp_path: Path) -> None:
    scene = write(tmp_path / "scene.tif", paint(SIZE))
    outputs = [tmp_path / name for name in NAMES]
    result = segment_scene(scene, "red", outputs, predictor=predictor())
    assert result.empty and result.features == ()
    for name in NAMES[:2]:
        info = pyogrio.read_info(tmp_path / name, layer=0)
        assert info["features"] == 0
    assert pyogrio.read_info(tmp_path / "out.gpkg", layer=0)["crs"] == "EPSG:32633"
    with rasterio.open(tmp_path / "out.tif") as out:
        assert not out.read().any()


def test_the_same_work_gives_the_same_bytes(tmp_path: Path) -> None:
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=RED))
    for run in ("a", "b"):
        segment_scene(scene, "red", [tmp_path / run / n for n in NAMES], predictor=predictor(), stac=True)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's own command line is not installed")
def test_gdals_own_programs_agree(written: tuple[Path, SceneResult]) -> None:
    folder, result = written
    for name, layer in (("out.gpkg", "scene"), ("out.geojson", "out")):
        done = subprocess.run(
            ["ogrinfo", "-ro", "-so", folder / name, layer], capture_output=True, text=True, check=True
        )
        assert "Feature Count: 3" in done.stdout and "Geometry: Polygon" in done.stdout and not done.stderr
    extent = shapely.total_bounds([shape for _, shape in expected(result)])
    done = subprocess.run(
        ["ogrinfo", "-ro", "-so", folder / "out.gpkg", "scene"], capture_output=True, text=True, check=True
    )
    assert "Extent: ({:.6f}, {:.6f}) - ({:.6f}, {:.6f})".format(*extent) in done.stdout
    done = subprocess.run(["gdalinfo", folder / "out.tif"], capture_output=True, text=True, check=True)
    assert "LAYOUT=COG" in done.stdout and not done.stderr


QGIS = """
import json, os, sys
from qgis.core import QgsApplication, QgsRasterLayer, QgsVectorLayer
application = QgsApplication([], False)
application.initQgis()
vector, raster = QgsVectorLayer(sys.argv[1], "v", "ogr"), QgsRasterLayer(sys.argv[2], "r")
rectangle = vector.extent()
print(json.dumps({
    "valid": vector.isValid() and raster.isValid(), "crs": [vector.crs().authid(), raster.crs().authid()],
    "phrases": [c.value() for c in vector.renderer().categories()],
    "found": sorted([f["phrase"], f.geometry().area()] for f in vector.getFeatures()),
    "extent": [rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum()],
}))
sys.stdout.flush()
os._exit(0)  # its own way out stumbles over layers that Python still holds
"""
SYSTEM_PYTHON = shutil.which("python3", path="/usr/bin")
"""QGIS comes with the system, not from the package index."""


@pytest.mark.skipif(not list(Path("/usr/lib/python3/dist-packages").glob("qgis")), reason="QGIS is not installed")
def test_qgis_shows_it_in_the_right_place_and_colours(written: tuple[Path, SceneResult]) -> None:
    folder, result = written
    done = subprocess.run(
        [SYSTEM_PYTHON or "python3", "-c", QGIS, folder / "out.gpkg", folder / "out.tif"],
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": str(folder)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seen = json.loads(done.stdout)
    shapes = expected(result)
    assert seen["valid"] and seen["crs"] == ["EPSG:32633"] * 2 and seen["phrases"] == list(PHRASES)
    assert seen["found"] == [[p, pytest.approx(s.area)] for p, s in sorted(shapes, key=lambda x: (x[0], x[1].area))]  # type: ignore[attr-defined]
    assert seen["extent"] == pytest.approx(shapely.total_bounds([s for _, s in shapes]))


@pytest.mark.parametrize(
    ("outputs", "said"), [(["out.shp"], "cannot write"), (["out.gpkg", "out.gpkg"], "named twice")]
)
def test_outputs_that_cannot_be(tmp_path: Path, outputs: list[str], said: str) -> None:
    scene = write(tmp_path / "scene.tif", paint(SIZE))
    with pytest.raises(UsageError, match=said):
        segment_scene(scene, "red", [tmp_path / n for n in outputs], predictor=predictor())
