import json
from dataclasses import replace

import pytest
from fake_sets import refs, refsegrs, risbench, rrsisd

from rs2sam2.data import convert_dataset, open_dataset, safe_pickle
from rs2sam2.data.builder.annotated import read_layouts
from rs2sam2.data.refs import read_info
from rs2sam2.errors import DataError, UsageError


def contents(root):
    data = open_dataset(root)
    return [s for split in data.splits() for s in data.read(split)]


def same(one, other, *, targets=True):
    """Equal in all but where the image file lies, and that file the same to the byte."""
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.image.read_bytes() == b.image.read_bytes()
        assert a.image.name == b.image.name
        changes = {"image": b.image, "source": b.source} | ({} if targets else {"targets": b.targets})
        assert replace(a, **changes) == b
        assert (a.load_mask() == b.load_mask()).all()


def test_rrsisd_to_ours_and_back_loses_nothing(tmp_path):
    original = contents(rrsisd(tmp_path / "a"))
    assert convert_dataset(open_dataset(tmp_path / "a"), tmp_path / "b") == {"train": 4, "val": 2, "test": 2}
    same(original, contents(tmp_path / "b"))
    convert_dataset(open_dataset(tmp_path / "b"), tmp_path / "c", "rrsisd")
    same(original, contents(tmp_path / "c"))
    assert open_dataset(tmp_path / "c").layout.name == "rrsisd"


def test_ours_to_rrsisd_and_back_loses_nothing_but_the_form_of_mixed_masks(tmp_path):
    pytest.importorskip("pycocotools")
    original = contents(refs(tmp_path / "a"))
    convert_dataset(open_dataset(tmp_path / "a"), tmp_path / "b", "rrsisd")
    convert_dataset(open_dataset(tmp_path / "b"), tmp_path / "c")
    back = contents(tmp_path / "c")
    frames = [replace(s, height=64, width=64) for s in original]  # the layout records every image's size
    same(frames, back, targets=False)
    assert [len(s.targets) for s in back] == [len(s.targets) for s in original]
    assert back[1].targets == original[1].targets  # polygons of one object stay polygons
    assert back[4].targets == () and back[4].kind == "size" and back[4].program == {"op": "all", "n": 4}


def test_what_other_readers_of_rrsisd_find(tmp_path):
    pytest.importorskip("pycocotools")
    convert_dataset(open_dataset(refs(tmp_path / "a")), tmp_path / "b", "rrsisd")
    entries = safe_pickle.load(tmp_path / "b" / "rrsisd" / "refs(unc).p")
    data = json.loads((tmp_path / "b" / "rrsisd" / "instances.json").read_text())
    annotations = {a["id"]: a for a in data["annotations"]}
    images = {i["id"]: i for i in data["images"]}
    assert len(annotations) == len(entries) == 12
    for ref in entries:
        annotation = annotations[ref["ann_id"]]
        assert images[ref["image_id"]]["file_name"] == ref["file_name"]
        assert annotation["segmentation"]
        x1, y1, x2, y2 = annotation["bbox"]
        assert 0 <= x1 <= x2 <= 64 and 0 <= y1 <= y2 <= 64
        assert (annotation["area"] > 0) == (x2 > x1)
        assert {"sent_id", "sent", "raw", "tokens"} == set(ref["sentences"][0])


@pytest.mark.parametrize("maker", [refsegrs, risbench])
def test_mask_files_become_codes_of_the_same_pixels(tmp_path, maker):
    original = contents(maker(tmp_path / "a"))
    for to in ("refs", "rrsisd"):
        convert_dataset(open_dataset(tmp_path / "a"), tmp_path / to, to)
        back = contents(tmp_path / to)
        known = [replace(a, height=b.height, width=b.width) for a, b in zip(original, back, strict=True)]
        same(known, back, targets=False)


