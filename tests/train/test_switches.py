"""Each switch of a recipe does what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_runs import log, numbers

import toy_set
from rs2sam2.checkpoint.folder import load_model, open_folder
from rs2sam2.errors import DataError, UsageError
from rs2sam2.losses import released_losses
from rs2sam2.model.beit3 import BEiT3
from rs2sam2.predictor import Predictor
from rs2sam2.train.ema import EMA
from rs2sam2.train.loop import CHECKPOINT, train
from rs2sam2.train.recipe import load_recipe
from rs2sam2.train.rs2sam2.batch import Batch
from rs2sam2.train.rs2sam2.learner import RS2SAM2Learner
from rs2sam2.train.rs2sam2.lora import add_lora, merged
from rs2sam2.train.rs2sam2.options import LoRA
from toys import TOY_BEIT3

Overrides = Callable[..., list[str]]
CPU = torch.device("cpu")


def learner_of(overrides: list[str], name: str = "rrsisd-released") -> RS2SAM2Learner:
    return RS2SAM2Learner(load_recipe(name, overrides), CPU)


def batch_of(learner: RS2SAM2Learner, count: int = 2) -> Batch:
    data = learner.training_data()
    return learner.collate([data[i] for i in range(count)])


def moved_logits(learner: RS2SAM2Learner, batch: Batch) -> torch.Tensor:
    """Mask logits, as the module computes them."""
    model = learner._model
    output = model(batch.image, batch.image_beit3, batch.token_ids, batch.text_padding, image_index=batch.image_index)
    return output.mask_logits


def test_released_losses_are_the_released_ones(small: Overrides) -> None:
    learner = learner_of(small())
    batch = batch_of(learner, 1)
    losses = learner.module(batch)
    logits = torch.nn.functional.interpolate(moved_logits(learner, batch), (64, 64), mode="bilinear")[:, 0]
    model = learner._model
    weight = model(batch.image, batch.image_beit3, batch.token_ids, batch.text_padding).text_weight
    expected = released_losses(logits, batch.masks, weight)
    for name, value in (("ce", expected.ce), ("dice", expected.dice), ("boundary", expected.boundary)):
        torch.testing.assert_close(losses[f"loss_{name}"], value)
    torch.testing.assert_close(losses["loss_total"], expected.total)


@pytest.mark.parametrize("decision", ["class-scores", "logit"])
def test_a_mask_learns_where_it_is_cut(decision: str, small: Overrides) -> None:
    """One sample alone has the cross-entropy of its foreground probability, and Dice of both classes, whatever the decision."""
    on = f"--model.processor.decision={decision}"
    learner, apart = learner_of(small(on)), learner_of(small(on, "--losses.per_sample=true"))
    batch = batch_of(learner, 1)
    losses, alone = learner.module(batch), apart.module(batch)
    torch.testing.assert_close(losses["loss_ce"], alone["loss_ce"])
    logits = torch.nn.functional.interpolate(moved_logits(learner, batch), (64, 64), mode="bilinear")[:, 0]
    p, t = (2 * logits - 1 if decision == "class-scores" else logits).sigmoid(), batch.masks.float()
    dice = sum(1 - 2 * (q * m).sum() / (q + m).sum() for q, m in ((p, t), (1 - p, 1 - t)))
    torch.testing.assert_close(losses["loss_dice"], dice)


def gradient_of_the_mask(learner: RS2SAM2Learner, batch: Batch, name: str) -> float:
    """Norm of one loss's gradient at what makes the mask (and nothing else)."""
    learner.module.zero_grad()
    learner.module(batch)[name].backward()
    gradients = [p.grad for n, p in learner.module.named_parameters() if "hypernetworks" in n and p.grad is not None]
    return float(sum(g.abs().sum() for g in gradients))


def test_the_boundary_loss_reaches_the_mask_only_where_it_is_soft(small: Overrides) -> None:
    released = learner_of(small())
    assert gradient_of_the_mask(released, batch_of(released), "loss_boundary") == 0
    soft = learner_of(small("--losses.boundary_kind=soft"))
    assert gradient_of_the_mask(soft, batch_of(soft), "loss_boundary") > 0


