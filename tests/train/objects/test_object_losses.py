from __future__ import annotations

from random import Random

import pytest
import torch
from toy_objects import TOY, toy_batch, toy_model, toy_source, toy_tokenizer

from rs2sam2.objects.candidates import propose
from rs2sam2.objects.reader import Reading
from rs2sam2.train.objects.losses import (
    box_loss,
    mask_loss,
    match,
    normalise,
    reading_losses,
    refine_loss,
    right_choices,
    training_cells,
    view_losses,
)
from rs2sam2.train.objects.phrases import Asked
from rs2sam2.train.objects.targets import collate, item_of
from rs2sam2.train.objects.views import view_of


def test_losses_are_finite_and_fall() -> None:
    model = toy_model().train()
    random = Random(0)
    batch = toy_batch(random, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    totals = []
    for _ in range(12):
        parts = view_losses(model, batch)
        total = sum(parts.values())
        assert torch.isfinite(total)
        totals.append(total.item())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert totals[-1] < 0.8 * totals[0]


def test_true_centres_are_among_the_training_cells() -> None:
    model = toy_model()
    batch = toy_batch(Random(2), 2)
    features = model.see(normalise(batch.image))
    candidates = propose(features, training_cells(features, batch, TOY))
    fit = match(candidates, batch, 8)
    assert (fit.amax(1) > 0).float().mean() > 0.9


def test_mask_and_box_losses_by_hand() -> None:
    truth = torch.zeros(1, 8, 8)
    truth[:, 2:6, 2:6] = 1
    good, bad = (truth * 2 - 1) * 20, (1 - truth * 2) * 20
    assert mask_loss(good, truth) < 0.05 < 1 < mask_loss(bad, truth)
    box = torch.tensor([0.1, 0.1, 0.5, 0.5])[None, :, None, None].expand(1, 4, 2, 2)
    assert box_loss(box, box, torch.ones(1, 2, 2)).item() == pytest.approx(0, abs=1e-5)
    apart = torch.tensor([0.6, 0.6, 0.9, 0.9])[None, :, None, None].expand(1, 4, 2, 2)
    assert box_loss(box, apart, torch.ones(1, 2, 2)).item() > 1


def test_boxes_are_drawn_to_the_object_of_their_cell() -> None:
    batch = toy_batch(Random(2), 2)
    cells = batch.box_weight.flatten(1).argmax(1, keepdim=True)
    true = batch.box_target.flatten(2).gather(2, cells[:, None].expand(-1, 4, -1)).transpose(1, 2)
    assert refine_loss([true, true], cells, batch) == pytest.approx(0, abs=1e-5)
    moved = (true + 0.3).requires_grad_()
    loss = refine_loss([true, moved], cells, batch)
    assert (
        loss > 0.3 and loss.backward() is None and moved.grad is not None and bool((moved.grad.sum((0, 1)) > 0).any())
    )
    nowhere = batch.box_weight.flatten(1).argmin(1, keepdim=True)
    assert refine_loss([true, moved], nowhere, batch) == 0


def test_choice_accepts_any_candidate_of_the_object() -> None:
    zero = torch.zeros(1, 3)
    reading = Reading(torch.tensor([[9.0, 0.0, 0.0]]), zero, zero, torch.zeros(1), zero, zero)
    either = reading_losses(reading, torch.tensor([[0.6, 0.9, 0.0]]), torch.tensor([0]), torch.tensor([True]))
    wrong = reading_losses(reading, torch.tensor([[0.0, 0.9, 0.0]]), torch.tensor([0]), torch.tensor([True]))
    assert either["choice"] < 0.01 < 5 < wrong["choice"]


def test_right_choices_are_counted_among_phrases_about_one_object() -> None:
    zero = torch.zeros(3, 2)
    reading = Reading(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), zero, zero, zero[:, 0], zero, zero)
    fits, form = torch.tensor([[0.8, 0.0], [0.0, 0.8], [0.8, 0.0]]), torch.tensor([0, 0, 1])
    assert right_choices(reading, fits, form) == 0.5
    assert right_choices(reading, torch.zeros(3, 2), form) == 1


@pytest.mark.parametrize("objects", [True, False])
def test_a_batch_without_phrases_or_objects_teaches_what_it_can(objects: bool) -> None:
    """Every parameter has a gradient still: processes share them, and each must have the same."""
    model, tokenizer = toy_model().train(), toy_tokenizer()
    window = (0, 0, 120, 100) if objects else (41, 51, 59, 99)
    asked = [] if objects else [Asked("the ship", (), 0, "category")]
    view = view_of(toy_source(), window, "identity", TOY.image_size, None)
    assert bool(view.layout.objects) == objects
    parts = view_losses(model, collate([item_of(view, asked, TOY, Random(0))], tokenizer))
    total = sum(parts.values())
    total.backward()
    assert torch.isfinite(total)
    assert [n for n, p in model.named_parameters() if p.grad is None] == ["describe.unseen"]


def test_lots_choose_evenly() -> None:
    """The object that a phrase of three is outlined by, and the share of phrases outlined as ground."""
    source, counts = toy_source(), [0, 0, 0]
    for seed in range(300):
        view = view_of(source, (0, 0, 120, 100), "identity", TOY.image_size, None)
        item = item_of(view, [Asked("all things", (0, 1, 2), 1, "group")], TOY, Random(seed))
        counts[int(((item.object_lots + item.phrase_lots[0, 0]) % 1).argmax())] += 1
    assert min(counts) > 70
