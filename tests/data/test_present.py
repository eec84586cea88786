from dataclasses import replace

import pytest
from fake_sets import refs, refsegrs, rrsisd

from rs2sam2.data.masks import RLE, Polygons
from rs2sam2.data.present import check_files
from rs2sam2.data.registry import open_dataset
from rs2sam2.errors import DataError


def read(root):
    data = open_dataset(root)
    return [sample for split in data.splits() for sample in data.read(split)]


@pytest.mark.parametrize("make", [refs, refsegrs, rrsisd])
def test_whole_sets_pass(tmp_path, make):
    check_files(read(make(tmp_path)))


def test_the_first_few_are_named_and_all_counted(tmp_path):
    samples = read(refsegrs(tmp_path))
    (tmp_path / "images" / "0.tif").unlink()
    for number in (1, 2, 4):
        (tmp_path / "masks" / f"{number}.tif").unlink()
    with pytest.raises(DataError) as error:
        check_files([*samples, samples[0]])  # what two samples share counts once
    said = str(error.value)
    assert said.startswith("4 image files, mask files or annotations of 7 samples are missing or damaged: no image ")
    assert [name in said for name in ("0.tif", "1.tif", "4.tif", "2.tif")] == [True, True, True, False]
    assert ", ...; rs2sam2 data check lists them" in said and "\n" not in said


@pytest.mark.parametrize("broken", [RLE((64, 64), "zzzz"), RLE((2, 2), "9"), Polygons(((1.0, 2.0, 3.0, 4.0),))])
def test_annotations_that_cannot_be_drawn_are_named_by_their_sample(tmp_path, broken):
    first, *others = read(rrsisd(tmp_path))
    with pytest.raises(DataError, match=r": RRSIS-D train 0: (run-length mask|polygon ring)[^;]*;"):
        check_files([replace(first, targets=(broken,)), *others])


def test_what_can_be_read_is_not_refused(tmp_path):
    first, *others = read(rrsisd(tmp_path))
    short = replace(first, targets=(RLE.from_coco({"size": [64, 64], "counts": [1, 2]}),))  # ends early: background
    check_files([short, *others])
    assert short.load_mask().sum() == 2


def test_each_file_is_looked_for_once(tmp_path, monkeypatch):
    samples = read(refsegrs(tmp_path))
    looked = []
    there = type(tmp_path).is_file
    monkeypatch.setattr("pathlib.Path.is_file", lambda path: looked.append(path) or there(path))
    check_files(samples * 3)
    assert len(looked) == len(set(looked)) == 2 * len(samples)