def test_deep_supervision_reaches_the_mask_prompt_generator(small: Overrides) -> None:
    learner = learner_of(small("--losses.mask_prompt=0.1"))
    learner.module(batch_of(learner))["loss_mask_prompt"].backward()
    names = {n for n, p in learner.module.named_parameters() if p.grad is not None and p.grad.any()}
    assert any("mask_prompt.product" in n for n in names) and not any("mask_decoder" in n for n in names)


def test_masks_learn_from_targets_only_and_presence_from_all(small: Overrides) -> None:
    """A batch of no-target phrases alone: no mask loss, no gradient but that of presence."""
    on = (
        "--losses.presence=0.5",
        "--losses.targets_only=true",
        "--losses.per_sample=true",
        "--losses.boundary_kind=soft",
    )
    learner = learner_of(small(*on, "--data.no_target=0.999"))
    assert learner.config.presence
    batch = batch_of(learner, 4)
    assert not batch.targets.any() and not batch.masks.any()
    losses = learner.module(batch)
    assert losses["loss_ce"] == losses["loss_dice"] == losses["loss_boundary"] == 0 < losses["loss_presence"]
    losses["loss_total"].backward()
    assert gradient_norm(learner, "hypernetworks") == 0 < gradient_norm(learner, "object_head")


def gradient_norm(learner: RS2SAM2Learner, part: str) -> float:
    return float(
        sum(p.grad.abs().sum() for n, p in learner.module.named_parameters() if part in n and p.grad is not None)
    )


def test_a_target_that_cannot_be_seen_teaches_neither(small: Overrides) -> None:
    learner = learner_of(small("--losses.presence=0.5", "--losses.targets_only=true"))
    batch = batch_of(learner, 2)
    broken = Batch(**{**vars(batch), "masks": torch.zeros_like(batch.masks)})
    assert broken.targets.all()
    assert learner.module(broken)["loss_presence"] == 0


def test_no_target_phrases_are_of_classes_that_are_not_there(small: Overrides) -> None:
    learner = learner_of(small("--data.no_target=0.5"))
    data = learner.training_data()
    by_phrase = {s.phrase: s.category for s in learner._samples}
    made = 0
    for epoch in range(5):
        data.set_epoch(epoch)
        for i, sample in enumerate(learner._samples):
            item = data[i]
            if not item.targets[0]:
                made += 1
                assert by_phrase[item.phrases[0]] != sample.category and not item.masks.any()
    assert 5 <= made <= 25  # of 30


def test_phrases_that_the_model_does_not_read_are_left_out(small: Overrides, tmp_path: Path) -> None:
    """In a batch or a validation, one of them would end the run."""
    toy_set.write_set(tmp_path)
    entries = [json.loads(line) for line in (tmp_path / "val.jsonl").read_text().splitlines()]
    on = (f"--data.root={tmp_path}", "--data.layout=null")

    def write(split: str, *wrong: str) -> None:
        changed = [{**entry, "phrase": phrase} for entry, phrase in zip(entries, wrong, strict=False)]
        lines = [json.dumps(entry) for entry in (*changed, *entries[len(changed) :])]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines) + "\n")

    long = "the ship on the left " * 30
    write("train", long, "")
    write("val", long)
    learner = learner_of(small(*on))
    data = learner.training_data()
    assert (len(data), len(learner.validation_data())) == (7, 8)
    learner.collate([data[i] for i in range(7)])
    assert learner.notes[1:] == [
        "left out of train: 2 phrases, empty or longer than this model reads",
        "left out of val: 1 phrases, empty or longer than this model reads",
    ]
    write("train", *[long] * 9)
    with pytest.raises(DataError, match=r"left out of train: 9 phrases, .* shorten them"):
        learner_of(small(*on))


def test_no_target_phrases_need_classes(refsegrs: Path, small: Overrides) -> None:
    with pytest.raises(UsageError, match="names no categories"):
        learner_of([*small("--data.no_target=0.2"), f"--data.root={refsegrs}"])


def test_per_sample_losses_do_not_depend_on_neighbours(small: Overrides) -> None:
    learner = learner_of(small("--losses.per_sample=true", "--losses.boundary_kind=soft"))
    data = learner.training_data()
    items = [data[i] for i in range(2)]
    together = learner.module(learner.collate(items))
    apart = [learner.module(learner.collate([item])) for item in items]
    for name in ("loss_ce", "loss_dice", "loss_boundary"):
        torch.testing.assert_close(together[name], (apart[0][name] + apart[1][name]) / 2)


