import numpy as np
import pytest
from fake_sets import mask, risbench, rrsisd
from PIL import Image

from rs2sam2.data import rrsisd as refer
from rs2sam2.data.registry import open_dataset


@pytest.mark.parametrize("by_split", [False, True])
def test_lists_with_masks(tmp_path, by_split):
    data = open_dataset(risbench(tmp_path, by_split=by_split))
    assert (data.layout.name, data.splits()) == ("risbench", ("train", "val", "test"))
    samples = data.read("train")
    assert [(s.id, s.source) for s in samples] == [("P0000", "RISBench"), ("P0003", "RISBench")]
    assert not samples[0].load_mask().any()  # all black, and kept
    assert samples[0].targets
    assert (samples[1].load_mask() == mask(3)).all()
    assert samples[1].load_image().size == (64, 64)


def test_folders_named_as_refsegrs_ones_are_still_risbench(tmp_path):
    risbench(tmp_path)
    (tmp_path / "imgs").rename(tmp_path / "images")
    (tmp_path / "labels").rename(tmp_path / "masks")
    data = open_dataset(tmp_path)
    assert data.layout.name == "risbench"
    assert (data.read("train")[1].load_mask() == mask(3)).all()


def test_ids_may_carry_a_suffix_and_files_may_be_missing(tmp_path):
    risbench(tmp_path)
    (tmp_path / "output_phrase_val.txt").write_text("P0001.png The ship\nP9999 A ship\n")
    first, gone = open_dataset(tmp_path).read("val")
    assert first.id == "P0001" and first.image.name == "P0001.jpg"
    assert gone.image.name == "P9999.jpg" and not gone.image.exists()


def test_the_refer_form(tmp_path):
    data = open_dataset(rrsisd(tmp_path, folder="risbench"))
    assert data.layout.name == "risbench"
    assert data.splits() == ("train", "val", "test")
    sample = data.read("val")[0]
    assert sample.source == "RISBench"
    assert (sample.load_mask() == mask(2)).all()


def test_a_mask_saved_as_jpeg_does_not_grow(tmp_path):
    risbench(tmp_path)
    file = tmp_path / "labels" / "P0001.png"
    Image.fromarray(mask(1)).convert("L").save(file.with_suffix(".JPG"), "JPEG", quality=90)
    file.unlink()
    sample = open_dataset(tmp_path).read("val")[0]
    assert sample.targets[0].path.name == "P0001.JPG" and np.array_equal(sample.load_mask(), mask(1))


def test_the_refer_form_is_parsed_once(tmp_path):
    data = open_dataset(rrsisd(tmp_path, folder="risbench"))
    refer._parse.cache_clear()
    for split in data.splits():
        assert data.read(split)
    assert refer._parse.cache_info().misses == 1
