"""Which candidate a correction means."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rs2sam2.config import ProcessorConfig
from rs2sam2.errors import UsageError
from rs2sam2.objects.corrections import pick
from rs2sam2.segmenter import Correction, Prediction

BOXES = torch.tensor([[0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.7, 0.7], [0.4, 0.4, 0.9, 0.9], [0.0, 0.8, 0.1, 0.9]])
WANTED = torch.tensor([5.0, 1.0, 2.0, 0.0])


def prediction(box: tuple[int, int, int, int]) -> Prediction:
    logits = np.full((100, 200), -5, np.float32)
    logits[box[1] : box[3], box[0] : box[2]] = 5
    return Prediction("x", logits, ProcessorConfig(), 0.5, None)


@pytest.mark.parametrize(
    ("correction", "expected"),
    [
        (Correction(box=(100, 50, 142, 71)), 1),
        (Correction(box=(100, 50, 142, 71), points=[(30, 20)]), 1),  # a box is taken at its word
        (Correction(points=[(120, 60)]), 2),  # of two that hold it, the one that the phrase wants
        (Correction(points=[(120, 60)], not_points=[(170, 85)]), 1),
        (Correction(points=[(120, 60), (170, 85)]), 2),
        (Correction(points=[(5, 99)]), 3),  # none holds it: the nearest
        (Correction(points=[(5, 99)], not_points=[(5, 85)]), 0),
        (Correction(not_points=[(40, 20)]), 2),
        (Correction(previous=prediction((100, 50, 140, 70))), 1),
        (Correction(previous=prediction((20, 10, 60, 30)), not_points=[(30, 20)]), 2),
        (Correction(previous=prediction((20, 10, 60, 30)), points=[(10, 85)]), 3),
        (Correction(not_points=[(40, 20), (120, 60), (5, 85)]), 0),  # all are ruled out: what the phrase wants
    ],
)
def test_pick(correction: Correction, expected: int) -> None:
    assert pick(correction, BOXES, WANTED, 200, 100) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"points": (10, 10)},
        {"points": [(1, 2, 3)]},
        {"not_points": [(float("nan"), 2)]},
        {"box": (1, 2, 3)},
        {"box": (0, 0, float("inf"), 5)},
        {"box": (5, 5, 5, 9)},
        {"previous": "mask"},
    ],
)
def test_what_is_no_correction(given: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="of a correction"):
        Correction(**given)  # type: ignore[arg-type]


def test_arrays_will_do_and_nothing_is_false() -> None:
    made = Correction(points=np.array([[1, 2]]), box=torch.tensor([0, 0, 5, 5]))  # type: ignore[arg-type]
    assert made == Correction(points=((1.0, 2.0),), box=(0.0, 0.0, 5.0, 5.0)) and made
    assert not Correction() and not Correction(points=np.zeros((0, 2)))  # type: ignore[arg-type]
