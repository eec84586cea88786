"""What a checkpoint may go on with: the same data wherever it lies, the same batch, and no need of what it started from."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_sets
import pytest
import torch
from test_resume import same

from rs2sam2.errors import DataError, UsageError, WeightsError
from rs2sam2.train import loop
from rs2sam2.train.checkpointing import load_checkpoint, save_checkpoint
from rs2sam2.train.distributed import World
from rs2sam2.train.loop import CHECKPOINT, train
from rs2sam2.train.recipe import load_recipe
from rs2sam2.train.resume import without_start
from rs2sam2.train.rs2sam2.data import PhraseItems

Overrides = Callable[..., list[str]]


def test_other_data_is_refused_and_moved_data_is_not(rrsisd: Path, small: Overrides, tmp_path: Path) -> None:
    def go_on(root: Path, steps: int) -> None:
        recipe = load_recipe("rrsisd-released", small(f"--data.root={root}", f"--steps={steps}", "--data.val=null"))
        train(recipe, tmp_path / "run", resume=True)

    go_on(rrsisd, 1)
    moved = Path(shutil.copytree(rrsisd, tmp_path / "moved"))
    go_on(moved, 2)
    other = fake_sets.rrsisd(tmp_path / "other", count=12, seed=50)
    with pytest.raises(
        UsageError, match=r"was trained on other data \(6 samples, .*; now 6 samples, .*restore the data"
    ):
        go_on(other, 3)
    path = tmp_path / "run" / CHECKPOINT
    tensors, saved = load_checkpoint(path)
    del saved["data"]  # as checkpoints were before
    save_checkpoint(path, tensors, saved, World(torch.device("cpu")))
    go_on(other, 3)
    assert load_checkpoint(path)[1]["state"]["step"] == 3


def test_another_batch_is_refused(small: Overrides, tmp_path: Path) -> None:
    """Steps are counted in it."""
    train(load_recipe("rrsisd-released", small("--epochs=1", "--data.val=null")), tmp_path)
    with pytest.raises(UsageError, match=r"is of batch 2, not 6; go on with --batch=2, or start anew"):
        train(load_recipe("rrsisd-released", small("--batch=6", "--data.val=null")), tmp_path, resume=True)


@pytest.mark.parametrize("at", ["step", "validation"])
def test_a_file_that_cannot_be_read_costs_no_step(
    at: str, small: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In step 2 of 3, or in the validation after step 3."""
    recipe = load_recipe("rrsisd-released", small("--epochs=1"))
    train(recipe, tmp_path / "whole")
    read, items = PhraseItems.__getitem__, []

    def failing(*_: Any, **__: Any) -> Any:
        raise DataError("image 3.jpg cannot be read")

    def later(self: PhraseItems, index: int) -> Any:
        items.append(index)
        return read(self, index) if len(items) <= 2 else failing()

    with monkeypatch.context() as patch:
        if at == "step":
            patch.setattr(PhraseItems, "__getitem__", later)
        else:
            patch.setattr(loop, "validate", failing)
        with pytest.raises(DataError, match=r"3.jpg"):
            train(recipe, tmp_path / "parts")
    done = 1 if at == "step" else 3
    assert f"saved at step {done}; mend the data, then go on with --resume" in capsys.readouterr().err
    assert load_checkpoint(tmp_path / "parts" / CHECKPOINT)[1]["state"]["step"] == done
    train(recipe, tmp_path / "parts", resume=True)
    same(tmp_path / "whole" / CHECKPOINT, tmp_path / "parts" / CHECKPOINT)


def test_a_mended_file_is_no_other_data(small: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe("rrsisd-released", small("--epochs=1", "--data.val=null"))
    read, seen = PhraseItems.__getitem__, []

    def watched(self: PhraseItems, index: int) -> Any:
        seen.append(self.samples[self.rows[index][0]].image)
        return read(self, index)

    with monkeypatch.context() as patch:
        patch.setattr(PhraseItems, "__getitem__", watched)
        train(recipe, tmp_path / "whole")
    last = Path(seen[-1])
    assert last not in map(Path, seen[:2])  # the first step's
    picture = last.read_bytes()
    last.write_bytes(picture[:200])
    with pytest.raises(DataError, match=last.name):
        train(recipe, tmp_path / "parts")
    assert (tmp_path / "parts" / CHECKPOINT).exists()
    last.write_bytes(picture)
    train(recipe, tmp_path / "parts", resume=True)
    same(tmp_path / "whole" / CHECKPOINT, tmp_path / "parts" / CHECKPOINT)


def test_what_a_run_started_from_may_be_gone(small: Overrides, tmp_path: Path) -> None:
    train(load_recipe("rrsisd-released", small("--steps=1", "--data.val=null")), tmp_path / "first")
    start = Path(shutil.copytree(tmp_path / "first" / "last", tmp_path / "start"))

    def recipe(steps: int) -> Any:
        loaded = load_recipe("rrsisd-released", small(f"--steps={steps}", "--data.val=null"))
        init = type(loaded.options.init)(weights=str(start))
        options = dataclasses.replace(loaded.options, init=init, model={})
        return dataclasses.replace(loaded, options=options)

    train(recipe(2), tmp_path / "whole")
    train(recipe(1), tmp_path / "parts")
    shutil.rmtree(start)
    with pytest.raises(WeightsError, match="no weights at"):
        train(recipe(2), tmp_path / "anew")
    train(recipe(2), tmp_path / "parts", resume=True)
    same(tmp_path / "whole" / CHECKPOINT, tmp_path / "parts" / CHECKPOINT)


def test_so_may_the_file_of_a_fresh_trunk(tmp_path: Path) -> None:
    recipe = load_recipe("nwpu-nano", [f"--init.lite0={tmp_path / 'gone.pth'}"])
    start = without_start(recipe, tmp_path / "last").options.init
    assert (start.weights, start.lite0, start.vocabulary) == (None, None, "nano")
    (tmp_path / "gone.pth").touch()
    assert without_start(recipe, tmp_path / "last") == recipe