def test_targets_at_the_logits_resolution_are_shares(small: Overrides) -> None:
    soft = ("--losses.resolution=logits", "--losses.per_sample=true", "--losses.boundary=0")
    learner = learner_of(small(*soft))
    batch = batch_of(learner)
    output = learner._model(batch.image, batch.image_beit3, batch.token_ids, batch.text_padding)
    judged = learner.module._judged(output, batch)  # type: ignore[operator]
    assert judged.target.shape == judged.z.shape == (2, 16, 16)
    torch.testing.assert_close(judged.target.mean((1, 2)), batch.masks.float().mean((1, 2)))


def test_augmentation_keeps_language_true(small: Overrides) -> None:
    """Flipped: 'left' becomes 'right' and the mask goes along."""
    plain, turned = (learner_of(small(f"--data.augmentation.flips={on}")).training_data() for on in ("false", "true"))
    swapped = {"The ship on the left": "The ship on the right", "The ship on the right": "The ship on the left"}
    seen = set()
    for epoch in range(8):
        turned.set_epoch(epoch)
        before, after = plain[0], turned[0]
        flipped = after.phrases != before.phrases
        if flipped:
            assert after.phrases[0].lower() == swapped[before.phrases[0]].lower()
        columns = [np.flatnonzero(item.masks[0].numpy().any(0)) for item in (before, after)]
        middle = [(c[0] + c[-1]) / 2 for c in columns]
        assert middle[1] == pytest.approx(63 - middle[0] if flipped else middle[0])
        seen.add(flipped)
    assert seen == {True, False}


def test_items_depend_on_seed_epoch_and_index_alone(small: Overrides) -> None:
    on = ("--data.augmentation.flips=true", "--data.augmentation.colour=1", "--data.no_target=0.3")
    one, two = learner_of(small(*on)).training_data(), learner_of(small(*on)).training_data()
    for epoch in (0, 1):
        one.set_epoch(epoch)
        two.set_epoch(epoch)
        for i in reversed(range(len(two))):
            a, b = one[len(two) - 1 - i], two[len(two) - 1 - i]
            assert a.phrases == b.phrases and torch.equal(a.image, b.image) and torch.equal(a.masks, b.masks)


def test_phrases_of_an_image_share_it(rrsisd: Path, small: Overrides) -> None:
    """Several phrases in one item give each the losses it has alone."""
    learner = learner_of(small("--data.phrases_per_image=3", "--losses.per_sample=true", "--losses.boundary=0"))
    data = learner.training_data()
    samples = data.samples
    twin = type(data)(
        [samples[0], type(samples[0])(**{**vars(samples[1]), "image": samples[0].image})],
        data.options, learner.config, seed=1,
    )  # fmt: skip
    item = twin[0]
    assert len(twin) == 1 and len(item.phrases) == 2 and item.masks.shape == (2, 64, 64)
    together = learner.module(learner.collate([item]))
    apart = []
    for k in range(2):
        single = type(item)(item.image, item.image_beit3, [item.phrases[k]], item.masks[k : k + 1], [item.targets[k]])
        apart.append(learner.module(learner.collate([single]))["loss_total"])
    torch.testing.assert_close(together["loss_total"], (apart[0] + apart[1]) / 2)


def test_ema_by_hand() -> None:
    weight = torch.tensor([1.0])
    mean = EMA({"w": weight}, 0.5)
    weight += 1
    mean.update({"w": weight})  # first decay (1 + 0) / (10 + 0)
    assert mean.mean["w"].item() == pytest.approx(0.1 * 1 + 0.9 * 2)
    for _ in range(20):
        mean.update({"w": weight})
    assert mean.updates == 21 and mean.mean["w"].item() == pytest.approx(2, abs=1e-3)


def test_the_mean_is_what_is_kept(small: Overrides, tmp_path: Path) -> None:
    train(load_recipe("rrsisd-released", small("--ema=0.9", "--steps=2")), tmp_path / "a")
    kept = Predictor.load(tmp_path / "a" / "last").segmenter.model.state_dict()  # type: ignore[attr-defined]
    mean = numbers(tmp_path / "a" / CHECKPOINT, "ema/")
    raw = numbers(tmp_path / "a" / CHECKPOINT, "model/")
    name = "mask_decoder.mask_tokens"
    assert torch.equal(kept[name], mean[f"ema/model.{name}"])
    assert not torch.equal(kept[name], raw[f"model/model.{name}"])


