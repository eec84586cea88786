import struct

import numpy as np
import pytest
from fake_sets import deep_png, mask, picture
from PIL import Image

from rs2sam2.data import RLE, Polygons, Sample
from rs2sam2.depth import more_than_8_bits
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
    picture(0).save(tmp_path / "i.png")
    with pytest.raises(DataError, match="Tiny train 1: run-length mask"):
        make(tmp_path / "i.png", targets=(RLE((64, 64), "@@@"),)).load_mask()


@pytest.mark.parametrize("kind", [0, 2, 4, 6])
def test_pngs_of_16_bits_are_refused(tmp_path, kind):
    with pytest.raises(DataError, match="more than 8 bits a band; stretch it"):
        make(deep_png(tmp_path / "deep.png", kind)).load_image()


@pytest.mark.parametrize("options", [{}, {"compress": "deflate"}, {"interleave": "band"}])
def test_tiffs_of_16_bits_are_refused(tmp_path, options):
    rasterio = pytest.importorskip("rasterio")
    where = rasterio.Affine(1, 0, 5, 0, -1, 5)
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 3, "photometric": "RGB", "transform": where}
    profile |= {"interleave": "pixel"} | options
    for dtype in ("uint8", "uint16"):
        with rasterio.open(tmp_path / f"{dtype}.tif", "w", dtype=dtype, **profile) as out:
            out.write(np.full((3, 64, 64), 200, dtype))
    assert make(tmp_path / "uint8.tif").load_image().getpixel((5, 5)) == (200, 200, 200)
    with pytest.raises(DataError, match="more than 8 bits a band"):
        make(tmp_path / "uint16.tif").load_image()


def test_grey_palette_and_transparent_images_become_rgb(tmp_path):
    for mode in ("L", "P", "RGBA", "1"):
        picture(0).convert(mode).save(tmp_path / f"{mode}.png")
        image = make(tmp_path / f"{mode}.png").load_image()
        assert image.mode == "RGB" and image.size == (64, 64)


def test_draft_decodes_smaller_but_not_too_small(tmp_path):
    picture(0, 400, 800).save(tmp_path / "i.jpg")
    assert make(tmp_path / "i.jpg").load_image(at_least=(100, 200)).size == (200, 100)
    assert make(tmp_path / "i.jpg").load_image(at_least=(101, 200)).size == (400, 200)


def test_five_bits_a_colour_are_not_sixteen(tmp_path):
    """BMP files of 16 bits a pixel: Pillow's raw mode BGR;16."""
    header = struct.pack(
        "<2sIHHI IiiHHIIiiII III", b"BM", 66 + 8, 0, 0, 66, 40, 2, 2, 1, 16, 3, 8, 0, 0, 0, 0, 0xF800, 0x7E0, 0x1F
    )
    (tmp_path / "a.bmp").write_bytes(header + struct.pack("<4H", 0xF800, 0x7E0, 0x1F, 0xFFFF))
    with Image.open(tmp_path / "a.bmp") as image:
        assert not more_than_8_bits(image)
