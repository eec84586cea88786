from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from toy_objects import TOY, toy_model, toy_tokenizer

from rs2sam2.config import LiteConfig
from rs2sam2.errors import UsageError
from rs2sam2.objects.candidates import facts, overlap, pair_facts, peaks, propose, sample
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.outline import place


def test_configuration_travels_as_json() -> None:
    assert ObjectFirstConfig.from_json(TOY.to_json()) == TOY


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace('"width": 20', '"width": 21'), "not divisible"),
        (lambda t: t.replace('"version": 2', '"version": 9'), "version 9.*update rs2sam2"),
        (lambda t: t.replace('"version": 2', '"version": 1'), "version 1.*train the model again"),
        (lambda t: t.replace('"depth"', '"deepness"'), "deepness"),
        (lambda t: t.replace("object-first", "other"), "family"),
        (lambda t: t[:-5], "not JSON"),
        (lambda t: t.replace('"heads": 2', '"heads": 0'), "heads 0 must be a whole number >= 1"),
        (lambda t: t.replace('"width": 20', '"width": -20'), "width -20"),
        (lambda t: t.replace('"pyramid": 16', '"pyramid": 0'), "pyramid 0"),
        (lambda t: t.replace('"image_size": 64', '"image_size": 64.0'), "image_size 64.0"),
        (lambda t: t.replace('"stem": 8', '"stem": "8"'), "trunk.stem must be of type int"),
        (lambda t: t.replace('"min_score": 0.5', '"min_score": "a"'), "min_score 'a' must be a finite number"),
        (lambda t: t.replace('"presence_slope": 1.0', '"presence_slope": null'), "presence_slope None"),
        (lambda t: t.replace('"presence_slope": 1.0', '"presence_slope": NaN'), "presence_slope nan"),
        (lambda t: t.replace('"untaught": []', '"untaught": [3]'), "untaught must be a list of names"),
        (lambda t: t.replace('"name": "toy"', '"name": 5'), "name must be text"),
        (lambda t: t.replace('"candidates": 6', '"candidates": 65'), "candidates 65 are more than the 64 cells"),
    ],
)
def test_configuration_refuses(change, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ObjectFirstConfig.from_json(change(TOY.to_json()))


def test_a_class_is_named_once() -> None:
    with pytest.raises(UsageError, match="twice"):
        ObjectFirstConfig(things=("ship",), stuff=("ship",), trunk=LiteConfig())


def test_things_are_needed() -> None:
    with pytest.raises(UsageError, match="things must name at least one class"):
        replace(TOY, things=())


def test_what_was_taught() -> None:
    config = replace(TOY, untaught=("pond", "river"))
    assert set(config.classes) - set(config.taught) == {"pond", "river"}
    assert ObjectFirstConfig.from_json(config.to_json()) == config
    with pytest.raises(UsageError, match="untaught names lagoon, which is no class"):
        replace(TOY, untaught=("lagoon",))


def test_shapes() -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    ids, padding = tokenizer.batch(["the ship", "all storage tanks on the left", "road"])
    image = torch.randn(2, 3, 64, 64)
    features = model.see(image)
    assert features.shared.shape == (2, 16, 8, 8) and features.context.shape == (2, 16, 2, 2)
    assert features.centres.shape == (2, len(TOY.things), 8, 8)
    assert features.classes.shape == (2, len(TOY.classes), 8, 8)
    assert features.object_features.shape[2:] == (16, 16)
    masks, reading = model(image, ids, padding, torch.tensor([0, 1, 1]))
    assert masks.shape == (3, 16, 16)
    assert reading.choice.shape == (3, 6) and reading.form.shape == (3, 3) and reading.presence.shape == (3,)


def test_a_phrase_does_not_mind_its_neighbours() -> None:
    model, tokenizer = toy_model(), toy_tokenizer()
    image = torch.randn(2, 3, 64, 64)
    phrases = ["the ship", "all storage tanks on the left side of the long bridge", "road"]
    ids, padding = tokenizer.batch(phrases)
    with torch.inference_mode():
        together, read = model(image, ids, padding, torch.tensor([0, 1, 0]))
        alone_ids, alone_padding = tokenizer.batch(phrases[:1])
        alone, read_alone = model(image[:1], alone_ids, alone_padding, torch.tensor([0]))
    torch.testing.assert_close(together[:1], alone, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(read.presence[:1], read_alone.presence, atol=1e-5, rtol=1e-4)


def test_peaks_are_the_highest_of_their_neighbours() -> None:
    centres = torch.full((1, 2, 8, 8), -5.0)
    centres[0, 0, 2, 3], centres[0, 0, 2, 4], centres[0, 1, 6, 6] = 3.0, 2.0, 1.0
    assert peaks(centres, 2).tolist() == [[2 * 8 + 3, 6 * 8 + 6]]
    assert peaks(centres[..., :4, :4], 40).shape == (1, 16)  # of a smaller square, all there are


def test_boxes_of_candidates_lie_in_the_image_and_pass_no_gradient() -> None:
    model = toy_model()
    features = model.see(torch.randn(2, 3, 64, 64))
    candidates = model.candidates(features)
    assert not candidates.boxes.requires_grad and not candidates.score.requires_grad
    assert (candidates.boxes >= 0).all() and (candidates.boxes <= 1.01).all()
    assert (candidates.boxes[..., 2:] > candidates.boxes[..., :2]).all()


def test_refining_starts_from_what_was_proposed_and_stays_in_the_image() -> None:
    model = toy_model()
    features = model.see(torch.randn(1, 3, 64, 64))
    proposed = propose(features, peaks(features.centres, 6)).boxes
    torch.testing.assert_close(model.refine(proposed, features)[-1], proposed)  # untrained, it corrects nothing
    torch.nn.init.normal_(model.refine.looks.layers[-1].weight)
    first, last = model.refine(proposed, features)
    assert (first != last).any() and first.requires_grad
    for boxes in (first, last):
        assert (boxes >= 0).all() and (boxes <= 1.01).all() and (boxes[..., 2:] > boxes[..., :2]).all()


def test_boxes_in_a_smaller_square_are_as_large_in_pixels() -> None:
    model = toy_model()
    sides = torch.zeros(1, 4, 4, 4)
    whole, half = (model.pyramid._boxes(sides, unit) for unit in (1.0, 2.0))
    torch.testing.assert_close(half[:, 2:] - half[:, :2], 2 * (whole[:, 2:] - whole[:, :2]))
    seen = model.see(torch.randn(1, 3, 32, 32))  # half the side of its configuration
    assert seen.boxes.shape == (1, 4, 4, 4) and torch.isfinite(seen.boxes).all()


def test_samples_are_taken_where_a_box_is() -> None:
    """A map that holds its own x, read at the sides and in the middle of a box."""
    ramp = ((torch.arange(8) + 0.5) / 8).expand(1, 1, 8, 8)
    read = sample(ramp, torch.tensor([[[0.25, 0.25, 0.75, 0.75]]]), (-1.0, 0.0, 1.0))
    torch.testing.assert_close(read[0, 0].unflatten(0, (3, 3)).amax(1), torch.tensor([0.25, 0.5, 0.75]))


def test_ranks_say_who_comes_first() -> None:
    """Three ships from left to right and a bridge further left, which does not count among ships."""
    from rs2sam2.objects.candidates import COUNTS, ORDERS, Candidates

    x = torch.tensor([0.3, 0.5, 0.7, 0.05])
    boxes = torch.stack([x, torch.full_like(x, 0.4), x + 0.1, torch.full_like(x, 0.5)], dim=1)[None]
    classes = torch.tensor([[[0.9, 0.0], [0.9, 0.0], [0.9, 0.0], [0.0, 0.9]]])
    candidates = Candidates(boxes, classes, torch.ones(1, 4), torch.zeros(1, 4, dtype=torch.bool))
    ranks = facts(candidates, torch.tensor([6.0, 1.2]))[0, :, -(ORDERS + 1) * COUNTS :].unflatten(
        1, (ORDERS + 1, COUNTS)
    )
    assert ranks[:, 0].argmax(1).tolist() == [0, 1, 2, 0]  # from the left
    assert ranks[:, 1].argmax(1).tolist() == [2, 1, 0, 0]  # from the right
    assert ranks[:, ORDERS].argmax(1).tolist() == [2, 2, 2, 0]  # others of its like


def test_ranks_count_neither_what_is_doubtful_nor_oneself_proposed_twice() -> None:
    """Two ships, one of them proposed twice, and six doubtful ones further left."""
    from rs2sam2.objects.candidates import COUNTS, ORDERS, Candidates

    x = torch.tensor([0.5, 0.7, 0.705, *(0.02 + 0.06 * i for i in range(6))])
    boxes = torch.stack([x, torch.full_like(x, 0.4), x + 0.05, torch.full_like(x, 0.5)], dim=1)[None]
    score = torch.tensor([[0.8, 0.7, 0.6, *[0.15] * 6]])
    classes = torch.stack([score, 0 * score], dim=-1)
    candidates = Candidates(boxes, classes, score, torch.zeros(1, 9, dtype=torch.bool))
    ranks = facts(candidates, torch.tensor([6.0, 1.2]))[0, :, -(ORDERS + 1) * COUNTS :].unflatten(
        1, (ORDERS + 1, COUNTS)
    )
    assert ranks[:3, 0].argmax(1).tolist() == [0, 1, 1]
    assert ranks[:3, 1].argmax(1).tolist() == [1, 0, 0]  # seen from the first, the one proposed twice is one


def test_pair_facts_are_finite_for_padding() -> None:
    assert torch.isfinite(pair_facts(torch.zeros(1, 3, 4))).all()


def test_overlap() -> None:
    a = torch.tensor([[[0.0, 0.0, 0.5, 0.5]]])
    b = torch.tensor([[[0.25, 0.0, 0.75, 0.5], [0.5, 0.5, 1.0, 1.0]]])
    torch.testing.assert_close(overlap(a, b), torch.tensor([[[1 / 3, 0.0]]]))


def test_place_knows_inside_and_outside() -> None:
    x = place(torch.tensor([[0.25, 0.25, 0.75, 0.75]]), 16, 16).unflatten(2, (16, 16))[0]
    assert x[2, 8, 8] > 0.95 and x[2, 0, 0] < 0.01
    assert x[0, 8, 4] < 0 < x[0, 8, 11]
