from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from toy_objects import BLOCKS, toy_model, toy_source, toy_tokenizer

from rs2sam2.objects import diagnose
from rs2sam2.objects.segmenter import ObjectSegmenter

NAMES = {"object proposed", "object chosen", "language on true boxes", "best candidate", "mask at the true box"}


@pytest.fixture
def segmenter() -> ObjectSegmenter:
    return ObjectSegmenter(toy_model(), toy_tokenizer())


def truth(*names: str) -> np.ndarray:
    mask = np.zeros((100, 120), bool)
    for name in names:
        x0, y0, x1, y1 = BLOCKS[name]
        mask[y0:y1, x0:x1] = True
    return mask


def test_single_objects_get_every_number(segmenter: ObjectSegmenter) -> None:
    image = Image.fromarray(toy_source().pixels)
    said = segmenter.diagnose(
        image, ["the ship", "the tanks", "the nothing"], [truth("ship"), truth("ship", "airplane"), truth()]
    )
    assert set(said[0]) == NAMES and all(0 <= v <= 1 for v in said[0].values())
    assert said[1:] == [{}, {}]


@torch.inference_mode()
def test_true_boxes_take_the_place_of_what_fits_them(segmenter: ObjectSegmenter) -> None:
    seen = segmenter.see(Image.fromarray(toy_source().pixels))
    boxes = [(0.1, 0.2, 0.4, 0.6), (0.5, 0.5, 0.9, 0.8)]
    told = diagnose._proposed(segmenter, seen, boxes)
    assert told.candidates.boxes[0, :2] == pytest.approx(torch.tensor(boxes))
    assert told.candidates.classes.shape[1] == told.candidates.boxes.shape[1] <= seen.candidates.boxes.shape[1]
    fit = diagnose.overlap(told.candidates.boxes[:, 2:], torch.tensor([boxes]))
    assert float(fit.max()) < diagnose.FITS


def test_what_is_chosen_is_judged_by_its_box(segmenter: ObjectSegmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(toy_source().pixels)
    read = segmenter.read

    def first(seen, phrase, *, corrected):  # type: ignore[no-untyped-def]
        return (*read(seen, phrase, corrected=corrected)[:2], [0])

    monkeypatch.setattr(segmenter, "read", first)
    said = segmenter.diagnose(image, ["the ship", "the plane"], [truth("ship"), truth("airplane")])
    assert [s["language on true boxes"] for s in said] == [1.0, 0.0]  # the ship's true box was put first
