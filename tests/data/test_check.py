import json
from dataclasses import replace

import pytest
from fake_sets import deep_png, picture, refs, refsegrs, risbench, rrsisd

from rs2sam2.data import open_dataset
from rs2sam2.data.check import check_dataset, usable, words_of
from rs2sam2.errors import UsageError


def found(report):
    return {(f.what, f.split, f.id) for f in report.findings}


@pytest.mark.parametrize("maker", [rrsisd, refsegrs, refs])
def test_nothing_is_wrong_with_a_clean_set(tmp_path, maker):
    pytest.importorskip("pycocotools")
    report = check_dataset(open_dataset(maker(tmp_path)))
    assert not report.broken
    assert {f.what for f in report.findings} <= {"unknown word"}


def test_counts(tmp_path):
    pytest.importorskip("pycocotools")
    report = check_dataset(open_dataset(refs(tmp_path)))
    train = report.splits["train"]
    assert (train.samples, train.images, train.no_target, train.objects) == (6, 6, 1, 6)
    assert train.kinds == {"position": 2, "size": 2, "category": 2}
    assert train.categories == {"ship": 2, "vehicle": 2, "bridge": 1, "windmill": 1}
    assert json.loads(json.dumps(report.to_dict()))["ok"] is True


def test_every_fault_of_rrsisd_is_found(tmp_path):
    pytest.importorskip("pycocotools")
    report = check_dataset(open_dataset(rrsisd(tmp_path, quirks=True)))
    broken = {(f.what, f.split, f.id) for f in report.broken}
    assert broken == {
        ("empty mask", "train", "1"),
        ("empty mask", "train", "4"),
        ("unreadable image", "train", "4"),
        ("bad mask", "train", "5"),
        ("missing image", "test", "3"),
        ("duplicate id", "val", "2"),
    }
    assert ("mask size", "train", "0") in found(report)
    detail = next(f.detail for f in report.findings if f.what == "mask size")
    assert detail == "mask 64 x 64, image 65 x 64"


def test_a_split_named_twice_is_checked_once(tmp_path):
    data = open_dataset(rrsisd(tmp_path))
    assert check_dataset(data, ["val", "val"]) == check_dataset(data, ["val"])


@pytest.mark.parametrize("workers", [0, -1])
def test_no_threads_are_refused(tmp_path, workers):
    with pytest.raises(UsageError, match=f"--workers {workers} decode nothing; give at least 1"):
        check_dataset(open_dataset(rrsisd(tmp_path)), workers=workers)


def test_all_black_masks_of_risbench_are_found(tmp_path):
    report = check_dataset(open_dataset(risbench(tmp_path)))
    assert [(f.what, f.id) for f in report.broken] == [("empty mask", "P0000")]


def test_images_that_look_the_same(tmp_path):
    root = refs(tmp_path)
    picture(0).resize((32, 32)).resize((64, 64)).save(root / "images" / "1.png")  # 0 and 1 in train
    picture(3).save(root / "images" / "102.png")  # 3 in train, 102 in val
    report = check_dataset(open_dataset(root))
    alike = {(f.what, f.split): f.detail for f in report.findings if f.what.startswith("alike")}
    assert alike == {
        ("alike in a split", "train"): "train:0.png, train:1.png",
        ("alike across splits", "train+val"): "train:3.png, val:102.png",
    }
    lines = (root / "train.jsonl").read_text().splitlines()
    (root / "val.jsonl").write_text(lines[5])  # one file in two splits
    report = check_dataset(open_dataset(root))
    assert ("alike across splits", "train+val", "5.png") in found(report)


