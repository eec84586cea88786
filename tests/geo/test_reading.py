"""Rasters as they come: types, bands, nodata, alpha, palettes, areas of interest, remote files, STAC."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from geo_scenes import UTM, burn, discs, paint, predictor, vrt, write
from PIL import Image

from rs2sam2.errors import DataError, UsageError
from rs2sam2.geo.options import SceneOptions
from rs2sam2.geo.raster import name_of
from rs2sam2.geo.scene import Scene
from rs2sam2.geo.segment import iter_tiles, predict_tiles, segment_scene
from rs2sam2.geo.tiles import Tile

SIZE = (150, 170)
RED = discs(SIZE, (70, 80, 30), (140, 20, 12))


def whole(scene: Scene) -> Tile:
    return Tile(0, 0, *scene.size)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "int16"])
def test_other_types_are_stretched_once_for_the_whole_scene(tmp_path: Path, dtype: str) -> None:
    ramp = np.tile(np.linspace(100, 1100, SIZE[1]), (SIZE[0], 1)).astype(dtype)
    path = write(tmp_path / "scene.tif", np.stack([ramp, ramp * 2, ramp // 2], 2))
    with Scene(path) as scene:
        assert len(scene.stretch.limits or ()) == 3  # each band its own
        picture = scene.read(whole(scene)).pixels
        assert picture[:, 0].max() == 0 and picture[:, -1].min() == 255
        part = Tile(20, 40, 50, 60)
        np.testing.assert_array_equal(scene.read(part).pixels, picture[20:70, 40:100])
    with Scene(path, stretch="0:4400") as scene:
        assert scene.read(whole(scene)).pixels[0, -1].tolist() == [64, 128, 32]
    with Scene(path, bands=[2], stretch="0,100") as scene:
        grey = scene.read(whole(scene)).pixels
        assert (grey[..., 0] == grey[..., 2]).all() and grey.max() == 255
    with pytest.raises(UsageError, match="none needs 8-bit"):
        Scene(path, stretch="none")
    for wrong in ("98,2", "5:1", "bright", "0,101", "1,2,3"):
        with pytest.raises(UsageError, match="is not a stretch"):
            Scene(path, stretch=wrong)


def test_the_stretch_of_a_large_scene_is_measured_on_a_part_with_and_without_overviews(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(1400, dtype=np.uint16), (1100, 1))
    path = write(tmp_path / "scene.tif", ramp)
    with Scene(path) as scene:
        ((low, high),) = scene.stretch.limits or ()
    assert abs(low - 28) < 30 and abs(high - 1371) < 30
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4], rasterio.enums.Resampling.average)
    with Scene(path) as scene:
        ((low, high),) = scene.stretch.limits or ()
    assert abs(low - 28) < 10 and abs(high - 1371) < 10


def test_a_little_data_in_a_wide_frame_is_found_by_the_stretch(tmp_path: Path) -> None:
    wide = np.zeros((1500, 1500), np.uint16)
    wide[150:180, 150:210] = np.arange(100, 160)  # between the windows that are looked at first
    with Scene(write(tmp_path / "scene.tif", wide, nodata=0)) as scene:
        ((low, high),) = scene.stretch.limits or ()
    assert 100 <= low < high < 160


def test_bands_of_several_types(tmp_path: Path) -> None:
    pixels = paint(SIZE, red=RED)
    write(tmp_path / "bytes.tif", pixels)
    write(tmp_path / "words.tif", pixels.astype(np.uint16))
    bands = (("UInt16", "words.tif", 1), ("Byte", "bytes.tif", 2), ("UInt16", "words.tif", 3), ("Byte", "bytes.tif", 1))
    (tmp_path / "scene.vrt").write_text(vrt(*bands, size=SIZE))
    with Scene(tmp_path / "scene.vrt", stretch="0:255") as scene:
        assert scene.dtype == "uint16"
        np.testing.assert_array_equal(scene.read(whole(scene)).pixels, pixels)
    with Scene(tmp_path / "scene.vrt", bands=[4, 2, 2]) as scene:
        assert scene.dtype == "uint8" and scene.stretch.limits is None  # 8 bits as they are


def test_names_of_files_urls_and_what_gdal_resolves() -> None:
    names = {
        "folder/scene.tif": "scene.tif", "https://host/a/b.tif?key=1/2": "b.tif", "/vsicurl/https://host/c.tif?x=1": "c.tif",
        'STACIT:"items/d.json":asset=visual': "d.json", "folder/": "folder", "what?.tif": "what?.tif",
    }  # fmt: skip
    assert {source: name_of(source) for source in names} == names


def test_the_callers_gdal_options_hold_in_the_threads_that_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "scene.tif", paint(SIZE, red=RED))
    seen: list[object] = []
    read = Scene.read

    def spy(self: Scene, *arguments: Any) -> Any:
        seen.append(rasterio.env.getenv().get("GDAL_HTTP_TIMEOUT"))
        return read(self, *arguments)

    monkeypatch.setattr(Scene, "read", spy)
    with rasterio.Env(GDAL_HTTP_TIMEOUT="7"):
        segment_scene(path, "red", tmp_path / "out.png", predictor=predictor())
    assert len(seen) > 2 and set(seen) == {"7"}


def test_bands_by_meaning_by_order_and_by_choice(tmp_path: Path) -> None:
    layers = np.stack([np.full(SIZE, v, np.uint8) for v in (10, 20, 30, 40)], 2)
    path = write(tmp_path / "bgrn.tif", layers, photometric="MINISBLACK")
    with Scene(path) as scene:
        assert scene.bands == (1, 2, 3)
    with rasterio.open(path, "r+") as file:
        kind = rasterio.enums.ColorInterp
        file.colorinterp = [kind.blue, kind.green, kind.red, kind.undefined]
    with Scene(path) as scene:
        assert scene.bands == (3, 2, 1) and scene.read(Tile(0, 0, 1, 1)).pixels.tolist() == [[[30, 20, 10]]]
    with Scene(path, bands=[4, 3, 2]) as scene:
        assert scene.read(Tile(0, 0, 1, 1)).pixels.tolist() == [[[40, 30, 20]]]
    with pytest.raises(UsageError, match="no band 5, only 1 to 4"):
        Scene(path, bands=[5, 1, 2])
    with pytest.raises(UsageError, match="names 2 bands"):
        Scene(path, bands=[1, 2])


@pytest.mark.parametrize("how", ["nodata", "alpha", "mask", "nan"])
def test_what_holds_no_data_is_never_found(tmp_path: Path, how: str) -> None:
    """Half of the red disc is not there: neither in the polygons nor, as 255, in the raster."""
    pixels = paint(SIZE, red=RED)
    gone = np.zeros(SIZE, bool)
    gone[:, :80] = True
    path = tmp_path / "scene.tif"
    if how == "nodata":
        pixels[gone] = 7
        write(path, pixels, nodata=7)
    elif how == "alpha":
        write(path, np.dstack([pixels, np.where(gone, 0, 255).astype(np.uint8)]), alpha="YES", photometric="RGB")
    elif how == "mask":
        write(path, pixels)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
            file.write_mask(~gone)
    else:
        values = pixels.astype(np.float32)
        values[gone] = np.nan
        write(path, values)
    options = SceneOptions(stretch="0:255" if how == "nan" else "auto")
    result = segment_scene(path, "red", tmp_path / "out.tif", predictor=predictor(), options=options)
    np.testing.assert_array_equal(burn(result, "red"), RED & ~gone)
    with rasterio.open(tmp_path / "out.tif") as file:
        np.testing.assert_array_equal(file.read(1), np.where(gone, 255, RED & ~gone))


def test_a_palette_shows_its_colours(tmp_path: Path) -> None:
    path = write(tmp_path / "scene.tif", RED.astype(np.uint8), photometric="PALETTE")
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {0: (90, 120, 80, 255), 1: (230, 30, 30, 255)})
    result = segment_scene(path, "red", predictor=predictor())
    np.testing.assert_array_equal(burn(result, "red"), RED)


def test_a_picture_without_georeference_takes_the_same_way(tmp_path: Path) -> None:
    Image.fromarray(paint(SIZE, red=RED)).save(tmp_path / "picture.png")
    out = tmp_path / "out.gpkg"
    result = segment_scene(tmp_path / "picture.png", "red", [out, tmp_path / "out.tif"], predictor=predictor())
    np.testing.assert_array_equal(burn(result, "red"), RED)
    assert all(f.area_m2 is None for f in result.features or ())
    assert result.geometry(max(result.features or (), key=lambda f: f.pixels)).bounds == (50, 40, 110, 100)
    for outputs, options, said in (
        ([tmp_path / "x.geojson"], SceneOptions(), "no coordinate reference system"),
        ([], SceneOptions(gsd=1), "has no metres, so --gsd 1 means nothing"),
    ):
        with pytest.raises(UsageError, match=said):
            segment_scene(tmp_path / "picture.png", "red", outputs, predictor=predictor(), options=options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.gpkg", "out.tif", "picture.png"]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32633"])
def test_an_area_of_interest_is_all_that_is_looked_at(tmp_path: Path, crs: str) -> None:
    import pyogrio
    from rasterio.warp import transform_geom

    path = write(tmp_path / "scene.tif", paint(SIZE, red=RED))
    affine = UTM[1]
    triangle = shapely.Polygon([(60, 20), (150, 60), (70, 120)])  # in pixels
    ground = shapely.transform(triangle, lambda p: p * [affine.a, affine.e] + [affine.c, affine.f])
    moved = shapely.geometry.shape(transform_geom("EPSG:32633", crs, shapely.geometry.mapping(ground)))
    file = tmp_path / "aoi.gpkg"
    pyogrio.raw.write(file, shapely.to_wkb([moved]), [], [], driver="GPKG", geometry_type="Polygon", crs=crs)
    result = segment_scene(path, "red", tmp_path / "out.tif", predictor=predictor(), aoi=file)
    inside = shapely.contains_xy(triangle, *np.meshgrid(np.arange(SIZE[1]) + 0.5, np.arange(SIZE[0]) + 0.5))
    with rasterio.open(tmp_path / "out.tif") as out:
        assert out.shape == (100, 90) and out.transform.c == UTM[1].c + 60 * 0.5  # the source's own grid
        found = out.read(1)
    np.testing.assert_array_equal(found == 255, ~inside[20:120, 60:150])
    np.testing.assert_array_equal(found == 1, (inside & RED)[20:120, 60:150])
    assert shapely.union_all([result.geometry(f) for f in result.features or ()]).within(ground.buffer(0.5))
    with pytest.raises(UsageError, match="does not meet"):
        segment_scene(path, "red", predictor=predictor(), aoi=shapely.box(0, 0, 1, 1))
    with pytest.raises(UsageError, match="no area of interest at"):
        segment_scene(path, "red", predictor=predictor(), aoi=tmp_path / "no.geojson")
    with pytest.raises(DataError, match="cannot be read as a vector file"):
        segment_scene(path, "red", predictor=predictor(), aoi=path)


def test_the_least_number_as_nodata_is_black_without_a_warning(tmp_path: Path) -> None:
    values = np.tile(np.linspace(0, 100, SIZE[1], dtype=np.float32), (SIZE[0], 1))
    values[:20] = np.finfo(np.float32).min
    with Scene(write(tmp_path / "scene.tif", values, nodata=float(np.finfo(np.float32).min))) as scene:
        picture = scene.read(whole(scene))
    assert not picture.pixels[:20].any() and not picture.valid[:20].any() and picture.pixels[20:, -1].min() == 255


def test_white_may_be_the_least_number(tmp_path: Path) -> None:
    values = np.tile(np.arange(SIZE[1], dtype=np.uint8), (SIZE[0], 1))
    with Scene(write(tmp_path / "scene.tif", values, photometric="MINISWHITE")) as scene:
        np.testing.assert_array_equal(scene.read(whole(scene)).pixels[..., 1], 255 - values)


def test_a_coarse_gsd_reads_less_and_works_at_that_resolution(tmp_path: Path) -> None:
    size = (600, 700)
    red = discs(size, (300, 350, 180))
    path = write(tmp_path / "scene.tif", paint(size, red=red))
    result = segment_scene(path, "red", predictor=predictor(), options=SceneOptions(gsd=2.0))
    assert result.tile_size == 256  # 64 pixels of 2 m are 256 of 0.5 m
    found = burn(result, "red")
    assert (found & red).sum() / (found | red).sum() > 0.95


def test_tiles_and_their_answers_one_by_one(tmp_path: Path) -> None:
    path = write(tmp_path / "scene.tif", paint(SIZE, red=RED))
    model = predictor()
    with Scene(path) as scene:
        tiles = list(iter_tiles(scene, 64))
        answers = list(predict_tiles(scene, ["red"], model))
        assert [a.tile for a in answers] == tiles
        for answer in answers:
            t = answer.tile
            truth = RED[t.row : t.bottom, t.column : t.right]
            np.testing.assert_array_equal(answer.probability(0, model.segmenter.decision) > 0.5, truth)
            assert (answer.found[0] is not None) == truth.any()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """In a process of its own: rasterio may wait for the network while it holds Python's lock."""
    script = Path(__file__).with_name("range_server.py")
    process = subprocess.Popen([sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    process.terminate()
    process.wait()
    process.stdout.close()


def test_a_url_a_vrt_and_a_stac_item(tmp_path: Path, server: str) -> None:
    path = write(tmp_path / "scene.tif", paint(SIZE, red=RED))
    local = segment_scene(path, "red", predictor=predictor())
    (tmp_path / "scene.vrt").write_text(vrt(*(("Byte", "scene.tif", b) for b in (1, 2, 3)), size=SIZE))
    item = stac_item(server)
    (tmp_path / "item.json").write_text(json.dumps({"type": "FeatureCollection", "features": [item]}))
    for source in (f"{server}/scene.tif", tmp_path / "scene.vrt", f"{server}/item.json", tmp_path / "item.json"):
        result = segment_scene(source, "red", predictor=predictor())
        assert [f.outline.wkt for f in result.features or ()] == [f.outline.wkt for f in local.features or ()], source
    with pytest.raises(DataError, match="cannot be opened"):
        segment_scene(f"{server}/nowhere.tif", "red", predictor=predictor())


def stac_item(server: str) -> dict[str, Any]:
    bounds = [500_000, 5_000_000 - SIZE[0] / 2, 500_000 + SIZE[1] / 2, 5_000_000]
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": "scene",
        "stac_extensions": ["https://stac-extensions.github.io/projection/v1.0.0/schema.json"], "collection": "scenes",
        "geometry": {"type": "Point", "coordinates": [15, 45]}, "bbox": [15, 45, 15.1, 45.1],
        "properties": {"datetime": "2024-01-01T00:00:00Z", "proj:epsg": 32633},
        "assets": {"visual": {
            "href": f"{server}/scene.tif", "type": "image/tiff; application=geotiff", "proj:epsg": 32633, "proj:bbox": bounds,
            "proj:shape": list(SIZE), "proj:transform": [0.5, 0, 500_000, 0, -0.5, 5_000_000],
            "eo:bands": [{"name": "red"}, {"name": "green"}, {"name": "blue"}],
        }},
    }  # fmt: skip


def test_a_tile_beyond_the_frame_is_no_tile_of_it(tmp_path: Path) -> None:
    scene = Scene(write(tmp_path / "scene.tif", np.zeros((30, 40), np.uint8)))
    assert scene.read(Tile(10, 20, 20, 20)).pixels.shape == (20, 20, 3)
    for tile in (Tile(20, 20, 20, 20), Tile(10, 21, 20, 20), Tile(-1, 0, 9, 9), Tile(0, -1, 9, 9)):
        with pytest.raises(UsageError, match="beyond the frame"):
            scene.read(tile)


def test_one_phrase_about_tiles_is_one(tmp_path: Path) -> None:
    scene = Scene(write(tmp_path / "scene.tif", np.zeros((30, 40), np.uint8)))
    for phrases in ("red", ["red"], (p for p in ["red"])):
        (answer,) = predict_tiles(scene, phrases, predictor())  # type: ignore[arg-type]
        assert len(answer.found) == 1
