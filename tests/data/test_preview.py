from dataclasses import replace

import numpy as np
import pytest
from fake_sets import refs, rrsisd
from PIL import Image

from rs2sam2.data import open_dataset
from rs2sam2.data.masks import RLE
from rs2sam2.data.preview import INK, choose, contact_sheet, save_sheet
from rs2sam2.errors import UsageError


def ink(sheet):
    return (np.asarray(sheet) == INK).all(-1)


def test_a_sheet_shows_every_sample_with_its_mask(tmp_path):
    pytest.importorskip("pycocotools")
    samples = open_dataset(refs(tmp_path)).read("train")
    sheet = contact_sheet(samples, columns=3, cell=128)
    assert sheet.width == 3 * 136 + 8
    height = (sheet.height - 8) // 2
    marked = [
        ink(sheet)[r * height : (r + 1) * height, c * 136 : (c + 1) * 136].any() for r in range(2) for c in range(3)
    ]
    assert marked == [True, True, True, True, False, True]  # the fifth has no target


def test_a_mask_of_one_pixel_is_seen(tmp_path):
    dot = np.zeros((2000, 2000), bool)
    dot[777, 1234] = True
    Image.new("RGB", (2000, 2000)).save(tmp_path / "i.png")
    sample = open_dataset(refs(tmp_path / "s")).read("train")[0]
    sheet = contact_sheet([replace(sample, image=tmp_path / "i.png", targets=(RLE.encode(dot),))], cell=100)
    assert ink(sheet).any()


def test_unreadable_samples_are_shown_as_such(tmp_path):
    pytest.importorskip("pycocotools")
    data = open_dataset(rrsisd(tmp_path, quirks=True))
    sheet = contact_sheet([s for split in data.splits() for s in data.read(split)], columns=4, cell=96)
    assert (np.asarray(sheet) == (200, 0, 0)).all(-1).any()


def test_choosing_is_fair_and_repeatable(tmp_path):
    samples = open_dataset(refs(tmp_path, count=30)).read("train")
    chosen = choose(samples, 9, seed=1)
    assert chosen == choose(samples, 9, seed=1)
    assert chosen != choose(samples, 9, seed=2)
    assert sorted(s.kind for s in chosen) == ["category"] * 3 + ["position"] * 3 + ["size"] * 3
    assert len(choose(samples, 500)) == 30
    assert choose([], 3) == []


def test_long_phrases_and_words_stay_in_their_cell(tmp_path):
    (sample,) = open_dataset(refs(tmp_path, count=1)).read("train")
    for phrase in ("word " * 80, "w" * 400):
        contact_sheet([replace(sample, phrase=phrase)], cell=80)


def test_files(tmp_path):
    sheet = contact_sheet(open_dataset(refs(tmp_path)).read("val")[:1], cell=64)
    save_sheet(sheet, tmp_path / "deep" / "s.png")
    with Image.open(tmp_path / "deep" / "s.png") as image:
        assert image.size == sheet.size
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["s.png"]
    with pytest.raises(UsageError, match="change the suffix"):
        save_sheet(sheet, tmp_path / "s.tif")
    with pytest.raises(UsageError, match="no samples"):
        contact_sheet([])
    with pytest.raises(UsageError, match="at least 1 column"):
        contact_sheet(open_dataset(tmp_path).read("val"), columns=0)


@pytest.mark.parametrize(("suffix", "longest"), [(".webp", 16383), (".JPG", 65500), (".jpeg", 65500)])
def test_a_sheet_too_long_for_its_format(tmp_path, suffix, longest):
    save_sheet(Image.new("RGB", (1, longest)), tmp_path / f"fits{suffix}")
    with pytest.raises(UsageError, match=f"at most {longest} a side; write a .png or give fewer --count"):
        save_sheet(Image.new("RGB", (1, longest + 1)), tmp_path / f"sheet{suffix}")
    save_sheet(Image.new("RGB", (1, longest + 1)), tmp_path / "sheet.png")
    assert sorted(f.name for f in tmp_path.iterdir()) == [f"fits{suffix}", "sheet.png"]
