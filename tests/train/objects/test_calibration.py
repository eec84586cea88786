from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from toy_objects import TOY, toy_model, toy_tokenizer

import toy_set
from rs2sam2.data.registry import open_dataset
from rs2sam2.errors import UsageError
from rs2sam2.objects.segmenter import ObjectSegmenter
from rs2sam2.train.objects import calibration
from rs2sam2.train.objects.calibration import Question, Slope, calibrate_on, fit, presence_logits


@pytest.mark.parametrize(("slope", "offset"), [(0.5, -1.0), (2.0, 0.7)])
def test_a_known_slope_is_found_again(slope: float, offset: float) -> None:
    """Half of the phrases are of each answer: only then is the fit, which weighs both alike, that of the draw."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(40_000, generator=generator) * 3 - offset / slope
    there = torch.rand(len(x), generator=generator) < (slope * x + offset).sigmoid()
    line = fit(x, there)
    assert line is not None
    assert line.slope == pytest.approx(slope, rel=0.05) and line.offset == pytest.approx(offset, abs=0.08)


def test_a_rarer_answer_weighs_as_much() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2000, generator=generator) * 3
    there = torch.rand(len(x), generator=generator) < x.sigmoid()
    again = torch.cat([x, *[x[~there]] * 8])
    even, uneven = fit(x, there), fit(again, torch.cat([there, there.new_zeros(len(again) - len(x))]))
    assert even is not None and uneven is not None
    assert uneven.slope == pytest.approx(even.slope, rel=0.02)
    assert uneven.offset == pytest.approx(even.offset, abs=0.02)


def test_what_cannot_be_fitted() -> None:
    x = torch.linspace(-1, 1, 100)
    assert fit(x, x > -0.9) is None  # 5 phrases without a target
    assert fit(x, torch.ones(100, dtype=torch.bool)) is None
    assert fit(torch.zeros(0), torch.zeros(0, dtype=torch.bool)) is None
    assert fit(x, x < 0) == Slope()  # a logit that says the opposite stays as it is
    apart = fit(x, x > 0)
    assert apart is not None and 1 < apart.slope < 1000


def test_a_calibrated_configuration() -> None:
    config = Slope(1.23456, -0.5).of(TOY)
    assert (config.presence_slope, config.presence_offset) == (1.2346, -0.5)


def test_logits_are_those_of_the_phrases_in_order() -> None:
    image = torch.randint(0, 255, (64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).numpy()
    questions = [
        Question(image, ["the ship", "the tent"], [True, False]),
        Question(image, [], []),
        Question(image, ["the ship"], [False]),
    ]
    logits, there, heard = presence_logits(toy_model(), toy_tokenizer(), questions)
    assert there.tolist() == [True, False, False] and heard.tolist() == [True, False, True]
    torch.testing.assert_close(logits[0], logits[2])
    assert logits[0] != logits[1]


def test_presence_is_what_a_user_gets() -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    model.config = replace(TOY, untaught=("pond",))
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 150, 3), np.uint8))
    phrases = [
        "Please find the jet in the top-left corner!",
        "the pond",
        "the tent",
        "the ship next to the long bridge",
    ]
    question = Question(np.array(image.resize((64, 64), Image.Resampling.BILINEAR)), phrases, [True] * 4)
    logits, _, heard = presence_logits(model, tokenizer, [question])
    presence = ObjectSegmenter(model, tokenizer)([image], phrases, [0] * 4, [None] * 4).presence
    assert heard.tolist() == [True, True, False, True] and presence is not None  # the pond is the water
    torch.testing.assert_close(logits.sigmoid() * torch.tensor([1, 1, 0.5, 1]), presence, atol=1e-5, rtol=1e-4)


def test_what_names_no_class_is_measured_and_not_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_set.write_set(tmp_path / "set")
    samples = open_dataset(tmp_path / "set").read("val")
    tents = [replace(sample, phrase="the tent") for sample in samples if sample.targets]
    fitted: list[int] = []

    def believing(logits: torch.Tensor, there: torch.Tensor, group: torch.Tensor) -> Slope:
        fitted.append(len(logits))
        return Slope(0.0, 9.0)

    monkeypatch.setattr(calibration, "fit", believing)
    plain, foreign = (calibrate_on(toy_model(), toy_tokenizer(), [asked]) for asked in (samples, [*samples, *tents]))
    assert fitted[0] == fitted[1] and plain.target == (1.0,)
    assert foreign.target == (0.5,) and foreign.no_target == (0.0,)  # half of them are tents, at most an even chance


def test_groups_weigh_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4000, generator=generator) * 3
    there = torch.rand(len(x), generator=generator) < x.sigmoid()
    shifted = torch.cat([x, x + 2])
    both, group = torch.cat([there, there]), torch.arange(2).repeat_interleave(len(x))
    even = fit(shifted, both, group)
    few = torch.cat([torch.arange(len(x)), torch.arange(len(x), len(both), 4)])  # a quarter of the second group
    fewer = fit(shifted[few], both[few], group[few])
    assert even is not None and fewer is not None
    assert fewer.offset == pytest.approx(even.offset, abs=0.05) and -1.2 < even.offset < -0.6
    assert fit(shifted, both | (group == 1), group) is None  # nothing is absent in the second group


def test_on_referring_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_set.write_set(tmp_path / "set")
    samples = open_dataset(tmp_path / "set").read("val")
    with pytest.raises(UsageError, match=r"at least 10 phrases with a target.*there are 5 and 2, 5 and 2"):
        calibrate_on(toy_model(), toy_tokenizer(), [samples, samples])
    monkeypatch.setattr(calibration, "FEWEST", 1)
    once, twice = (calibrate_on(toy_model(), toy_tokenizer(), [samples] * n) for n in (1, 2))
    assert once.line.slope > 0 and twice.line.slope > 0 and len(once.target) == 1
    assert len(twice.target) == 2 and all(0 <= share <= 1 for share in (*twice.target, *twice.no_target))
