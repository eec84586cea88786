import json

import numpy as np
import pytest
from fake_sets import SIDE, mask, picture, refs
from hypothesis import given, settings
from hypothesis import strategies as st

from rs2sam2.data import refs as fmt
from rs2sam2.data.masks import RLE, MaskFile, Polygons
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError, UsageError


def test_reading_what_was_written_by_hand(tmp_path):
    pytest.importorskip("pycocotools")
    samples = fmt.read(refs(tmp_path), "train")
    assert fmt.splits(tmp_path) == ("train", "val")
    assert [len(s.targets) for s in samples] == [1, 1, 1, 2, 0, 1]
    assert [type(s.targets[0]) for s in samples[:3]] == [RLE, Polygons, MaskFile]
    assert samples[0].source == "Tiny" and samples[0].kind == "position" and samples[0].program == {"op": "all", "n": 0}
    assert (samples[0].load_mask() == mask(0)).all()
    assert samples[1].load_mask()[5:19, 5:19].all()
    assert samples[2].load_mask().sum() == 16 * 16
    assert (samples[3].load_mask() & mask(0) == mask(0)).all()
    assert not samples[4].load_mask().any()


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12)
samples_strategy = st.lists(
    st.builds(
        dict,
        id=words,
        phrase=words.map(str.strip),
        category=st.none() | words,
        kind=st.none() | words,
        height=st.none() | st.integers(1, 900),
        width=st.none() | st.integers(1, 900),
        program=st.none() | st.dictionaries(words, st.integers() | words | st.lists(st.integers())),
        targets=st.lists(
            st.integers(0, 99).map(lambda n: RLE.encode(mask(n)))
            | st.just(Polygons(((1, 2.5, 3, 4, 5, 6), (1, 1, 9, 9, 1, 9)))),
            max_size=3,
        ).map(tuple),
    ),
    max_size=4,
)


@settings(max_examples=50, deadline=None)
@given(samples_strategy)
def test_what_is_written_is_read(tmp_path_factory, items):
    folder = tmp_path_factory.mktemp("set")
    (folder / "i.png").touch()
    samples = [Sample(image=folder / "i.png", split="val", source="Any", **item) for item in items]
    fmt.write_dataset_json(folder, name="Any", licence="CC0", generator={"seed": 1})
    assert fmt.write_split(folder, "val", samples) == len(samples)
    assert fmt.read(folder, "val") == samples
    assert fmt.read_info(folder).generator == {"seed": 1}
    assert not list(folder.glob(".*"))


def test_mask_files_inside_are_referred_to_and_others_become_codes(tmp_path):
    inside, outside = refs(tmp_path / "a"), tmp_path / "b"
    (tmp_path / "b").mkdir()
    sample = fmt.read(inside, "train")[2]
    fmt.write_split(inside, "again", [sample])
    assert '"mask":"masks/labels.png","values":[3]' in (inside / "again.jsonl").read_text()
    fmt.write_dataset_json(outside, name="b", image_root=inside)
    fmt.write_split(outside, "train", [sample])
    (copy,) = fmt.read(outside, "train")
    assert isinstance(copy.targets[0], RLE)
    assert (copy.load_mask() == sample.load_mask()).all()
    assert copy.image.samefile(sample.image)


def test_images_must_lie_under_the_root(tmp_path):
    sample = fmt.read(refs(tmp_path / "a"), "train")[0]
    with pytest.raises(UsageError, match="outside the image root"):
        fmt.write_split(tmp_path / "b", "train", [sample])
    assert not list((tmp_path / "b").iterdir())  # nothing half written


def test_line_ends_blanks_and_marks(tmp_path):
    refs(tmp_path)
    text = (tmp_path / "train.jsonl").read_text()
    (tmp_path / "train.jsonl").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n\r\n").encode())
    assert len(fmt.read(tmp_path, "train")) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": None}, "targets must be a list"),
        ({"targets": [{"rle": 1}]}, "is none of"),
        ({"targets": [{"mask": "../../etc/passwd"}]}, r"without '\.\.'"),
        ({"targets": [{"mask": "m.png", "values": ["x"]}]}, "is none of"),
        ({"targets": [{"polygons": [["x"]]}]}, "lists of numbers"),
        ({"image": "/etc/passwd"}, "must be relative"),
        ({"image": "C:\\secret.png"}, "must be relative"),
        ({"image": ""}, "must be relative"),
        ({"image": "."}, "must be relative"),
        ({"targets": [{"mask": "."}]}, "must be relative"),
        ({"image": "\ud800.png"}, "half a character"),
        ({"phrase": "the ship \ud800"}, "half a character"),
        ({"id": 5}, "id must be of type str"),
        ({"phrase": None}, "phrase must be of type str"),
        ({"height": -1}, "height must be a number of pixels"),
        ({"catgory": "ship"}, "unknown catgory"),
        ({"program": []}, "program must be of type dict"),
    ],
)
def test_errors_name_the_line(tmp_path, change, message):
    refs(tmp_path)
    lines = (tmp_path / "train.jsonl").read_text().splitlines()
    lines[2] = json.dumps(json.loads(lines[2]) | change)
    (tmp_path / "train.jsonl").write_text("\n".join(lines))
    with pytest.raises(DataError, match=rf"train\.jsonl line 3.*{message}"):
        fmt.read(tmp_path, "train")


def test_characters_escaped_in_two_halves_are_whole(tmp_path):
    refs(tmp_path)
    line = json.loads((tmp_path / "train.jsonl").read_text().splitlines()[0]) | {"phrase": "the \U0001f6a2"}
    (tmp_path / "train.jsonl").write_text(json.dumps(line))
    assert fmt.read(tmp_path, "train")[0].phrase == "the \U0001f6a2"


def test_missing_keys_and_broken_json_name_the_line(tmp_path):
    refs(tmp_path)
    for text, message in (
        ('{"id": "1"}', "lacks image, phrase, targets"),
        ("{", "not JSON"),
        ("[1]", "an object"),
        ("[" * 99999, "not JSON"),
    ):
        (tmp_path / "train.jsonl").write_text("\n" + text)
        with pytest.raises(DataError, match=f"line 2.*{message}"):
            fmt.read(tmp_path, "train")


def test_dataset_json_is_checked(tmp_path):
    refs(tmp_path)
    for text, message in (
        ("{", "not JSON"),
        ("{}", "rs2sam2-refs"),
        ('{"format": "rs2sam2-refs", "version": 2}', "version"),
    ):
        (tmp_path / "dataset.json").write_text(text)
        with pytest.raises(DataError, match=message):
            fmt.read(tmp_path, "train")
    (tmp_path / "dataset.json").write_text('{"format": "rs2sam2-refs", "version": 1, "image_root": 5}')
    with pytest.raises(DataError, match="image_root must be of type str"):
        fmt.read(tmp_path, "train")
    with pytest.raises(DataError, match="write one"):
        fmt.read_info(tmp_path / "images")


def test_the_smallest_set_by_hand(tmp_path):
    picture(0).save(tmp_path / "1.png")
    (tmp_path / "dataset.json").write_text('{"format": "rs2sam2-refs", "version": 1}')
    (tmp_path / "train.jsonl").write_text('{"id": "1", "image": "1.png", "phrase": "the ship", "targets": []}')
    (sample,) = fmt.read(tmp_path, "train")
    assert sample.source == tmp_path.name
    assert np.asarray(sample.load_mask()).shape == (SIDE, SIDE)
    with pytest.raises(DataError, match="has no split 'val'; it has train"):
        fmt.read(tmp_path, "val")
