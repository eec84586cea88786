import json
import math
from pathlib import Path

import numpy as np
import pytest

from rs2sam2.data.masks import Polygons
from rs2sam2.data.synthetic.geotiff import make_affine, write_geotiff
from rs2sam2.data.synthetic.world import World
from rs2sam2.errors import UsageError

rasterio = pytest.importorskip("rasterio", reason="GeoTIFF needs rasterio")
pytest.importorskip("shapely", reason="outlines are cut with shapely")

GSD = 1.5  # cells of 256 px = 384 m


def test_pixels_are_the_worlds_and_everything_says_synthetic(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    report = write_geotiff(
        tmp_path / "scene.tif", (256, 270), gsd=GSD, seed=1, advance=lambda i, n: done.append((i, n))
    )
    assert report.size == (256, 270)
    assert done[-1] == (2, 2)
    with rasterio.open(report.path) as file:
        assert file.crs.to_epsg() == 32633
        assert file.res == (GSD, GSD)
        assert file.tags()["SYNTHETIC"] == "YES"
        assert file.profile["tiled"]
        pixels = file.read().transpose(1, 2, 0)
    np.testing.assert_array_equal(pixels, World(1, GSD).window(0, 0, 256, 270))
    assert [p.name for p in tmp_path.iterdir()] == ["scene.tif"]


def test_workers_change_nothing(tmp_path: Path) -> None:
    pictures = []
    for workers in (1, 2):
        path = tmp_path / f"{workers}.tif"
        write_geotiff(path, (64, 300), gsd=GSD, seed=1, workers=workers, compress="none", overviews=False)
        with rasterio.open(path) as file:
            pictures.append(file.read())
    np.testing.assert_array_equal(*pictures)


@pytest.fixture(scope="module")
def truths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("scene")
    for name in ("truth.json", "truth.geojson"):
        write_geotiff(
            folder / "scene.tif", (256, 256), gsd=GSD, seed=4, rotation=30, truth=folder / name, overviews=False
        )
    return folder / "scene.tif", folder / "truth.json", folder / "truth.geojson"


def test_both_truths_hold_the_same_objects(truths: tuple[Path, Path, Path]) -> None:
    """COCO in pixels and GeoJSON in degrees burn the same mask onto the scene's own rotated grid."""
    from rasterio.features import rasterize
    from rasterio.warp import transform_geom

    scene, coco_path, geo_path = truths
    coco, geo = json.loads(coco_path.read_text()), json.loads(geo_path.read_text())
    assert coco["info"]["synthetic"] is True
    assert len(coco["annotations"]) == len(geo["features"]) > 20
    names = {c["id"]: c["name"] for c in coco["categories"]}
    with rasterio.open(scene) as file:
        crs, affine, shape = file.crs, file.transform, file.shape
    for annotation, feature in zip(coco["annotations"], geo["features"], strict=True):
        assert names[annotation["category_id"]] == feature["properties"]["category"]
        assert feature["properties"]["synthetic"] is True
        geometry = transform_geom("EPSG:4326", crs, feature["geometry"])
        mask = rasterize([geometry], out_shape=shape, transform=affine).astype(bool)
        rings = tuple(tuple(ring) for ring in annotation["segmentation"])
        other = Polygons(rings).decode(shape)
        # Two rasterisers may disagree about pixels the outline passes through, and about no others.
        outline = sum(math.dist(r[k : k + 2], r[k + 2 : k + 4]) for r in rings for k in range(0, len(r) - 3, 2))
        assert int((mask ^ other).sum()) <= 1.5 * outline + 4


def test_airplane_outlines_lie_on_the_airplanes(tmp_path: Path) -> None:
    """A world's truth fits its pixels: what is white and outlined is lighter than its surroundings."""
    world = World(4, GSD)
    for i, j in ((i, j) for i in range(6) for j in range(6)):
        if world.kind(i, j) == "airfield":
            break
    cell = world.cell(i, j)
    n = world.cell_pixels
    light = cell.image.mean(2)
    inside = np.zeros((n, n), bool)
    for drawn in cell.drawn:
        if drawn.category == "airplane" and drawn.attributes["colour"] == "white":
            rings = tuple(tuple((o - (j * n, i * n)).ravel().tolist()) for o in drawn.outlines)
            inside |= Polygons(rings).decode((n, n))
    assert inside.sum() > 200
    near = np.zeros_like(inside)
    for dy, dx in ((-6, 0), (6, 0), (0, -6), (0, 6)):
        near |= np.roll(inside, (dy, dx), (0, 1))
    assert light[inside].mean() > light[near & ~inside].mean() + 20


@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:4326", "EPSG:2263", None])
def test_a_pixel_is_gsd_metres_in_any_crs(crs: str | None) -> None:
    system, affine = make_affine(crs, 0.5, rotation=25)
    step = np.array([[affine.a, affine.d], [affine.b, affine.e]])
    if system is not None and system.is_geographic:
        step *= 111_319.49 * np.array([math.cos(math.radians(45)), 1])
    elif system is not None:
        step *= system.linear_units_factor[1]
    np.testing.assert_allclose(step @ step.T, 0.25 * np.eye(2), atol=1e-9)  # right angles, half a metre
    assert np.linalg.det(step) < 0  # rows run down


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"size": (0, 10)}, "at least 1 pixel"),
        ({"gsd": 50.0}, "between 0.1 and 5 m"),
        ({"path": "scene.png"}, "does not end in .tif"),
        ({"truth": "truth.txt"}, "neither .geojson nor .json"),
        ({"truth": "truth.geojson", "crs": None}, "GeoJSON needs a coordinate reference system"),
        ({"crs": "EPSG:banana"}, "is not a coordinate reference system"),
        ({"crs": "EPSG:4978"}, "neither projected nor geographic"),
        ({"rotation": math.nan}, "give finite numbers"),
        ({"origin": (math.nan, 0.0)}, "give finite numbers"),
        ({"origin": (0.0, math.inf)}, "give finite numbers"),
        ({"truth": "truth.geojson", "origin": (1e12, 1e12)}, "reaches beyond"),
        ({"truth": "truth.geojson", "crs": "EPSG:4326", "origin": (1e12, 45.0)}, "reaches beyond"),
        ({"seed": -1}, "seed -1 was given"),
        ({"categories": ["cow"]}, "no synthetic object is called 'cow'"),
    ],
)
def test_bad_arguments_are_refused_and_leave_nothing(tmp_path: Path, arguments: dict[str, object], said: str) -> None:
    path = tmp_path / str(arguments.pop("path", "scene.tif"))
    if "truth" in arguments:
        arguments["truth"] = tmp_path / str(arguments["truth"])
    with pytest.raises(UsageError, match=said):
        write_geotiff(path, **({"size": (64, 64)} | arguments))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_geotiff(tmp_path / "a.tif", (64, 64), gsd=GSD, truth=tmp_path / "a.json", advance=stop)
    assert not list(tmp_path.iterdir())
