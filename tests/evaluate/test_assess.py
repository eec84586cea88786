"""The whole evaluation on the toy set: presence, control, pairs, robustness, breakdown; every number known beforehand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rs2sam2 import Predictor
from rs2sam2.data.convert import convert_dataset
from rs2sam2.data.masks import MaskFile
from rs2sam2.data.registry import open_dataset
from rs2sam2.errors import DataError, UsageError
from rs2sam2.evaluate.assess import EvaluateConfig, choose_samples, evaluate_model
from rs2sam2.evaluate.control import other_images
from rs2sam2.evaluate.facts import facts_of, scenes_of
from rs2sam2.evaluate.output import plain
from rs2sam2.evaluate.pairs import find_pairs, word_group
from rs2sam2.evaluate.presence import reliability
from rs2sam2.evaluate.robustness import CHANGES, change
from toy_set import PHRASES, Colours, Explaining, predictor, write_set


def run(folder: Path, segmenter: Colours, **options: object):
    data = write_set(folder)
    samples = choose_samples(data)
    return (samples, *evaluate_model(Predictor(segmenter), data, samples, EvaluateConfig(resamples=50, **options)))


def test_who_looks_and_reads_gets_everything(tmp_path: Path) -> None:
    _, records, metrics = run(tmp_path, Colours(), control=True)
    assert metrics["counts"] == {
        "samples": 9, "with a target": 6, "without a target": 3, "images": 3, "empty truths": 0, "empty masks": 0,
        "unreadable phrases": 0,
    }  # fmt: skip
    for cells in metrics["scores"].values():
        assert cells["Pr@0.9"]["value"] == 1 and np.isnan(cells["mIoU"]["low"])  # three images
    accuracy = metrics["presence"]["accuracy"]
    assert {name: (cell["value"], cell["samples"]) for name, cell in accuracy.items()} == {
        "N-acc": (1, 3), "N-acc, class absent": (1, 2), "N-acc, class there (hard)": (1, 1), "T-acc": (1, 6),
    }  # fmt: skip
    assert metrics["presence"]["generalized"]["gIoU"] == pytest.approx(
        (3 + 6 * metrics["scores"]["native"]["mIoU"]["value"]) / 9
    )
    wrong = metrics["wrong_image"]
    assert plain(wrong["right_image"]) == plain(metrics["scores"]["native"])
    assert wrong["wrong_image"]["mIoU"]["value"] < 0.5
    assert wrong["refused"]["class absent"]["value"] == 1
    for record in records:
        assert record.control is not None and record.control.image != record.image
    assert metrics["pairs"]["all"]["pairs"] == 2 and metrics["pairs"]["all"]["both"]["value"] == 1


def test_who_does_not_read_sides_is_found_out(tmp_path: Path) -> None:
    _, _, metrics = run(tmp_path, Colours(blind=True))
    pairs = {row["name"]: row for row in metrics["pairs"]["about"]}
    assert pairs["place"]["both"]["value"] == 0 and pairs["place"]["pairs"] == 1
    assert pairs["class"]["both"]["value"] == 1 and pairs["class"]["pairs"] == 1
    assert metrics["presence"]["accuracy"]["N-acc, class there (hard)"]["value"] == 0
    told = {row["name"]: row for row in metrics["presence"]["by_kind"]}
    assert told["position"]["N-acc, hard"] == {"samples": 1, "value": 0}
    assert told["category"]["N-acc"] == {"samples": 2, "value": 1} and told["group"]["N-acc"]["value"] is None
    # both ships are 3 times the left one and 1.5 times the right one: "position" suffers where "category" does not
    kinds = {row["name"]: row["mIoU"]["value"] for row in metrics["breakdown"]["phrase kind"]}
    assert kinds["position"] == pytest.approx(0.5, abs=0.03) and kinds["category"] > 0.9


def test_breakdowns_hold_every_sample_once(tmp_path: Path) -> None:
    _, records, metrics = run(tmp_path, Colours())
    for groups in metrics["breakdown"].values():
        assert sum(g["samples"] for g in groups) == 6
    assert [g["name"] for g in metrics["breakdown"]["category"]] == ["ship", "vehicle"]
    # boxes of 225, 300, 450 and, both ships, 675 of 4800 pixels
    assert {g["name"]: g["samples"] for g in metrics["breakdown"]["target size"]} == {"2 - 10 %": 5, "10 % and more": 1}
    assert {g["name"]: g["samples"] for g in metrics["breakdown"]["phrase length"]} == {
        "1 - 3 words": 4,
        "4 - 5 words": 2,
    }
    assert {g["name"]: g["samples"] for g in metrics["breakdown"]["objects meant"]} == {"one": 5, "several": 1}
    assert [r.kind for r in records[:5]] == ["position", "position", "group", "category", "category"]


def test_the_weights_own_min_score_and_diagnostics(tmp_path: Path) -> None:
    _, _, metrics = run(tmp_path, Explaining())
    assert metrics["presence"]["min_score"] == 0.3
    assert metrics["oracles"]["words"]["samples"] == 6
    _, _, metrics = run(tmp_path / "b", Explaining(), min_score=0.95, oracles=False)
    assert metrics["presence"]["min_score"] == 0.95 and metrics["oracles"] == {}
    assert metrics["presence"]["accuracy"]["T-acc"]["value"] == 0  # its presence is 0.9
    assert metrics["presence"]["generalized"] == {"gIoU": pytest.approx(3 / 9), "cIoU": 0.0}


def test_robustness_rows(tmp_path: Path) -> None:
    _, _, metrics = run(tmp_path, Colours(), robustness=9, protocol="native")
    rows = {row["name"]: row for row in metrics["robustness"]}
    assert list(rows) == [name for name in CHANGES if name != "zoom 2x"]  # its window would be 30 px high
    assert rows["turned 90"]["mIoU"]["after"] > 0.9  # phrase and truth turned with the image
    assert rows["mirrored"]["samples"] == 9 and rows["gsd 2x"]["with_target"] == 6
    assert rows["grey"]["mIoU"]["after"] == 0 and rows["grey"]["T-acc"] == 0 and rows["grey"]["N-acc"] == 1
    cell = rows["grey"]["mIoU"]
    assert cell["difference"] == pytest.approx(cell["after"] - cell["before"])
    assert 0 < rows["zoom 1.4x"]["samples"] < 9
    assert rows["zoom 1.4x"]["mIoU"]["after"] > 0.9


def test_a_zoom_keeps_the_phrase_true(tmp_path: Path) -> None:
    """ "The ship on the left" is not asked of a window in which that ship would stand in the middle."""
    data = write_set(tmp_path)
    samples = data.read("val")
    scenes = scenes_of(samples, data)
    assert change("zoom 2x", samples[0], scenes) is None or "left" not in samples[0].phrase
    zoomed = change("zoom 1.4x", samples[6], scenes)  # the ship beside a vehicle
    assert zoomed is not None and zoomed.view.truth is not None
    truth = samples[6].load_mask()
    assert zoomed.view.truth(truth).sum() == truth.sum()  # nothing of it is cut off
    assert zoomed.view.image(samples[6].load_image()).size == (57, 43)
    without = scenes_of(samples, write_set(tmp_path / "bare", layouts=False))
    assert change("zoom 1.4x", samples[6], without) is None and change("turned 90", samples[6], without) is not None


def test_class_there_without_layouts_is_what_the_phrases_tell(tmp_path: Path) -> None:
    data = write_set(tmp_path, layouts=False)
    samples = data.read("val")
    scenes = scenes_of(samples, data)
    assert [facts_of(s, scenes).class_there for s in samples] == [
        True,
        True,
        True,
        False,
        True,
        False,
        True,
        True,
        True,
    ]


def test_the_class_is_read_from_the_phrase_where_the_data_set_has_none(tmp_path: Path) -> None:
    samples = write_set(tmp_path, layouts=False).read("val")
    bare = [replace(s, category=None) for s in samples]
    named, read = scenes_of(samples), scenes_of(bare)
    assert [facts_of(s, read).class_there for s in bare] == [facts_of(s, named).class_there for s in samples]


def test_what_an_image_shows_does_not_depend_on_which_samples_are_asked(tmp_path: Path) -> None:
    data = write_set(tmp_path, layouts=False)
    samples = data.read("val")
    scenes = scenes_of(samples[8:], data)  # the vehicle on the left, of which only other phrases say that it is there
    assert facts_of(samples[8], scenes).class_there is True
    assert [scenes.shows(samples[0].image, name) for name in ("ship", "vehicle")] == [True, False]


def test_an_image_that_nobody_knows_is_neither_with_nor_without_the_class(tmp_path: Path) -> None:
    data = write_set(tmp_path, layouts=False)
    lines = (tmp_path / "val.jsonl").read_text().splitlines()
    (tmp_path / "val.jsonl").write_text("\n".join(lines[:4] + lines[5:]))  # of image 1 no phrase with a target is left
    samples = data.read("val")
    records, metrics = evaluate_model(predictor(), data, samples, EvaluateConfig(resamples=10))
    assert [r.class_there for r in records if not r.has_target] == [False, None, True]
    accuracy = metrics["presence"]["accuracy"]
    assert [accuracy[n]["samples"] for n in ("N-acc", "N-acc, class absent", "N-acc, class there (hard)")] == [3, 1, 1]


def test_other_images_is_a_derangement(tmp_path: Path) -> None:
    samples = write_set(tmp_path).read("val")
    for seed in range(5):
        others = other_images(samples, seed)
        assert all(image != other.image for image, other in others.items())
        assert len({other.image for other in others.values()}) == 3
    with pytest.raises(UsageError, match="at least two images"):
        other_images(samples[:4])


def test_pairs_differ_in_one_word_and_in_meaning(tmp_path: Path) -> None:
    samples = write_set(tmp_path).read("val")
    words = {(a, b): (x, y) for a, b, x, y in find_pairs(samples)}
    assert words == {(0, 1): ("left", "right"), (6, 7): ("ship", "vehicle")}
    assert word_group("left", "top") == "place" and word_group("largest", "smallest") == "size"
    assert word_group("second", "third") == "number or rank" and word_group("white", "red") == "colour"
    assert word_group("ship", "airplane") == "class" and word_group("ship", "left") == "other"


def test_reliability_by_hand() -> None:
    scores = np.array([0.05, 0.15, 0.85, 0.95, 1.0])
    there = np.array([False, True, True, True, False])
    got = reliability(scores, there)
    assert [(b["bin"], b["samples"], b["there"]) for b in got["bins"]] == [(0, 1, 0), (1, 1, 1), (8, 1, 1), (9, 2, 0.5)]
    assert got["calibration_error"] == pytest.approx((0.05 + 0.85 + 0.15 + 2 * (0.975 - 0.5)) / 5)
    assert got["share_there"] == 0.6


def test_choosing_samples(tmp_path: Path) -> None:
    data = write_set(tmp_path)
    assert len(choose_samples(data)) == 9
    assert [s.id for s in choose_samples(data, "val", 3)] == ["s0", "s4", "s8"]  # spread over the split
    for arguments, message in (((data, "test"), "no split 'test'"), ((data, "val", 0), "--limit 0")):
        with pytest.raises(UsageError, match=message):
            choose_samples(*arguments)
    (tmp_path / "train.jsonl").write_text("")
    with pytest.raises(UsageError, match="is empty"):
        choose_samples(data, "train")
    (tmp_path / "0.png").unlink()
    with pytest.raises(DataError, match=r"^1 image files, .* of 9 samples are missing or damaged: no image .*0\.png;"):
        evaluate_model(predictor(), data, choose_samples(data), EvaluateConfig())


def test_a_missing_mask_is_said_before_the_work(tmp_path: Path) -> None:
    data = write_set(tmp_path)
    samples = choose_samples(data)
    asked: list[str] = []
    with pytest.raises(
        DataError, match=r"^1 image files, .* of 9 samples are missing or damaged: no mask file .*gone\.png;"
    ):
        evaluate_model(
            predictor(),
            data,
            [*samples[:-1], replace(samples[-1], targets=(MaskFile(tmp_path / "gone.png"),))],
            EvaluateConfig(resamples=10),
            advance=lambda what, done, total: asked.append(what),
        )
    assert not asked


@pytest.mark.parametrize("options", [{"protocol": "640"}, {"min_score": 2.0}, {"robustness": -1}, {"resamples": 0}])
def test_configurations_check_themselves(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        EvaluateConfig(**options)


def test_rrsisds_layout_gives_the_same_numbers(tmp_path: Path) -> None:
    samples, _, metrics = run(tmp_path / "set", Colours())
    convert_dataset(write_set(tmp_path / "again"), tmp_path / "copy", "rrsisd")
    data = open_dataset(tmp_path / "copy")
    copied = choose_samples(data)
    assert data.layout.name == "rrsisd" and [s.phrase for s in copied] == [s.phrase for s in samples]
    records, other = evaluate_model(predictor(), data, copied, EvaluateConfig(resamples=50))
    assert all(plain(other[key]) == plain(metrics[key]) for key in ("scores", "pairs", "variants"))
    assert {r.kind for r in records} == {"position", "group", "category"}  # read from the phrases by the parser


def test_a_split_of_which_nothing_has_a_target(tmp_path: Path) -> None:
    data = write_set(tmp_path)
    samples = [s for s in choose_samples(data) if not s.targets]
    assert len(samples) == sum(not members for _, _, members in PHRASES)
    _, metrics = evaluate_model(predictor(), data, samples, EvaluateConfig(resamples=10, control=True, robustness=2))
    assert np.isnan(metrics["scores"]["native"]["mIoU"]["value"]) and metrics["wrong_image"] is None
    assert metrics["presence"]["accuracy"]["N-acc"]["value"] == 1 and "T-acc" not in metrics["presence"]["accuracy"]