def test_images_can_stay_where_they_are(tmp_path):
    original = contents(rrsisd(tmp_path / "a"))
    convert_dataset(open_dataset(tmp_path / "a"), tmp_path / "b", images="reference")
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == [
        "dataset.json",
        "test.jsonl",
        "train.jsonl",
        "val.jsonl",
    ]
    assert [s.image.resolve() for s in contents(tmp_path / "b")] == [s.image.resolve() for s in original]
    with pytest.raises(UsageError, match="leave --images at copy"):
        convert_dataset(open_dataset(tmp_path / "a"), tmp_path / "c", "rrsisd", images="reference")


def test_broken_samples_can_be_left_out(tmp_path):
    pytest.importorskip("pycocotools")
    data = open_dataset(rrsisd(tmp_path / "a", quirks=True))
    assert convert_dataset(data, tmp_path / "b", drop_broken=True) == {"train": 1, "val": 1, "test": 1}
    assert convert_dataset(data, tmp_path / "c", splits=["test"], drop_broken=True) == {"test": 1}
    assert contents(tmp_path / "b")[0].image.is_file()


def test_a_split_named_twice_is_written_once(tmp_path):
    data = open_dataset(rrsisd(tmp_path / "a"))
    assert convert_dataset(data, tmp_path / "b", splits=["val", "val"]) == {"val": 2}
    same(data.read("val"), contents(tmp_path / "b"))


def test_images_of_one_name_in_two_folders_stay_two(tmp_path):
    original = contents(risbench(tmp_path / "a", by_split=True))
    for split in ("train", "val"):
        (tmp_path / "a" / "imgs" / split / f"P000{'01'[split == 'val']}.jpg").rename(
            tmp_path / "a" / "imgs" / split / "X.jpg"
        )
        (tmp_path / "a" / "labels" / split / f"P000{'01'[split == 'val']}.png").rename(
            tmp_path / "a" / "labels" / split / "X.png"
        )
        list_file = tmp_path / "a" / f"output_phrase_{split}.txt"
        list_file.write_text(list_file.read_text().replace(f"P000{'01'[split == 'val']}", "X"))
    original = contents(tmp_path / "a")
    for to in ("refs", "rrsisd"):
        convert_dataset(open_dataset(tmp_path / "a"), tmp_path / to, to)
        back = contents(tmp_path / to)
        assert [s.image.read_bytes() for s in back] == [s.image.read_bytes() for s in original]
        assert len({s.image for s in back}) == 6


def test_a_folder_in_use_is_left_alone(tmp_path):
    data = open_dataset(refsegrs(tmp_path / "a"))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not an empty folder"):
        convert_dataset(data, tmp_path / "b")
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["thesis.txt"]


def test_layouts_go_along_under_the_new_names(tmp_path):
    root = refs(tmp_path / "a")
    (root / "layouts").mkdir()
    ship = {"category": "ship", "box": [1.5, 2, 3, 4], "area": 3.0}
    names = [f"images/{i}.png" for i in range(6)]
    lines = [{"image": name, "width": 64, "height": 64, "objects": [ship]} for name in [*names, "images/gone.png"]]
    (root / "layouts" / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for images, drop in (("copy", True), ("reference", False)):
        out = tmp_path / images
        convert_dataset(open_dataset(root), out, images=images, drop_broken=drop)
        layouts, info = read_layouts(out, "train"), read_info(out)
        assert {info.image_root / name for name in layouts} == {s.image for s in contents(out) if s.split == "train"}
        assert all(layout.objects[0].box == (1.5, 2, 3, 4) for layout in layouts.values())
        assert [path.name for path in (out / "layouts").iterdir()] == ["train.jsonl"]
    (root / "layouts" / "train.jsonl").write_bytes(b'{"image": "images/0.png"}\n\xff\n')
    with pytest.raises(DataError, match=r"layouts.train\.jsonl line 2 names no image .* correct or remove it"):
        convert_dataset(open_dataset(root), tmp_path / "c")
    assert not (tmp_path / "c").exists()
