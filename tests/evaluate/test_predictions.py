"""Masks of other methods, in every form, and what is wrong with them said in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs2sam2.data.masks import RLE
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError, UsageError
from rs2sam2.evaluate.assess import EvaluateConfig, score_given
from rs2sam2.evaluate.predictions import read_mask_file, read_predictions
from toy_set import HEIGHT, WIDTH, write_set


def code(mask: np.ndarray) -> dict[str, object]:
    rle = RLE.encode(mask)
    return {"size": list(rle.size), "counts": rle.counts}


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return write_set(tmp_path / "set").read("val")


def write(folder: Path, samples: list[Sample], form: str) -> Path:
    """The true masks in one of the forms."""
    folder.mkdir()
    truths = {s.id: s.load_mask() for s in samples}
    if form in ("png", "01", "rgb"):
        for name, mask in truths.items():
            pixels = mask.astype(np.uint8) * (1 if form == "01" else 255)
            Image.fromarray(pixels).convert("RGB" if form == "rgb" else "L").save(folder / f"{name}.png")
        return folder
    if form == "coco":
        items = [{"ref_id": name, "segmentation": code(mask)} for name, mask in truths.items()]
        (folder / "r.json").write_text(json.dumps(items))
        return folder / "r.json"
    (folder / "m").mkdir()
    lines = []
    for n, (name, mask) in enumerate(truths.items()):
        Image.fromarray(mask).save(folder / "m" / f"{n}.png")
        entry = {"rle": code(mask)} if n % 2 else {"mask": f"m/{n}.png"}
        lines.append(json.dumps({"id": name, "score": 0.5} | entry))
    (folder / "r.jsonl").write_text("\n".join([*lines, '{"id": "of another split", "rle": 1}']))
    return folder / "r.jsonl"


@pytest.mark.parametrize("form", ["png", "01", "rgb", "coco", "jsonl"])
def test_the_truth_scores_one_in_every_form(tmp_path: Path, samples: list[Sample], form: str) -> None:
    given = read_predictions(write(tmp_path / form, samples, form), samples)
    records, metrics = score_given(given, write_set(tmp_path / "again"), samples, EvaluateConfig(resamples=10))
    assert {cells["mIoU"]["value"] for cells in metrics["scores"].values()} == {1.0}
    assert metrics["presence"]["accuracy"]["N-acc"]["value"] == 1  # empty masks: nothing there
    assert metrics["counts"]["samples without a mask"] == 0
    assert {r.answer.score for r in records} == ({0.5} if form == "jsonl" else {None})


def test_a_mask_of_another_size_is_stretched_and_counted(tmp_path: Path, samples: list[Sample]) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    for sample in samples:
        Image.fromarray(sample.load_mask((2 * HEIGHT, 2 * WIDTH))).save(folder / f"{sample.id}.png")
    _, metrics = score_given(
        read_predictions(folder, samples), write_set(tmp_path / "again"), samples, EvaluateConfig(resamples=10)
    )
    assert metrics["counts"]["masks of another size"] == len(samples)
    assert metrics["scores"]["native"]["mIoU"]["value"] == 1


def test_polygons_are_drawn_on_the_image(tmp_path: Path, samples: list[Sample]) -> None:
    file = tmp_path / "p.jsonl"
    ring = [[5, 15, 20, 15, 20, 30, 5, 30]]
    file.write_text("".join(json.dumps({"id": s.id, "polygons": ring}) + "\n" for s in samples))
    mask = read_predictions(file, samples)[0].mask(samples[0])
    assert mask.shape == (HEIGHT, WIDTH) and np.array_equal(mask, samples[0].load_mask())


@pytest.mark.parametrize(("form", "pixels"), [([], 0), ([[1, 1, 30, 1, 30, 30, 1, 30]], 29 * 29)])
def test_without_images_the_annotations_frame_says_the_size(
    tmp_path: Path, samples: list[Sample], form: list[object], pixels: int
) -> None:
    (tmp_path / "p.json").write_text(json.dumps([{"id": s.id, "segmentation": form} for s in samples]))
    for image in (tmp_path / "set").glob("*.png"):
        image.unlink()
    mask = read_predictions(tmp_path / "p.json", samples)[0].mask(samples[0])
    assert mask.shape == (HEIGHT, WIDTH) and mask.sum() == pixels


def test_missing_masks(tmp_path: Path, samples: list[Sample]) -> None:
    folder = write(tmp_path / "masks", samples, "png")
    (folder / "s2.png").unlink()
    with pytest.raises(DataError, match=r"no mask for 1 of 9 samples, the first is 's2'.*--missing empty"):
        read_predictions(folder, samples)
    given = read_predictions(folder, samples, missing_empty=True)
    _, metrics = score_given(given, write_set(tmp_path / "again"), samples, EvaluateConfig(resamples=10))
    assert metrics["counts"]["samples without a mask"] == 1
    assert metrics["scores"]["native"]["mIoU"]["value"] == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "[1]", "entry 0: expected an object"),
        ("a.json", "{}", "holds dict; wanted a list"),
        ("a.json", "[", "is not JSON"),
        ("a.jsonl", "{", "line 1 is not JSON"),
        ("a.jsonl", '{"id": "s0"}', "line 1 has id; wanted one of id, ref_id"),
        ("a.jsonl", '{"id": "s0", "overlap": {}}', "evaluate writes masks with --masks"),
        ("a.jsonl", '{"id": "s0", "rle": {}, "score": "high"}', "score must be a number"),
        ("a.jsonl", '{"id": "s0", "rle": {}, "score": NaN}', "line 1: score must be a finite number, got nan"),
        ("a.json", '[{"id": "s0", "rle": {}, "score": -1e999}]', "entry 0: score must be a finite number, got -inf"),
        ("a.jsonl", '{"id": "s0", "mask": "../x.png"}', "must be a file below"),
        ("a.jsonl", '{"id": "s0", "rle": {}}\n{"id": "s0", "rle": {}}', "line 2: a second mask for sample 's0'"),
        ("a.jsonl", '{"id": "nobody", "rle": {}}', "no mask for any of the 9 samples; their ids look like 's0'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, samples: list[Sample], name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_predictions(tmp_path / name, samples)


@pytest.mark.parametrize(
    ("values", "foreground"),
    [
        ([0, 1, 1], [False, True, True]),
        ([0, 127, 255], [False, False, True]),
        ([0, 1000, 65535], [False, False, True]),
        ([0, 32767, 32768], [False, False, True]),
    ],
)
@pytest.mark.parametrize("name", ["m.png", "m.tif"])
def test_white_of_16_bits(tmp_path: Path, values: list[int], foreground: list[bool], name: str) -> None:
    Image.fromarray(np.array([values], np.uint16)).save(tmp_path / name)
    assert read_mask_file(tmp_path / name).tolist() == [foreground]


def test_neither_8_nor_16_bits(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 4095]], np.uint16)).save(tmp_path / "m.png")
    with pytest.raises(DataError, match="values up to 4095"):
        read_mask_file(tmp_path / "m.png")


@pytest.mark.parametrize(
    ("values", "foreground"),
    [
        ([0.04, 0.5, 0.93], [False, False, True]),
        ([0.0, 0.1, 0.2], [False, False, False]),
        ([0.0, 127.0, 128.0], [False, False, True]),
    ],
)
def test_probabilities_and_grey_in_floats(tmp_path: Path, values: list[float], foreground: list[bool]) -> None:
    Image.fromarray(np.array([values], np.float32)).save(tmp_path / "m.tif")
    assert read_mask_file(tmp_path / "m.tif").tolist() == [foreground]


@pytest.mark.parametrize("values", [[-3.5, 4.0], [0.0, 256.0], [0.5, np.nan]])
def test_floats_that_are_neither(tmp_path: Path, values: list[float]) -> None:
    Image.fromarray(np.array([values], np.float32)).save(tmp_path / "m.tif")
    with pytest.raises(DataError, match=r"m\.tif has values from .*; write probabilities"):
        read_mask_file(tmp_path / "m.tif")


def test_records_of_another_split_are_passed_over(tmp_path: Path, samples: list[Sample]) -> None:
    lines = [{"id": s.id, "split": split, "rle": code(s.load_mask())} for split in ("train", "val") for s in samples]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert len(read_predictions(tmp_path / "a.jsonl", samples)) == 9
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines[:9])))
    with pytest.raises(DataError, match=r"no mask for any of the 9 samples; .* their split is 'val'"):
        read_predictions(tmp_path / "a.jsonl", samples)


def test_other_encodings_are_refused(tmp_path: Path, samples: list[Sample]) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"id": "caf\xe9"}')
    with pytest.raises(DataError, match=r"a\.jsonl is not UTF-8"):
        read_predictions(tmp_path / "a.jsonl", samples)


def test_a_damaged_mask_names_its_line(tmp_path: Path, samples: list[Sample]) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "s0", "rle": {"size": [2, 2], "counts": "zzz"}}')
    given = read_predictions(tmp_path / "a.jsonl", samples, missing_empty=True)
    with pytest.raises(DataError, match=r"a\.jsonl line 1"):
        given[0].mask(samples[0])
    (tmp_path / "s0.png").write_text("no image")
    with pytest.raises(DataError, match="cannot be read"):
        read_mask_file(tmp_path / "s0.png")


def test_nothing_known_at_the_path(tmp_path: Path, samples: list[Sample]) -> None:
    with pytest.raises(UsageError, match="does not exist; give a folder"):
        read_predictions(tmp_path / "gone", samples)
    (tmp_path / "x.csv").touch()
    with pytest.raises(UsageError, match="is none of these"):
        read_predictions(tmp_path / "x.csv", samples)


def test_ids_that_repeat_need_files(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "s0", "rle": {}}')
    with pytest.raises(DataError, match="share an id"):
        read_predictions(tmp_path / "a.jsonl", [samples[0], samples[0]])
