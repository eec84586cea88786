"""What is rounded to compute with is kept as it came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from toy_runs import numbers

from rs2sam2.checkpoint.folder import load_model, open_folder
from rs2sam2.train.checkpointing import load_checkpoint, save_checkpoint
from rs2sam2.train.distributed import World
from rs2sam2.train.loop import CHECKPOINT, train
from rs2sam2.train.recipe import load_recipe
from rs2sam2.train.rs2sam2.learner import RS2SAM2Learner

Overrides = Callable[..., list[str]]
CPU = torch.device("cpu")
STILL = ("--optimizer.lr.rest=0", "--optimizer.lr.fusion=0", "--data.val=null")  # nothing moves


def kept(run: Path) -> dict[str, torch.Tensor]:
    return load_model(open_folder(run / "last").plan).state_dict()


@pytest.mark.parametrize(
    "lower",
    [
        "--compute.precision=bfloat16",
        "--compute.precision=released",
        "--compute.precision=released --freeze=[text]",
        "--compute.precision=released --lora.rank=2",
    ],
)
def test_weights_that_do_not_move_are_kept_to_the_bit(lower: str, small: Overrides, tmp_path: Path) -> None:
    """Frozen ones, and those whose copies are stepped; also after going on."""
    given = RS2SAM2Learner(load_recipe("rrsisd-released", small()), CPU)._model.state_dict()
    for steps in (1, 2):
        overrides = small(*STILL, *lower.split(), f"--steps={steps}")
        train(load_recipe("rrsisd-released", overrides), tmp_path, resume=True)
        weights = kept(tmp_path)
        assert set(weights) == set(given)
        for name, tensor in weights.items():
            assert torch.equal(tensor, given[name]), name


def test_what_is_frozen_later_is_kept_as_it_was_stepped(small: Overrides, tmp_path: Path) -> None:
    low = "--compute.precision=bfloat16"
    train(load_recipe("rrsisd-released", small(low, "--steps=1", "--data.val=null")), tmp_path)
    stepped = numbers(tmp_path / CHECKPOINT, "optimizer/master/")
    more = small(low, "--steps=2", "--data.val=null", "--freeze=[stem,trunk,neck,text]")
    train(load_recipe("rrsisd-released", more), tmp_path, resume=True)
    name = "beit3.layers.0.ffn.text.fc1.weight"
    assert torch.equal(kept(tmp_path)[name], stepped[f"optimizer/master/model.{name}"])


def test_a_checkpoint_of_before_goes_on_with_its_rounded_weights(small: Overrides, tmp_path: Path) -> None:
    """It holds what is frozen in bfloat16."""
    low = (*STILL, "--compute.precision=bfloat16")
    train(load_recipe("rrsisd-released", small(*low, "--steps=1")), tmp_path)
    tensors, saved = load_checkpoint(tmp_path / CHECKPOINT)
    old = {n: t.bfloat16() if n.startswith("model/") and t.is_floating_point() else t for n, t in tensors.items()}
    exact = kept(tmp_path)
    del saved["data"]
    save_checkpoint(tmp_path / CHECKPOINT, old, saved, World(CPU))
    train(load_recipe("rrsisd-released", small(*low, "--steps=2")), tmp_path, resume=True)
    name = "trunk.blocks.0.attention.qkv.weight"
    assert torch.equal(kept(tmp_path)[name], exact[name].bfloat16().float()) and not torch.equal(
        kept(tmp_path)[name], exact[name]
    )