def test_a_phrase_with_and_without_a_target_in_one_image_is_found(tmp_path):
    root = refs(tmp_path)
    lines = [json.loads(line) for line in (root / "train.jsonl").read_text().splitlines()]
    one = next(line for line in lines if line["targets"])
    again = one | {"id": "again", "phrase": one["phrase"].upper(), "targets": []}
    other = next(line for line in lines if line["image"] != one["image"])
    elsewhere = again | {"id": "elsewhere", "image": other["image"]}
    (root / "train.jsonl").write_text("\n".join(json.dumps(line) for line in [*lines, again, elsewhere]))
    report = check_dataset(open_dataset(root))
    both = [f for f in report.findings if f.what == "asked both ways"]
    assert [(f.split, f.id) for f in both] == [("train", "again")] and f"a target in {one['id']}" in both[0].detail
    assert not report.broken


def test_unknown_words(tmp_path):
    root = refsegrs(tmp_path)
    (root / "output_phrase_val.txt").write_text("1 the gyrocopter on the left\n4 a gyrocopter\n")
    report = check_dataset(open_dataset(root))
    words = {f.id: f.detail for f in report.findings if f.what == "unknown word" and f.split == "val"}
    assert words["gyrocopter"] == "in 2 phrases, first 1: 'the gyrocopter on the left'"
    assert "the" not in words
    assert not report.broken
    everything = check_dataset(open_dataset(root), ["val"], words={"the", "a", "Gyrocopter", "on", "left"})
    assert everything.findings == ()
    assert list(everything.splits) == ["val"]


def test_a_split_that_cannot_be_read_does_not_hide_the_others(tmp_path):
    root = refs(tmp_path)
    (root / "val.jsonl").write_text("{")
    report = check_dataset(open_dataset(root))
    assert [(f.what, f.split) for f in report.broken] == [("unreadable split", "val")]
    assert report.splits["train"].samples == 6


@pytest.mark.parametrize("splits", [None, ["val"]])
def test_without_the_words_of_training_none_is_unknown(tmp_path, splits):
    root = refs(tmp_path)
    (root / "train.jsonl").write_text("{")
    report = check_dataset(open_dataset(root), splits)
    assert [(f.what, f.split) for f in report.broken] == [("unreadable split", "train")]
    assert report.splits["val"].samples and not any(f.what == "unknown word" for f in report.findings)


def test_usable_leaves_out_what_is_broken_and_nothing_else(tmp_path):
    pytest.importorskip("pycocotools")
    data = open_dataset(rrsisd(tmp_path, quirks=True))
    samples = [s for split in data.splits() for s in data.read(split)]
    assert [(s.split, s.id) for s in usable(samples)] == [("train", "0"), ("val", "2"), ("test", "7")]
    clean = usable(samples)
    assert usable(clean) == clean
    assert usable([replace(clean[0], phrase=" .. ")]) == []


def test_of_samples_with_one_id_the_first_whole_one_is_kept(tmp_path):
    good, other = open_dataset(refsegrs(tmp_path)).read("train")
    bad = replace(good, image=tmp_path / "gone.tif")
    again = replace(good, phrase="another phrase")
    assert usable([good, bad, other]) == [good, other]
    assert usable([bad, good, other, again]) == [good, other]


@pytest.mark.parametrize("kind", [0, 2, 6])
def test_images_of_16_bits_are_unreadable(tmp_path, kind):
    root = refs(tmp_path)
    deep_png(root / "images" / "4.png", kind)
    report = check_dataset(open_dataset(root), ["train"])
    assert [(f.what, f.id) for f in report.broken] == [("unreadable image", "train-4")]
    assert "more than 8 bits a band" in report.broken[0].detail


def test_progress_reaches_the_end(tmp_path):
    calls = []
    check_dataset(open_dataset(refsegrs(tmp_path)), progress=lambda done, total: calls.append((done, total)), workers=1)
    assert calls[-1] == (6, 6)


def test_words():
    assert words_of("The Ship's 2nd mid-size  DECK, 33!") == ["the", "ship's", "nd", "mid-size", "deck"]
    assert words_of("Großer Hafen") == ["großer", "hafen"]
