from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from geo_scenes import UTM, ColorSegmenter, burn, discs, paint, predictor, write

from rs2sam2.geo.options import SceneOptions
from rs2sam2.geo.referents import Referents
from rs2sam2.geo.scope import every, least_share, local_phrase, scope_of
from rs2sam2.geo.segment import segment_scene
from rs2sam2.geo.tiles import Tile
from rs2sam2.predictor import Predictor

SIZE = (320, 400)


class Leftmost(ColorSegmenter):
    """ "leftmost" is the first run of columns that have the colour."""

    def _mask(self, image: Any, phrase: str) -> Any:
        mask = super()._mask(image, phrase.replace("leftmost", ""))
        there = np.flatnonzero(mask.any(axis=0))
        if "leftmost" in phrase and len(there):
            mask[:, there[0] + int(np.argmin(np.append(np.diff(there) == 1, False))) + 1 :] = False
        return mask


@pytest.mark.parametrize(
    ("phrase", "scope"),
    [
        ("all storage tanks", "tile"), ("the white airplane", "tile"), ("the ship next to the harbor", "tile"),
        ("the ship to the left of the bridge", "tile"), ("a solar farm with a red roof", "tile"), ("large ships", "tile"),
        ("the ship on the left", "scene"), ("the largest ship", "scene"), ("the second airplane from the top", "scene"),
        ("the two airplanes", "scene"), ("the ship in the upper right corner", "scene"),
        ("could you segment the upper jets?", "scene"), ("find the top-left ship", "scene"),
        ("the biggest solar farm", "scene"), ("the solar farm on the left", "scene"),
        ("the car in the upper right corner of the parking lot", "tile"), ("the largest ships", "scene"),
        ("the solar farm on the left of the barn", "tile"), ("the northernmost solar farm", "scene"),
        ("the ship nearest to the harbor", "scene"), ("the closest ship to the harbor", "scene"), ("the lowest ship", "scene"),
        ("the ship furthest north", "scene"), ("the northwestern ship", "scene"), ("the ship in the south-east", "scene"),
        ("the smaller ship", "scene"), ("the barn smaller than the house", "tile"),
        ("the solar farm on the left of the aerial photo", "scene"), ("the central solar farm", "scene"),
    ],
)  # fmt: skip
def test_words_about_the_frame_make_a_phrase_about_the_scene(phrase: str, scope: str) -> None:
    assert scope_of(phrase) == scope


def test_a_tile_is_asked_without_the_words_that_the_scene_has_answered() -> None:
    assert local_phrase("the leftmost white ship next to the harbor") == "all white ships"
    assert local_phrase("the three storage tanks at the top") == "all storage tanks"
    for unclear in ("the largest ships", "the ship at the top center", "the ship going to the left"):
        assert local_phrase(unclear) == "all ships"
    assert local_phrase("please find the leftmost jet in this image", ("airplane",)) == "all airplanes"
    assert (
        local_phrase("the leftmost warehouse", ("warehouse",)) == "all warehouses"
    )  # no building, to a model that knows them
    assert local_phrase("the leftmost yacht") == "the leftmost yacht"  # RS2-SAM2 hears what was said
    assert local_phrase("the leftmost solar farm") == "the leftmost solar farm"


def test_positions_mean_the_scene_or_each_tile(tmp_path: Path) -> None:
    """ "red on the left": in the scene's left half, or in the left half of each tile."""
    red = discs(SIZE, (80, 60, 30), (240, 330, 40))
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=red))
    model = predictor()
    options = SceneOptions(tile_size=96)
    # The parser knows no "red thing", so the fine pass asks the phrase as it is; a model that is right about
    # colours alone stands in for it by answering "left" from the whole view only where it sees the whole scene.
    whole = segment_scene(scene, "the red thing on the left", predictor=model, options=options)
    assert whole.phrases[0].scope == "scene" and whole.phrases[0].seen_at_m == pytest.approx(0.5 * 400 / 64, rel=0.01)
    found = burn(whole, "the red thing on the left")
    assert found[:, :200].any() and not found[:, 200:].any()
    each = segment_scene(
        scene, "the red thing on the left", predictor=model, options=SceneOptions(tile_size=96, scope="tile")
    )
    assert burn(each, "the red thing on the left")[:, 200:].any()


def test_the_fine_pass_is_as_exact_as_tiles_are_and_looks_only_where_it_must(tmp_path: Path) -> None:
    red = discs(SIZE, (80, 60, 30), (240, 330, 40))
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=red))
    for scope, parts in (("scene", 1), ("tile", 2)):
        model = predictor(max_batch=1)
        phrase = "the red ship on the left"  # the parser's local phrase is "all red ships"
        result = segment_scene(scene, phrase, predictor=model, options=SceneOptions(scope=scope))  # type: ignore[arg-type]
        asked = model.segmenter.asked  # type: ignore[attr-defined]
        if scope == "scene":
            left = red.copy()
            left[:, 200:] = False
            np.testing.assert_array_equal(burn(result, phrase), left)
            assert asked[0] == phrase and set(asked[1:]) == {"all red ships"} and len(asked) < result.tiles / 2
        else:
            assert len(asked) == result.tiles and parts == 2


