import json
import pickle

import numpy as np
import pytest
from fake_sets import CATEGORIES, SHARED, SIDE, code, mask, rrsisd

from rs2sam2.data import rrsisd as reader
from rs2sam2.data import safe_pickle
from rs2sam2.data.registry import open_dataset
from rs2sam2.errors import DataError


def by_id(data):
    return {(s.split, s.id): s for split in data.splits() for s in data.read(split)}


def test_a_clean_set(tmp_path):
    data = open_dataset(rrsisd(tmp_path))
    assert (data.layout.name, data.splits()) == ("rrsisd", ("train", "val", "test"))
    train = data.read("train")
    assert [s.id for s in train] == ["0", "1", "4", "5"]
    first = train[0]
    assert (first.phrase, first.category, first.source) == ("The ship on the left", "ship", "RRSIS-D")
    assert (first.height, first.width, first.image_size()) == (SIDE, SIDE, (SIDE, SIDE))
    for sample in train:
        assert (sample.load_mask() == mask(int(sample.id))).all()
        assert sample.load_image().size == (SIDE, SIDE)


def test_every_quirk(tmp_path):
    pytest.importorskip("pycocotools")
    samples = by_id(open_dataset(rrsisd(tmp_path, quirks=True)))
    # an image a row taller than its mask, and two annotations of one id, the later of two codes
    assert samples["train", "0"].load_mask().shape == (SIDE + 1, SIDE)
    assert len(samples["train", "0"].targets) == 2
    assert (samples["train", "0"].load_mask((SIDE, SIDE)) == mask(0) | mask(100)).all()
    # an empty mask, and no segmentation at all: empty, but not "no target"
    for number in ("1", "4"):
        assert samples["train", number].targets and not samples["train", number].load_mask((8, 8)).any()
    with pytest.raises(DataError, match="RRSIS-D train 5: run-length mask"):
        samples["train", "5"].load_mask()
    assert samples["val", "2"].phrase  # twice; the later one in this dictionary
    phrases = [s.phrase for s in open_dataset(tmp_path).read("val")]
    assert phrases == [p.strip() for p in phrases]
    assert len(phrases) == 2
    with pytest.raises(DataError, match=r"no image .*00003\.jpg"):
        samples["test", "3"].load_image()
    # `categories_id` as the list's name and as an annotation's key
    assert samples["val", "2"].category == "bridge"
    assert samples["test", "7"].load_mask()[6:10, 12:14].all()  # polygons are added up
    assert samples["test", "7"].load_mask()[31:38, 31:38].all()


def test_boxes_and_areas_are_not_believed(tmp_path):
    rrsisd(tmp_path)
    file = tmp_path / "rrsisd" / "instances.json"
    data = json.loads(file.read_text())
    for annotation in data["annotations"]:
        annotation |= {"bbox": [9e9, -1, 0, 0], "area": 1e12}
    file.write_text(json.dumps(data))
    assert (open_dataset(tmp_path).read("val")[0].load_mask() == mask(2)).all()


def test_a_reference_with_two_sentences_is_two_samples(tmp_path):
    rrsisd(tmp_path)
    file = tmp_path / "rrsisd" / "refs(unc).p"
    refs = pickle.loads(file.read_bytes())
    refs[0]["sentences"].append({"sent_id": 77, "sent": "another ship", "raw": " another ship\n", "tokens": []})
    file.write_bytes(pickle.dumps(refs, protocol=0))
    samples = open_dataset(tmp_path).read("train")[:2]
    assert [(s.id, s.phrase) for s in samples] == [("0-0", "The ship on the left"), ("0-77", "another ship")]
    assert samples[0].targets == samples[1].targets


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda refs: refs[1].pop("sentences"), "entry 2: lacks 'sentences'"),
        (lambda refs: refs[1].update(file_name="../../secret.jpg"), "entry 2: file_name"),
        (lambda refs: refs[1].update(ann_id=[1]), "entry 2"),
        (lambda refs: refs[1].update(sentences=["text"]), "entry 2"),
        (lambda refs: refs[1].update(rs2sam2=[1]), "entry 2"),
        (lambda refs: refs.append("text"), "expected a list of dicts"),
    ],
)
def test_malformed_references_are_named(tmp_path, change, message):
    rrsisd(tmp_path)
    file = tmp_path / "rrsisd" / "refs(unc).p"
    refs = pickle.loads(file.read_bytes())
    change(refs)
    file.write_bytes(pickle.dumps(refs))
    with pytest.raises(DataError, match=message):
        open_dataset(tmp_path).read("train")


