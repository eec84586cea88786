"""What the model is shown for a tile: squares at the resolution that was asked for, with what lies around small frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from geo_scenes import UTM, ColorSegmenter, burn, discs, paint, write

from rs2sam2.geo.looking import Look
from rs2sam2.geo.options import SceneOptions
from rs2sam2.geo.scene import Picture, Scene, UnreadableTileError
from rs2sam2.geo.segment import segment_scene
from rs2sam2.geo.tiles import Tile
from rs2sam2.predictor import Predictor


class Watching(ColorSegmenter):
    """Keeps the pictures that it is shown."""

    def __init__(self) -> None:
        super().__init__(64)
        self.shown: list[Any] = []

    def _mask(self, image: Any, phrase: str) -> Any:
        self.shown.append(np.asarray(image))
        return super()._mask(image, phrase)


def watch(path: Path, options: SceneOptions, **area: Any) -> tuple[list[Any], Any]:
    """The pictures shown, and what was found as a mask."""
    model = Watching()
    result = segment_scene(path, "red", predictor=Predictor(model, "watching"), options=options, **area)
    return model.shown, burn(result, "red")


def part_of(rows: slice, columns: slice) -> Any:
    """Rows and columns of `UTM`'s grid as an area."""
    box = shapely.box(columns.start, rows.start, columns.stop, rows.stop)
    return shapely.transform(box, lambda p: p * [UTM[1].a, UTM[1].e] + [UTM[1].c, UTM[1].f])


@pytest.mark.parametrize("rows", [slice(90, 110), slice(0, 20), slice(190, 200)])
def test_a_narrow_area_is_shown_with_what_lies_around_it(tmp_path: Path, rows: slice) -> None:
    red = discs((200, 260), (100, 60, 25), (10, 200, 20), (195, 130, 18))
    path = write(tmp_path / "scene.tif", paint(red.shape, red=red))
    area = {"aoi": part_of(rows, slice(0, 260)), "aoi_crs": UTM[0]}
    shown, found = watch(path, SceneOptions(), **area)
    assert {p.shape for p in shown} == {(64, 64, 3)} and all(p.any(axis=2).all() for p in shown)
    np.testing.assert_array_equal(found, red[rows])


def test_beyond_a_narrow_raster_it_is_black(tmp_path: Path) -> None:
    red = discs((30, 200), (10, 60, 12), (25, 150, 20))
    shown, found = watch(write(tmp_path / "scene.tif", paint(red.shape, red=red)), SceneOptions())
    assert all(p.shape == (64, 64, 3) and p.any(axis=2).sum() == 30 * 64 for p in shown)
    np.testing.assert_array_equal(found, red)


def test_a_small_raster_is_shown_as_any_picture_unless_a_resolution_is_asked_for(tmp_path: Path) -> None:
    red = discs((50, 60), (25, 20, 15))
    path = write(tmp_path / "scene.tif", paint(red.shape, red=red))  # half a metre a pixel
    for options in (SceneOptions(), SceneOptions(tile_size=60), SceneOptions(tile_size=5000)):
        (picture,), found = watch(path, options)
        assert picture.shape == (50, 60, 3)
        np.testing.assert_array_equal(found, red)
    for gsd, seen in ((0.5, 50 * 60), (1.0, 25 * 30)):
        (picture,), found = watch(path, SceneOptions(gsd=gsd))
        assert picture.shape == (64, 64, 3) and picture.any(axis=2).sum() == seen
        assert (found & red).sum() / (found | red).sum() > 0.85


def test_a_slim_frame_is_not_stretched(tmp_path: Path) -> None:
    red = discs((20, 62), (10, 20, 8))
    (picture,), found = watch(write(tmp_path / "small.tif", paint(red.shape, red=red)), SceneOptions())
    assert picture.shape == (62, 62, 3) and picture.any(axis=2).sum() == 20 * 62
    np.testing.assert_array_equal(found, red)
    red = discs((60, 512), (30, 80, 25), (30, 400, 25))
    path, model = write(tmp_path / "wide.tif", paint(red.shape, red=red)), Watching()
    result = segment_scene(path, "the red ship on the left", predictor=Predictor(model, "watching"))
    assert model.shown[0].shape == (64, 64, 3) and model.shown[0].any(axis=2).sum() == 8 * 64  # the coarse look
    red[:, 256:] = False
    np.testing.assert_array_equal(burn(result, "the red ship on the left"), red)


def test_what_cannot_be_read_beyond_the_frame_is_black(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "scene.tif", np.full((200, 260), 9, np.uint8))
    with Scene(path, aoi=part_of(slice(90, 110), slice(0, 260)), aoi_crs=UTM[0]) as scene:
        look, show = Look.plan(scene, SceneOptions(), 64), scene.show

        def broken(tile: Tile, size: tuple[int, int] | None = None) -> Picture:
            if tile.row < 0:
                raise UnreadableTileError("a hole")
            return show(tile, size)

        monkeypatch.setattr(scene, "show", broken)
        pixels = look.read(Tile(0, 0, 20, 64)).pixels
        assert pixels.shape == (64, 64, 3) and (pixels[22:42] == 9).all() and pixels.sum() == 20 * 64 * 3 * 9
