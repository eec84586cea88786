"""`rs2sam2 segment` on scenes, as users type it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rasterio.control import GroundControlPoint

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


def test_an_overlay_in_a_folder_is_a_picture(toy_folder: Path, scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert segment(scene, "-p", "the ship", "-o", out, "--overlay", out, "--weights", toy_folder) == 0
    assert sorted(p.name for p in out.iterdir()) == ["scene.gpkg", "scene.png"]


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


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({}, "no coordinate reference system; areas in square metres are unknown. Coordinates are in pixels"),
        ({"transform": Affine(0.5, 0, 9, 0, -0.5, 7)}, "Coordinates are in its own system"),
        (
            {
                "gcps": [GroundControlPoint(*p) for p in ((0, 0, 15, 45), (0, 50, 16, 45), (40, 0, 15, 44))],
                "crs": "EPSG:4326",
            },
            "gdalwarp",
        ),
        ({"transform": Affine(1, 0, 5e5, 0, -1, 5e6), "crs": "EPSG:4326"}, "its coordinates are none (check its CRS)"),
    ],
)
def test_a_scene_without_a_place_says_so_and_works(
    toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: dict[str, object], said: str
) -> None:
    path = tmp_path / "scene.tif"
    with (
        warnings.catch_warnings(action="ignore", category=rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(path, "w", driver="GTiff", height=40, width=50, count=3, dtype="uint8", **place) as file,
    ):
        file.write(np.zeros((3, 40, 50), np.uint8))
    out = tmp_path / "out.gpkg"
    assert segment(path, "-p", "the ship", "--weights", toy_folder, "--min-score", 0, "-o", out) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("note: ") and said in printed.err and f"-> {out}" in printed.out
    assert segment(path, "-p", "the ship", "--weights", toy_folder, "-o", tmp_path / "out.geojson") == 2
    refused = capsys.readouterr().err
    assert "georeference it first" in refused or "lies off the earth" in refused


def test_what_cannot_be_read_is_listed_and_the_rest_is_there(
    toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "scene.tif", tmp_path / "out.tif"
    place = {"crs": "EPSG:32633", "transform": Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)}
    with rasterio.open(path, "w", driver="GTiff", height=128, width=90, count=3, dtype="uint8", **place) as file:
        file.write(np.ones((3, 128, 90), np.uint8))
    path.write_bytes(path.read_bytes()[:-9000])  # the last strips are cut off
    arguments = [path, "-p", "the ship", "--weights", toy_folder, "-o", out, "--tile-size", 32, "--overlap", 0]
    assert segment(*arguments) == 5
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1 and "--skip-unreadable" in printed.err and not out.exists()
    assert segment(*arguments, "--skip-unreadable") == 4
    printed = capsys.readouterr()
    assert "parts of" in printed.err and "cannot be read at rows" in printed.err and f"-> {out}" in printed.out
    with rasterio.open(out) as file:
        found = file.read(1)
    assert (found[:64] != 255).all() and (found[-1] == 255).all()


def test_bad_input_is_one_line_and_the_right_code(
    toy_folder: Path, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.tif"
    text.write_text("no raster")
    cases: list[tuple[list[object], int, str]] = [
        ([scene, scene, "-o", "x.gpkg"], 2, "rs2sam2 batch"),
        ([scene, scene], 2, "rs2sam2 batch"),
        ([scene, "-o", scene], 2, "would be lost"),
        ([scene, "--stac"], 2, "--stac is about an output"),
        ([scene, "--probabilities", "-o", tmp_path / "x.gpkg"], 2, "about a .tif"),
        ([scene, "--layers", "phrase", "-o", tmp_path / "x.geojson"], 2, "about a .gpkg"),
        ([scene, "-p", "the ship"], 2, "given twice"),
        ([scene, "-o", tmp_path / "x.shp"], 2, "cannot write"),
        ([scene, "--bands", "0,1,2"], 2, "bands are whole numbers from 1"),
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