def test_a_pickle_that_repeats_itself_is_no_bomb(tmp_path, monkeypatch):
    rrsisd(tmp_path)
    file = tmp_path / "rrsisd" / "refs(unc).p"
    ref = pickle.loads(file.read_bytes())[0]
    ref["sentences"] *= 300
    file.write_bytes(pickle.dumps([ref] * 300))
    monkeypatch.setattr(reader, "MAX_SAMPLES", 1000)
    with pytest.raises(DataError, match="more than 1,000 phrases"):
        open_dataset(tmp_path).splits()


def test_damaged_json_is_named(tmp_path):
    rrsisd(tmp_path)
    file = tmp_path / "rrsisd" / "instances.json"
    file.write_text(file.read_text()[:100])
    with pytest.raises(DataError, match=r"instances\.json is not JSON"):
        open_dataset(tmp_path).splits()


def test_changed_files_are_read_again(tmp_path):
    rrsisd(tmp_path)
    assert open_dataset(tmp_path).read("val")[0].phrase == "The bridge at the bottom"
    file = tmp_path / "rrsisd" / "refs(unc).p"
    refs = pickle.loads(file.read_bytes())
    refs[2]["sentences"][0]["raw"] = "The long bridge at the very bottom"
    file.write_bytes(pickle.dumps(refs))
    assert open_dataset(tmp_path).read("val")[0].phrase == "The long bridge at the very bottom"


def test_the_real_entries(tmp_path):
    file = SHARED / "reference" / "rrsisd_refs_sample.p"
    if not file.is_file():
        pytest.skip("the 100 real entries of RRSIS-D are not on this machine")
    refs = safe_pickle.load(file)
    whole = code(np.pad(np.ones((100, 100), bool), 350))
    data = {
        "images": [{"id": r["image_id"], "file_name": r["file_name"], "height": 800, "width": 800} for r in refs],
        "annotations": [
            {"id": r["ann_id"], "image_id": r["image_id"], "segmentation": [whole], "category_id": r["category_id"]}
            for r in refs
        ],
        "categories": [{"id": n, "name": f"class {n}"} for n in range(21)],
    }
    (tmp_path / "rrsisd").mkdir()
    (tmp_path / "rrsisd" / "refs(unc).p").write_bytes(file.read_bytes())
    (tmp_path / "rrsisd" / "instances.json").write_text(json.dumps(data))
    opened = open_dataset(tmp_path)
    samples = opened.read("train")
    assert opened.splits() == ("train",)
    assert len(samples) == len({s.id for s in samples}) == 100
    for sample, ref in zip(samples, refs, strict=True):
        assert sample.phrase == ref["sentences"][0]["raw"].strip()
        assert sample.image == tmp_path / "images" / "rrsisd" / "JPEGImages" / ref["file_name"]
        assert sample.category == f"class {ref['category_id']}"
        assert sample.load_mask((800, 800)).sum() == 100 * 100
    assert samples[0].phrase == "A baseball field on the right"


def test_categories_of_the_fake_are_all_there(tmp_path):
    samples = by_id(open_dataset(rrsisd(tmp_path)))
    assert {s.category for s in samples.values()} == set(CATEGORIES.values())
