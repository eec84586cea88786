"""The losses of the released scripts: by hand, and against numbers recorded from them."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from rs2sam2.losses import boundary_map, dice_loss, released_boundary_loss, released_losses
from toys import shared


def test_boundary_map_by_hand() -> None:
    mask = torch.tensor([[[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]])
    assert boundary_map(mask)[0].tolist() == [[0, 0, 0], [0, 2, 1], [0, 1, 0]]
    edge = torch.ones(1, 3, 3)
    assert not boundary_map(edge).any()  # the difference is padded, not the image


def test_dice_of_a_certain_and_right_answer_is_zero() -> None:
    target = torch.tensor([[[0, 1], [1, 0]]])
    scores = torch.stack([1 - target, target], dim=1) * 100.0
    assert dice_loss(scores, target) < 1e-6
    assert abs(float(dice_loss(-scores, target)) - 2) < 1e-5  # wrong in both classes
    two = dice_loss(torch.cat([-scores, -scores]), torch.cat([target, target]))
    assert abs(float(two) - 4) < 1e-5  # summed over the batch


def test_the_released_boundary_loss_gives_the_mask_no_gradient() -> None:
    logits = torch.randn(2, 6, 6, requires_grad=True)
    weight = torch.randn(2, requires_grad=True)
    target = torch.rand(2, 6, 6) > 0.5
    released_boundary_loss(logits, target, weight).backward()
    assert logits.grad is None or not logits.grad.any()
    assert weight.grad is not None and weight.grad.any()


def test_total_and_cross_entropy_by_hand() -> None:
    logits, target = torch.zeros(1, 1, 2), torch.tensor([[[0, 1]]])
    losses = released_losses(logits, target, torch.ones(1))
    background, foreground = torch.tensor([1.0, 0.0]).log_softmax(0)
    assert abs(losses.ce - (-0.9 * background - 1.1 * foreground) / 2.0) < 1e-6
    assert abs(losses.total - (0.9 * losses.ce + 0.1 * losses.dice + 0.2 * losses.boundary)) < 1e-6


@pytest.mark.skipif(shared() is None, reason="no folder 'shared' with the recorded numbers beside the project")
@pytest.mark.parametrize("letter", ["a", "c"])
def test_recorded_losses(letter: str) -> None:
    """From the recorded logits; tests/test_parity.py has them from the model's own."""
    folder = shared()
    assert folder is not None
    spec = importlib.util.spec_from_file_location("reference_weights", folder / "reference" / "weights.py")
    assert spec is not None and spec.loader is not None
    weights = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(weights)
    recorded = np.load(folder / "reference" / f"case_{letter}.npz")
    logits = torch.from_numpy(recorded["low_res_logits"])[None, None]
    losses = released_losses(
        F.interpolate(logits, (1024, 1024), mode="bilinear")[:, 0],
        weights.target(),
        torch.from_numpy(recorded["text_weight"]).reshape(1),
    )
    for name, value in (("ce", losses.ce), ("dice", losses.dice), ("tbl", losses.boundary), ("total", losses.total)):
        assert abs(float(value) - recorded[f"loss_{name}"]) < 1e-4, name
