"""`rs2sam2 segment` on scenes, as users type it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine
from PIL import Image

from rs2sam2.cli import run


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 90, 120), np.uint8)
    path = tmp_path / "scene.tif"
    place = {"crs": "EPSG:32633", "transform": Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)}
    with rasterio.open(path, "w", driver="GTiff", height=90, width=120, count=3, dtype="uint8", **place) as file:
        file.write(pixels)
    return path


def segment(*arguments: object) -> int:
    return run(["segment", *map(str, arguments), "--device", "cpu"])


def test_a_geotiff_gives_vectors_and_rasters(
    toy_folder: Path, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vector, raster, picture = tmp_path / "a.gpkg", tmp_path / "a.tif", tmp_path / "a.png"
    arguments = [scene, "-p", "the ship", "-o", vector, "-o", raster, "--overlay", picture, "--weights", toy_folder]
    assert segment(*arguments, "--min-score", 0, "--tile-size", 64) == 0
    printed = capsys.readouterr()
    assert "'the ship'" in printed.out and f"-> {vector}" in printed.out and not printed.err
    with rasterio.open(raster) as file:
        assert file.shape == (90, 120) and file.tags()["MODEL"] == "toy" and len(file.tags()["REVISION"]) == 12
        pixels = int((file.read(1) == 1).sum())
    meta, _, _, columns = pyogrio.raw.read(vector, layer="scene")
    assert sum(columns[list(meta["fields"]).index("pixels")]) == pixels
    assert picture.exists()


def test_json_folders_and_nothing_found(
    toy_folder: Path, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [scene, "-p", "the ship", "--weights", toy_folder, "--min-score", 1]
    assert segment(*common, "-o", tmp_path / "out", "--json") == 0
    (phrase,) = json.loads(capsys.readouterr().out)["phrases"]
    assert phrase["features"] == 0 and (tmp_path / "out" / "scene.gpkg").exists()
    assert segment(*common, "--fail-empty") == 3
    printed = capsys.readouterr()
    assert "nothing found" in printed.out and "'the ship'" in printed.err


def test_a_picture_is_a_scene_where_it_is_asked_for_as_one(toy_folder: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tmp_path / "p.png")
    common = ["-p", "the ship", "--weights", toy_folder, "--min-score", 0]
    assert segment(tmp_path / "p.png", *common, "-o", tmp_path / "p.gpkg") == 0
    assert pyogrio.read_info(tmp_path / "p.gpkg", layer="p")["geometry_type"] == "Polygon"


def test_bad_input_is_one_line_and_the_right_code(
    toy_folder: Path, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.tif"
    text.write_text("no raster")
    cases: list[tuple[list[object], int, str]] = [
        ([scene, scene, "-o", "x.gpkg"], 2, "rs2sam2 batch"),
        ([scene, "-o", tmp_path / "x.shp"], 2, "cannot write"),
        ([scene, "--bands", "7,1,2"], 2, "no band 7, only 1 to 3"),
        ([scene, "--bands", "red"], 2, "write it like 4,3,2"),
        ([scene, "--stretch", "bright"], 2, "is not a stretch"),
        ([scene, "--gsd", "0"], 2, "--gsd 0"),
        ([scene, "--gsd", "1", "--tile-size", "9"], 2, "one of them"),
        ([scene, "--overlap", "0.9"], 2, "between 0 and 0.5"),
        ([scene, "--aoi", tmp_path / "no.gpkg"], 2, "no area of interest"),
        ([tmp_path / "no.tif"], 2, "no raster at"),
        ([text], 5, "cannot be opened as a raster"),
    ]
    for arguments, code, message in cases:
        assert segment(*arguments, "-p", "the ship", "--weights", toy_folder) == code, arguments
        printed = capsys.readouterr()
        assert printed.err.count("\n") == 1 and message in printed.err and not printed.out, printed.err
