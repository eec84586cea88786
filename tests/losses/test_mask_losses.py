"""The better losses: by hand, and against what is wrong with the released ones."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rs2sam2.losses import (
    boundary_map,
    dice_loss,
    focal_loss,
    iou_loss,
    mask_prompt_loss,
    presence_loss,
    released_losses,
    sample_cross_entropy,
    sample_dice,
    soft_boundary_loss,
)

SURE = 40.0


def square(side: int = 8, size: int = 3, at: int = 2) -> Tensor:
    target = torch.zeros(1, side, side)
    target[:, at : at + size, at : at + size] = 1
    return target


def test_cross_entropy_of_one_sample_is_the_released_one() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(1, 6, 6), (torch.rand(1, 6, 6) > 0.6).float()
    released = released_losses(logits, target, torch.ones(1))
    torch.testing.assert_close(sample_cross_entropy(2 * logits - 1, target)[0], released.ce)


def test_dice_by_hand() -> None:
    target = square()
    assert sample_dice(torch.where(target > 0, SURE, -SURE), target)[0] == 0
    assert sample_dice(torch.full((1, 8, 8), -SURE), target)[0] == pytest.approx(1 - 1 / 10)  # I 0, U 9
    assert sample_dice(torch.full((1, 8, 8), -SURE), torch.zeros(1, 8, 8))[0] == 0  # nothing, and nothing found


def test_focal_by_hand() -> None:
    z = torch.zeros(1, 1, 2)
    target = torch.tensor([[[0.0, 1.0]]])
    by_hand = (0.25 + 0.75) / 2 * 0.25 * torch.log(torch.tensor(2.0))
    torch.testing.assert_close(focal_loss(z, target)[0], by_hand)


@pytest.mark.parametrize(
    "loss", [sample_cross_entropy, sample_dice, focal_loss, lambda z, t: soft_boundary_loss(z, t, None)]
)
def test_a_sample_does_not_depend_on_its_neighbours(loss: object) -> None:
    torch.manual_seed(0)
    z, t = torch.randn(3, 8, 8), (torch.rand(3, 8, 8) > 0.5).float()
    together = loss(z, t)  # type: ignore[operator]
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], loss(z[i : i + 1], t[i : i + 1]))  # type: ignore[operator]


def test_released_dice_grows_with_the_batch_where_ours_does_not() -> None:
    z, t = torch.randn(1, 8, 8), square()
    scores = torch.stack([1 - z, z], dim=1)
    released = dice_loss(scores.repeat(4, 1, 1, 1), t.long().repeat(4, 1, 1)) / dice_loss(scores, t.long())
    assert released == pytest.approx(4, rel=1e-4)
    assert sample_dice(z.repeat(4, 1, 1), t.repeat(4, 1, 1)).mean() == pytest.approx(
        float(sample_dice(z, t)[0]), rel=1e-5
    )


def test_the_soft_boundary_gives_the_mask_a_gradient() -> None:
    z = torch.randn(2, 8, 8, requires_grad=True)
    soft_boundary_loss(z, square().repeat(2, 1, 1), torch.zeros(2)).sum().backward()
    assert z.grad is not None and z.grad.abs().sum() > 0


def test_the_soft_boundary_is_least_at_the_target() -> None:
    target = square()
    right = soft_boundary_loss(torch.where(target > 0, SURE, -SURE), target, None)[0]
    assert right == 0
    moved = soft_boundary_loss(torch.where(square(at=3) > 0, SURE, -SURE), target, None)[0]
    nothing = soft_boundary_loss(torch.full((1, 8, 8), -SURE), target, None)[0]
    assert moved > 0.2 and nothing == pytest.approx(
        float(boundary_map(target).square().sum()) / (1 + float(boundary_map(target).square().sum()))
    )


@given(st.floats(0.2, 5.0))
def test_the_text_weight_cannot_collapse(hardness: float) -> None:
    """Trained alone on a boundary of fixed loss L, the weight goes to 1 / L; the released one goes to 0."""
    target = square()
    z = torch.where(square(at=3) > 0, SURE, -SURE)
    base = float(soft_boundary_loss(z, target, None)[0])
    raw = torch.linspace(-12, 12, 4001)
    values = soft_boundary_loss(z.expand(len(raw), -1, -1), target.expand(len(raw), -1, -1), raw)
    best = float((2 * torch.tanh(raw[values.argmin()] / 2)).exp())
    assert best == pytest.approx(min(max(1 / base, 0.1353), 7.389), rel=0.02)
    weights = (2 * torch.tanh(raw * hardness / 2)).exp()
    assert weights.min() > 0.13 and weights.max() < 7.4  # whatever the text says


def test_the_released_text_weight_does_collapse() -> None:
    weight = torch.tensor([1.0], requires_grad=True)
    optimizer = torch.optim.SGD([weight], 0.1)
    for _ in range(2000):
        loss = released_losses(torch.where(square(at=3) > 0, SURE, -SURE), square(), weight).boundary
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert abs(weight.item()) < 1e-3


def test_a_small_thing_stays_in_the_coarse_map() -> None:
    target = torch.zeros(1, 64, 64)
    target[0, 5, 9] = 1  # one pixel
    right, wrong = torch.full((1, 1, 4, 4), -SURE), torch.full((1, 1, 4, 4), -SURE)
    right[0, 0, 0, 0] = SURE
    assert mask_prompt_loss(right, target)[0] < 1e-4 < 0.4 < mask_prompt_loss(wrong, target)[0]


def test_presence_and_iou_by_hand() -> None:
    assert presence_loss(torch.tensor([0.0, SURE]), torch.tensor([True, False])).tolist() == [
        pytest.approx(0.6931, abs=1e-3),
        SURE,
    ]
    z = torch.where(square(at=3) > 0, SURE, -SURE).requires_grad_()
    predicted = torch.tensor([0.5], requires_grad=True)
    loss = iou_loss(predicted, z, square())  # overlap 2 x 2 of 9 + 9 - 4
    assert loss[0].item() == pytest.approx((0.5 - 4 / 14) ** 2)
    loss.sum().backward()
    assert z.grad is None and predicted.grad is not None