def test_clipping_bounds_the_step(small: Overrides, tmp_path: Path) -> None:
    from rs2sam2.train.optimizer import MasterOptimizer

    learner = learner_of(small())
    optimizer = MasterOptimizer(learner.groups(), learner.recipe.optimizer)
    learner.module(batch_of(learner))["loss_total"].backward()
    whole = optimizer.norm(0.01)
    assert whole > 0.01
    assert optimizer.norm(None) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    "other", ["--compute.checkpointing=true", "--compute.channels_last=true", "--per_device=2", "--compute.workers=2"]
)
def test_ways_of_computing_give_the_same_numbers(other: str, small: Overrides, tmp_path: Path) -> None:
    per_sample = ("--losses.per_sample=true", "--losses.boundary_kind=soft", "--steps=3", "--data.val=null")
    for name, more in (("a", ()), ("b", (other,))):
        train(load_recipe("rrsisd-released", small(*per_sample, *more)), tmp_path / name)
    for a, b in zip(log(tmp_path / "a", "train"), log(tmp_path / "b", "train"), strict=True):
        assert a["loss_total"] == pytest.approx(b["loss_total"], rel=1e-4)
        assert a["gradient_norm"] == pytest.approx(b["gradient_norm"], rel=1e-3)


@pytest.mark.parametrize("precision", ["autocast", "bfloat16", "released"])
def test_lower_precision_learns_about_the_same(precision: str, small: Overrides, tmp_path: Path) -> None:
    for name, more in (("a", ()), ("b", (f"--compute.precision={precision}",))):
        train(load_recipe("rrsisd-released", small("--steps=3", "--data.val=null", *more)), tmp_path / name)
    a, b = (log(tmp_path / n, "train") for n in "ab")
    assert b[-1]["loss_total"] == pytest.approx(a[-1]["loss_total"], rel=0.1)
    masters = set(numbers(tmp_path / "b" / CHECKPOINT, "optimizer/master/"))
    assert bool(masters) == (precision != "autocast")
    if precision == "released":
        assert all("master/model.beit3." in n for n in masters)
    # weights are kept in float32, the copies that were stepped
    kept = open_folder(tmp_path / "b" / "last")
    assert load_model(kept.plan).beit3.class_token.dtype == torch.float32


def test_lora_starts_as_the_model_and_merges_into_it() -> None:
    torch.manual_seed(0)
    beit3 = BEiT3(TOY_BEIT3, 1)
    for p in beit3.parameters():
        torch.nn.init.normal_(p, std=0.2)
    names = set(beit3.state_dict())
    patches, ids = torch.randn(2, 16, 32), torch.tensor([[0, 5, 2], [0, 9, 2]])
    before = beit3(patches, ids, None)
    settings = LoRA(rank=2, layers="all")
    add_lora(beit3, settings)
    for a, b in zip(before, beit3(patches, ids, None), strict=True):
        torch.testing.assert_close(a, b)
    trained = [n for n, p in beit3.named_parameters() if p.requires_grad]
    assert trained and all("lora" in n for n in trained)
    for n, p in beit3.named_parameters():
        if "lora" in n:
            torch.nn.init.normal_(p)
    after = beit3(patches, ids, None)
    state = merged(beit3.state_dict(), settings)
    assert set(state) == names
    plain = BEiT3(TOY_BEIT3, 1)
    plain.load_state_dict(state)
    for a, b in zip(after, plain(patches, ids, None), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(after[0], before[0], atol=1e-2)


def test_lora_trains_and_saves_an_ordinary_model(small: Overrides, tmp_path: Path) -> None:
    result = train(load_recipe("rrsisd-released", small("--lora.rank=2", "--steps=2")), tmp_path / "a")
    assert result.state.step == 2
    names = numbers(tmp_path / "a" / CHECKPOINT, "optimizer/adamw/exp_avg/")
    assert any("lora_up" in n for n in names) and not any("fc1" in n and "beit3" in n for n in names)
    Predictor.load(tmp_path / "a" / "last")  # strictly
