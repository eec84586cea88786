"""How published scorers differ: each rule on a case that tells it from the others, and each protocol."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.extra import numpy as npst
from PIL import Image

from rs2sam2.data.masks import RLE, resize
from rs2sam2.errors import UsageError
from rs2sam2.evaluate.ask import Asking, answer_of_mask, truths_of
from rs2sam2.evaluate.assess import EvaluateConfig, evaluate_model
from rs2sam2.evaluate.protocol import PROTOCOLS, decide, overlaps_of, protocols_of
from rs2sam2.evaluate.quirks import VARIANTS, variant
from rs2sam2.metrics import intersection_union, scores
from toy_set import HEIGHT, WIDTH, predictor, write_set

TABLE = np.array([(5, 10), (0, 0), (9, 10)])
PIXELS = np.array([100, 100, 100])


def test_at_least_or_above() -> None:
    assert scores(TABLE)["Pr@0.5"] == pytest.approx(2 / 3)
    assert variant("above", TABLE, PIXELS)["Pr@0.5"] == pytest.approx(1 / 3)
    assert variant("above", TABLE, PIXELS)["Pr@0.9"] == 0
    assert variant("above", TABLE, PIXELS)["mIoU"] == scores(TABLE)["mIoU"]


def test_three_policies_for_an_empty_union() -> None:
    assert scores(TABLE)["mIoU"] == pytest.approx(1.4 / 3)
    assert variant("union 0 as 1", TABLE, PIXELS)["mIoU"] == pytest.approx(2.4 / 3)
    assert variant("union 0 left out", TABLE, PIXELS)["mIoU"] == pytest.approx(1.4 / 2)


def test_the_background_averaged_in() -> None:
    # background IoUs: (100 - 10) / (100 - 5), 100 / 100, 90 / 91
    got = variant("with background", TABLE, PIXELS)
    ground = (90 / 95 + 1 + 90 / 91) / 3
    assert got["mIoU"] == pytest.approx((1.4 / 3 + ground) / 2)
    assert got["oIoU"] == pytest.approx((14 / 20 + 280 / 286) / 2)


@given(npst.arrays(np.bool_, (6, 5)), npst.arrays(np.bool_, (6, 5)))
def test_the_background_is_the_complement(mask: np.ndarray, truth: np.ndarray) -> None:
    both, either = intersection_union(mask, truth)
    b, e = intersection_union(~mask, ~truth)
    got = variant("with background", np.array([(both, either)]), np.array([30]))
    front, back = (both / either if either else 0), (b / e if e else 0)
    assert got["mIoU"] == pytest.approx((front + back) / 2)


def test_every_variant_is_there_and_no_other() -> None:
    assert all(set(variant(name, TABLE, PIXELS)) >= {"oIoU", "mIoU"} for name in VARIANTS)
    with pytest.raises(KeyError):
        variant("by eye", TABLE, PIXELS)


def test_the_square_changes_the_score() -> None:
    """A thin object in a wide image: on a small square NEAREST drops it from the truth altogether."""
    truth = np.zeros((480, 4800), bool)
    truth[:, 7] = True  # a 480 square looks at columns 5, 15 ..., the 1024 square at 2, 7, 11 ...
    mask = np.zeros_like(truth)
    mask[:, 3:8] = True
    truths = {
        name: np.array(Image.fromarray(truth).resize(p.size((480, 4800))[::-1], Image.Resampling.NEAREST))
        for name, p in PROTOCOLS.items()
    }
    answer = answer_of_mask(mask, truths, Asking(protocols_of("all")))
    assert answer.overlaps["native"] == (480, 2400) and answer.iou("native") == 0.2
    assert answer.truth_pixels["480"] == 0 and answer.overlaps["480"] == (0, 480)
    assert answer.overlaps["released"] == (1024, 1024)


def test_an_empty_truth_of_a_phrase_with_a_target_counts(tmp_path: Path) -> None:
    data = write_set(tmp_path)
    samples = [s for s in data.read("val") if s.targets]
    whole = evaluate_model(predictor(), data, samples, EvaluateConfig(resamples=1))[1]
    samples[0] = replace(samples[0], targets=(RLE.encode(np.zeros((HEIGHT, WIDTH), bool)),))
    records, metrics = evaluate_model(predictor(), data, samples, EvaluateConfig(resamples=1))
    assert metrics["counts"]["empty truths"] == 1 and metrics["counts"]["with a target"] == len(samples) == 6
    assert records[0].answer.mask_pixels > 0 and records[0].answer.iou("native") == 0
    lost = whole["scores"]["native"]["Pr@0.5"]["value"] - metrics["scores"]["native"]["Pr@0.5"]["value"]
    assert lost == pytest.approx(1 / 6)


def test_an_annotation_of_another_size_than_its_image_is_stretched(tmp_path: Path) -> None:
    sample = write_set(tmp_path).read("val")[0]
    drawn = np.random.default_rng(0).random((HEIGHT + 1, WIDTH)) > 0.5
    truths = truths_of(replace(sample, targets=(RLE.encode(drawn),)), protocols_of("all"))
    assert {name: truth.shape for name, truth in truths.items()} == {
        "native": (HEIGHT, WIDTH), "released": (1024, 1024), "480": (480, 480),
    }  # fmt: skip
    for truth in truths.values():  # each in one step from the annotation
        assert np.array_equal(truth, resize(drawn, truth.shape))


def test_released_compares_logits_enlarged_to_1024() -> None:
    """Enlarging the logits and then deciding is not deciding and then enlarging."""
    logits = torch.full((1, 1, 4, 4), -1.0)
    logits[0, 0, 1, 1] = 2.0
    fine = decide(logits, PROTOCOLS["released"].size((30, 50)), 0.5)
    expected = torch.nn.functional.interpolate(logits, (1024, 1024), mode="bilinear", align_corners=False)[:, 0] > 0.5
    assert fine.shape == (1, 1024, 1024) and torch.equal(fine, expected)
    coarse = (logits > 0.5).repeat_interleave(256, 2).repeat_interleave(256, 3)[:, 0]
    assert not torch.equal(fine, coarse)
    assert overlaps_of(fine, coarse)[0] == intersection_union(fine[0].numpy(), coarse[0].numpy())


def test_names() -> None:
    assert [p.name for p in protocols_of("all")] == ["native", "released", "480"]
    assert protocols_of("480")[0].size((10, 20)) == (480, 480) and protocols_of("native")[0].size((10, 20)) == (10, 20)
    with pytest.raises(UsageError, match="choose native, released, 480 or all"):
        protocols_of("640")