def test_what_the_coarse_look_does_not_find_is_not_there(tmp_path: Path) -> None:
    scene = write(tmp_path / "scene.tif", paint(SIZE))
    model = predictor()
    result = segment_scene(scene, "the largest red ship", predictor=model)
    assert result.empty and model.segmenter.asked == ["the largest red ship"]  # type: ignore[attr-defined]


def test_a_scene_of_one_tile_is_asked_once_as_it_is(tmp_path: Path) -> None:
    scene = write(tmp_path / "scene.tif", paint((60, 60), red=discs((60, 60), (30, 10, 8))))
    model = predictor()
    result = segment_scene(scene, "the red ship on the left", predictor=model)
    assert model.segmenter.asked == ["the red ship on the left"] and result.phrases[0].features == 1  # type: ignore[attr-defined]


def test_a_bare_noun_is_a_kind_to_each_of_several_tiles(tmp_path: Path) -> None:
    assert every("airplane") == "all airplanes" and every("large white ship") == "all large white ships"
    for said in ("the airplane", "airplanes", "ship next to the harbor", "solar farm"):
        assert every(said) == said
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=discs(SIZE, (80, 60, 30))))
    for size, asked in ((64, "all red ships"), (400, "red ship")):
        model = predictor(image_size=size)
        segment_scene(scene, "red ship", predictor=model)
        assert set(model.segmenter.asked) == {asked}  # type: ignore[attr-defined]


@pytest.mark.parametrize("image_size", [64, 400])
def test_the_leftmost_of_an_area_is_not_that_of_the_frame_around_it(tmp_path: Path, image_size: int) -> None:
    outside, first, second = (60, 60, 20), (200, 200, 20), (200, 340, 20)
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=discs(SIZE, outside, first, second)))
    area = shapely.Polygon([(0, 320), (0, 200), (400, 0), (400, 320)])
    area = shapely.transform(area, lambda p: p * [UTM[1].a, UTM[1].e] + [UTM[1].c, UTM[1].f])
    model = Predictor(Leftmost(image_size), "leftmost")
    result = segment_scene(scene, "the leftmost red ship", predictor=model, aoi=area, aoi_crs=UTM[0])
    np.testing.assert_array_equal(burn(result, "the leftmost red ship"), discs(SIZE, first))


def test_a_neighbour_within_the_margin_is_not_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rs2sam2.geo.scope.MARGIN", 0.1)
    one, other = (160, 60, 30), (160, 140, 30)
    scene = write(tmp_path / "scene.tif", paint(SIZE, red=discs(SIZE, one, other)))
    outputs = [tmp_path / "out.tif"]
    result = segment_scene(scene, "the leftmost red ship", outputs, predictor=Predictor(Leftmost(), "leftmost"))
    np.testing.assert_array_equal(burn(result, "the leftmost red ship"), discs(SIZE, one))
    with rasterio.open(outputs[0]) as written:
        np.testing.assert_array_equal(written.read(1) == 1, discs(SIZE, one))


def test_pieces_that_the_coarse_look_marked_stay_and_specks_go() -> None:
    parts = [shapely.box(0, 0, 10, 10), shapely.box(40, 0, 50, 10)]
    thing, beside, speck, small = (
        shapely.box(*b) for b in ((0, 0, 8, 10), (9, 1, 19, 11), (9, 0, 10, 1), (40, 0, 41, 5))
    )

    def kept(pieces: list[Any], least: float) -> list[int]:
        gate = Referents(pieces, parts, least).gate(Tile(0, 0, 20, 60))
        return [i for i, p in enumerate(pieces) if gate[int(p.bounds[1]), int(p.bounds[0])]]

    pieces = [beside, speck, thing, small]
    assert least_share("ships at the top") is None and least_share("the northernmost thing") is None
    phrases = ("the two ships at the top", "the road at the top", "the leftmost ship")
    several, thing_and_parts, one = (least_share(phrase) or 0.0 for phrase in phrases)
    assert kept(pieces, several) == [2, 3]
    assert kept(pieces, thing_and_parts) == [2]
    assert kept([*pieces[:3], shapely.box(40, 0, 50, 7)], thing_and_parts) == [2, 3]
    assert kept([*pieces[:3], shapely.box(40, 0, 50, 7)], one) == [2]
    assert kept([shapely.box(20, 0, 22, 2), shapely.box(30, 0, 35, 5)], one) == [1]  # none is marked: the largest
    across = [shapely.box(*b) for b in ((0, 0, 50, 4), (0, 4, 10, 9), (40, 4, 50, 9))]  # the first has most, all told
    assert kept(across, one) == [1, 2]
    assert kept([], one) == []
