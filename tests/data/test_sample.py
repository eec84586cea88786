import numpy as np
import pytest
from fake_sets import mask, picture
from PIL import Image

from rs2sam2.data import RLE, Polygons, Sample
from rs2sam2.errors import DataError


def make(path, **changes):
    return Sample(**{"id": "1", "phrase": "a ship", "image": path, "split": "train", "source": "Tiny"} | changes)


def test_a_mask_of_another_size_is_stretched_to_the_image(tmp_path):
    picture(0, 101, 100).save(tmp_path / "i.png")
    full = make(tmp_path / "i.png", targets=(RLE.encode(np.ones((100, 100), bool)),), height=100, width=100)
    assert full.image_size() == (101, 100)
    assert full.load_mask().shape == (101, 100)
    assert full.load_mask().all()


def test_there_is_one_resampling_from_the_annotation(tmp_path):
    picture(0, 100, 100).save(tmp_path / "i.png")
    array = mask(1, 100, 100)
    sample = make(tmp_path / "i.png", targets=(RLE.encode(array),))
    expected = Image.fromarray(array.astype(np.uint8)).resize((64, 48), Image.Resampling.NEAREST)
    assert (sample.load_mask((48, 64)) == np.asarray(expected).astype(bool)).all()


def test_targets_are_added_up_and_none_is_nothing(tmp_path):
    picture(0).save(tmp_path / "i.png")
    targets = (RLE.encode(mask(1)), RLE.encode(mask(2)))
    assert (make(tmp_path / "i.png", targets=targets).load_mask() == mask(1) | mask(2)).all()
    nothing = make(tmp_path / "i.png").load_mask()
    assert nothing.shape == (64, 64) and not nothing.any()


def test_polygons_are_drawn_on_the_recorded_frame(tmp_path):
    pytest.importorskip("pycocotools")
    picture(0, 40, 40).save(tmp_path / "i.png")
    square = Polygons(((0, 0, 40, 0, 40, 40, 0, 40),))
    assert make(tmp_path / "i.png", targets=(square,)).load_mask().all()
    on_larger = make(tmp_path / "i.png", targets=(square,), height=80, width=80)
    assert on_larger.load_mask().mean() == pytest.approx(0.25, abs=0.01)


def test_unusable_files_are_one_line_errors(tmp_path):
    with pytest.raises(DataError, match="no image"):
        make(tmp_path / "gone.jpg").load_image()
    (tmp_path / "text.jpg").write_text("no image")
    with pytest.raises(DataError, match="cannot be read"):
        make(tmp_path / "text.jpg").image_size()
    picture(0, 300, 300).save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:2000])
    with pytest.raises(DataError, match="cannot be read"):
        make(tmp_path / "half.jpg").load_image()
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(DataError, match="more than 8 bits"):
        make(tmp_path / "deep.png").load_image()
    picture(0).save(tmp_path / "i.png")
    with pytest.raises(DataError, match="Tiny train 1: run-length mask"):
        make(tmp_path / "i.png", targets=(RLE((64, 64), "@@@"),)).load_mask()


def test_grey_palette_and_transparent_images_become_rgb(tmp_path):
    for mode in ("L", "P", "RGBA", "1"):
        picture(0).convert(mode).save(tmp_path / f"{mode}.png")
        image = make(tmp_path / f"{mode}.png").load_image()
        assert image.mode == "RGB" and image.size == (64, 64)


def test_draft_decodes_smaller_but_not_too_small(tmp_path):
    picture(0, 400, 800).save(tmp_path / "i.jpg")
    assert make(tmp_path / "i.jpg").load_image(at_least=(100, 200)).size == (200, 100)
    assert make(tmp_path / "i.jpg").load_image(at_least=(101, 200)).size == (400, 200)
