"""What is found lies where it is: pixels, coordinates, square metres, whatever the grid and the order of work."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from geo_scenes import DEGREES, ROTATED, UTM, burn, discs, paint, predictor, write
from numpy.typing import NDArray
from rasterio.warp import transform

from rs2sam2.geo.options import SceneOptions
from rs2sam2.geo.segment import segment_scene
from rs2sam2.predictor import Predictor

SIZE = (200, 260)
FEET = ("EPSG:2263", Affine(1.5, 0, 980_000, 0, -1.5, 200_000))
MERCATOR = (
    "EPSG:3857",
    Affine(0.7, 0, 1_670_000, 0, -0.7, 8_400_000),
)  # 60 degrees north: metres there are twice too long
RING = shapely.box(40, 30, 150, 120) - shapely.box(70, 60, 110, 100)
PLACES = {"utm": UTM, "degrees": DEGREES, "rotated": ROTATED, "feet": FEET, "mercator": MERCATOR}


def scene_with_ring(folder: Path, place: tuple[str, Affine]) -> Path:
    mask = np.zeros(SIZE, bool)
    mask[30:120, 40:150] = True
    mask[60:100, 70:110] = False
    return write(folder / "scene.tif", paint(SIZE, red=mask, blue=discs(SIZE, (160, 200, 25.3))), place)


@pytest.mark.parametrize("name", PLACES)
def test_polygons_land_where_the_truth_is(tmp_path: Path, name: str) -> None:
    crs, affine = PLACES[name]
    result = segment_scene(scene_with_ring(tmp_path, (crs, affine)), ["red", "blue"], predictor=predictor())
    ring, disc = result.features or ()
    a, b, c, d, e, f = (~affine)[:6]

    def to_pixels(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([a * xy[:, 0] + b * xy[:, 1] + c, d * xy[:, 0] + e * xy[:, 1] + f], 1)

    back = shapely.transform(result.geometry(ring), to_pixels)
    assert shapely.hausdorff_distance(back, RING) < 1e-3  # of a pixel: an outline on pixel edges is found exactly
    round_truth = shapely.Point(200, 160).buffer(25.3, quad_segs=90)
    back = shapely.transform(result.geometry(disc), to_pixels)
    along = shapely.line_interpolate_point(back.exterior, np.linspace(0, back.exterior.length, 500))
    assert shapely.distance(along, round_truth.exterior).mean() < 0.5
    assert shapely.distance(back.centroid, round_truth.centroid) < 0.05


def ellipsoid_strip(south: float, north: float, width: float) -> float:
    """Square metres between two parallels over ``width`` degrees of longitude on WGS 84 (Snyder 1987, eq. 3-12)."""
    f = 1 / 298.257223563
    e = math.sqrt(f * (2 - f))
    semiminor = 6_378_137.0 * (1 - f)

    def q(latitude: float) -> float:
        s = math.sin(math.radians(latitude))
        return s / (1 - (e * s) ** 2) + math.log((1 + e * s) / (1 - e * s)) / (2 * e)

    return semiminor**2 / 2 * math.radians(width) * (q(north) - q(south))


def test_areas_are_those_on_the_ellipsoid(tmp_path: Path) -> None:
    areas: dict[str, float] = {}
    for name, place in PLACES.items():
        (ring,) = segment_scene(scene_with_ring(tmp_path, place), "red", predictor=predictor()).features or ()
        assert ring.area_m2 is not None and ring.pixels == RING.area
        areas[name] = ring.area_m2
    affine = DEGREES[1]
    rows = lambda a, b: (affine.f + b * affine.e, affine.f + a * affine.e)  # noqa: E731
    truth = ellipsoid_strip(*rows(30, 120), 110 * affine.a) - ellipsoid_strip(*rows(60, 100), 40 * affine.a)
    assert areas["degrees"] == pytest.approx(truth, rel=1e-5)
    assert areas["utm"] == pytest.approx(RING.area * 0.25 / 0.9996**2, rel=1e-4)  # on the central meridian
    assert areas["rotated"] == pytest.approx(areas["utm"], rel=1e-4)
    foot = 1200 / 3937
    assert areas["feet"] == pytest.approx(RING.area * (1.5 * foot) ** 2, rel=1e-3)
    _, (latitude,) = transform("EPSG:3857", "EPSG:4326", [1_670_000], [8_400_000 - 50])
    assert areas["mercator"] == pytest.approx(RING.area * (0.7 * math.cos(math.radians(latitude))) ** 2, rel=0.01)


def same_features(a: Any, b: Any) -> bool:
    return [(f.phrase, f.outline.wkt, f.score, f.area_m2, f.pixels) for f in a.features] == [
        (f.phrase, f.outline.wkt, f.score, f.area_m2, f.pixels) for f in b.features
    ]


def test_batches_workers_and_ways_to_say_a_tile_change_nothing(tmp_path: Path) -> None:
    scene = scene_with_ring(tmp_path, UTM)
    first = segment_scene(scene, ["red", "blue"], predictor=predictor(), options=SceneOptions(tile_size=64))
    assert first.tiles > 10 and len(first.features or ()) == 2
    for options in (
        SceneOptions(tile_size=64, batch_size=1, workers=1),
        SceneOptions(tile_size=64, batch_size=8, workers=2),
        SceneOptions(gsd=0.5002),  # metres of UTM's grid are 0.04 % longer on the ground
        SceneOptions(),
    ):
        model = predictor(max_batch=3)
        result = segment_scene(scene, ["red", "blue"], predictor=model, options=options)
        assert same_features(first, result)
        largest = options.batch_size or 3
        assert max(model.segmenter.batches) == largest  # type: ignore[attr-defined]


def test_any_tile_that_holds_the_whole_scene_gives_the_same(tmp_path: Path) -> None:
    scene = scene_with_ring(tmp_path, ROTATED)
    model = predictor(image_size=400)
    results = [
        segment_scene(scene, "red", predictor=model, options=SceneOptions(tile_size=side)) for side in (260, 300, 700)
    ]
    assert results[0].tiles == 1
    assert same_features(results[0], results[1]) and same_features(results[0], results[2])


@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("side", [33, 64, 100])
def test_no_seam_shows(tmp_path: Path, side: int, overlap: float) -> None:
    """Things that lie across many tiles come out whole, each as one polygon, to the pixel."""
    red = discs(SIZE, (100, 100, 90)) & ~discs(SIZE, (100, 100, 50))
    red[150:160] = True
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=red))
    options = SceneOptions(tile_size=side, overlap=overlap)
    result = segment_scene(scene, "red", predictor=predictor(), options=options)
    np.testing.assert_array_equal(burn(result, "red"), red)
    assert len(result.features or ()) == 1


def test_tiles_without_the_thing_stay_empty_and_do_not_cut_their_neighbours(tmp_path: Path) -> None:
    class Hallucinating(type(predictor().segmenter)):  # type: ignore[misc]
        """Where the colour is not, the mask is everything, as of models that always answer; presence knows better."""

        def _mask(self, image: Any, phrase: str) -> Any:
            mask = super()._mask(image, phrase)
            self.true = mask.any()
            return mask

        def __call__(self, *arguments: Any) -> Any:
            out = super().__call__(*arguments)
            for row, presence in enumerate(out.presence):
                if presence < 0.5:
                    out.mask_logits[row] = 5.0
            return out

    red = discs(SIZE, (100, 130, 30))
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=red))
    model = Predictor(Hallucinating(), "hallucinating")
    strict = segment_scene(scene, "red", predictor=model, options=SceneOptions(tile_size=64))
    np.testing.assert_array_equal(burn(strict, "red"), red)
    lenient = segment_scene(scene, "red", predictor=model, options=SceneOptions(tile_size=64, min_score=0))
    assert burn(lenient, "red").sum() > 3 * red.sum()
    model.segmenter.min_score = 0.0  # type: ignore[attr-defined]  # what the weights say is the default
    assert (
        burn(segment_scene(scene, "red", predictor=model, options=SceneOptions(tile_size=64)), "red").sum()
        > 3 * red.sum()
    )


def test_weights_without_presence_have_a_score_all_the_same(tmp_path: Path) -> None:
    red = discs(SIZE, (100, 130, 30))
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=red))
    result = segment_scene(scene, "red", predictor=predictor(presence=False))
    (feature,) = result.features or ()
    inside = 1 / (1 + math.exp(-2 * (5.5 - 0.5)))  # the mean probability inside the mask
    assert feature.score == pytest.approx(inside, abs=0.005)


def test_simplify_and_min_area_are_in_metres(tmp_path: Path) -> None:
    red = discs(SIZE, (100, 130, 40), (20, 20, 4))
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=red))
    exact = segment_scene(scene, "red", predictor=predictor())
    options = SceneOptions(simplify=1.0, min_area=50 * 0.25)
    simple = segment_scene(scene, "red", predictor=predictor(), options=options)
    assert len(exact.features or ()) == 2
    large = max(exact.features or (), key=lambda f: f.pixels)
    (kept,) = simple.features or ()
    assert shapely.get_num_coordinates(kept.outline) < shapely.get_num_coordinates(large.outline) / 3
    assert shapely.hausdorff_distance(kept.outline, large.outline) <= 2.01  # 1 m is 2 pixels
    assert kept.area_m2 == pytest.approx(large.area_m2, rel=0.05)


def test_simplify_is_in_metres_where_pixels_are_not_square(tmp_path: Path) -> None:
    """60 degrees north a pixel of equal degrees is half as wide as high: 0.5 m and 1 m here."""
    place = ("EPSG:4326", Affine(9e-6, 0, 15.0, 0, -9e-6, 60.0))
    for shape, kept in (((2, 60), True), ((60, 2), False)):  # a bay 1 m wide, a bay 2 m wide, both 60 pixels long
        mask = np.zeros(SIZE, bool)
        mask[20:180, 20:240] = True
        mask[100 : 100 + shape[0], 20 : 20 + shape[1]] = False
        scene = write(tmp_path / "scene.tif", paint(SIZE, red=mask), place)
        options = SceneOptions(simplify=1.5)
        (feature,) = segment_scene(scene, "red", predictor=predictor(), options=options).features or ()
        assert (shapely.get_num_coordinates(feature.outline) > 5) == kept
        assert (np.asarray(feature.outline.exterior.coords) % 1 == 0).all()


def test_the_bundled_model_gives_the_same_whatever_the_batch(tmp_path: Path) -> None:
    from rs2sam2.data.synthetic.geotiff import write_geotiff

    write_geotiff(tmp_path / "scene.tif", (420, 640), gsd=1.5, seed=4, overviews=False)
    model = Predictor.load(device="cpu")
    written = []
    for batch, workers in ((1, 1), (8, 2)):
        out = tmp_path / f"{batch}" / "out.gpkg"
        options = SceneOptions(batch_size=batch, workers=workers, min_score=0.2)
        phrases = ["all airplanes", "all storage tanks", "all tennis courts"]
        result = segment_scene(tmp_path / "scene.tif", phrases, out, predictor=model, options=options)
        assert not result.empty
        written.append(out.read_bytes())
    assert written[0] == written[1]
