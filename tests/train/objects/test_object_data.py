"""Items of the training loop: what they depend on, and what they hold."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from rs2sam2.train.objects import mosaic, sources
from rs2sam2.train.objects.data import TrainingItem, ViewItems
from rs2sam2.train.objects.learner import ObjectFirstLearner
from rs2sam2.train.recipe import Recipe

Toy = Callable[..., Recipe]


def data_of(recipe: Recipe) -> ViewItems:
    return ObjectFirstLearner(recipe, torch.device("cpu")).training_data()


def flat(item: TrainingItem) -> str:
    """Everything of an item, so that any difference shows."""
    assert item.layouts
    parts = [getattr(part, f.name) for part in (item.view, *item.layouts) for f in fields(part)]
    return repr([p.tobytes().hex() if isinstance(p, np.ndarray) else p for p in parts])


def test_items_depend_on_seed_epoch_and_index_alone(toy: Toy) -> None:
    one, two = data_of(toy()), data_of(toy())
    one.set_epoch(1)
    two.set_epoch(0)
    before = flat(two[3])
    two.set_epoch(1)
    assert [flat(one[i]) for i in (0, 5, 2)] == [flat(two[i]) for i in (0, 5, 2)]
    assert flat(one[5]) == flat(two[5])  # and not on what was asked for before
    assert flat(two[3]) != before != flat(two[4])
    assert flat(data_of(toy("--seed=1"))[3]) != before


def test_items_do_not_depend_on_the_process(toy: Toy, toy_recipe: Path) -> None:
    """Sets of names come in another order in each process of Python; nothing may follow it."""
    script = f"""
import sys, hashlib
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]!r}
from test_object_data import data_of, flat
from rs2sam2.train.recipe import load_recipe
import toy_imagery
data = data_of(load_recipe({str(toy_recipe)!r}, toy_imagery.QUICK))
print(hashlib.sha256("".join(flat(data[i]) for i in range(8)).encode()).hexdigest())
"""
    said = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


def test_phrases_longer_than_the_model_reads_are_left_out(toy: Toy) -> None:
    def asked(data: ViewItems) -> list[str]:
        return [a.phrase for i in range(8) for part in (data[i].view, *data[i].layouts) for a in part.asked]

    short = ObjectFirstLearner(toy("--model.max_tokens=8"), torch.device("cpu"))
    reads, kept = short.tokenizer.reads, asked(short.training_data())
    assert kept and all(map(reads, kept))
    assert not all(map(reads, asked(data_of(toy()))))
    short.module(short.collate([short.training_data()[i] for i in range(2)]))["loss_total"].backward()


def test_what_is_held_out_or_excluded_is_never_looked_at(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[Path] = set()
    read, paste = sources.read_pixels, mosaic._paste
    monkeypatch.setattr(sources, "read_pixels", lambda path, size: seen.add(path) or read(path, size))
    monkeypatch.setattr(mosaic, "_paste", lambda canvas, path, box: seen.add(path) or paste(canvas, path, box))
    learner = ObjectFirstLearner(toy(), torch.device("cpu"))
    asked = set(seen)
    seen.clear()
    data = learner.training_data()
    for index in range(60):
        data[index]
    assert len(asked) > 5 and len(seen) > 10 and not asked & seen
    assert not [path for path in asked | seen if path.name.startswith("bad")]


def test_batches_hold_both(toy: Toy) -> None:
    learner = ObjectFirstLearner(toy(), torch.device("cpu"))
    data = learner.training_data()
    batch = learner.collate([data[i] for i in range(4)]).to(torch.device("cpu"))
    assert batch.layouts is not None
    assert batch.views.image.shape == (4, 64, 64, 3) and batch.layouts.boxes.shape[0] == 8
    assert batch.views.meant.shape == (len(batch.views.token_ids), len(batch.views.boxes))
    without = ObjectFirstLearner(toy("--data.layouts=null"), torch.device("cpu"))
    batch = without.collate([without.training_data()[0]])
    assert batch.layouts is None and "loss_layout_choice" not in without.module(batch)
    assert "model.describe.unseen" not in [n for g in without.groups() for n in g.parameters]
