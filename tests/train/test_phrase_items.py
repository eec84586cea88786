"""What is trained on: files that are all there, and phrases without a target that are true."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import toy_set
from rs2sam2.cli import run
from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import DataError
from rs2sam2.train.recipe import load_recipe
from rs2sam2.train.rs2sam2.data import PhraseItems, categories_of, read_training
from rs2sam2.train.rs2sam2.learner import RS2SAM2Learner
from rs2sam2.train.rs2sam2.options import Data

Overrides = Callable[..., list[str]]


def test_what_is_left_out_is_in_the_image_all_the_same(tmp_path: Path, toy_config: RS2SAM2Config) -> None:
    """Of s0, a ship, and s4, a vehicle, in two pictures: nothing else of these pictures may be asked for in vain."""
    toy_set.write_set(tmp_path, layouts=False)
    options = Data(root=str(tmp_path), train="val", no_target=0.9, limit=2)
    samples, layouts, categories = read_training(options)
    assert [s.id for s in samples] == ["s0", "s4"]
    assert {path.name: found for path, found in categories.items()} == {
        "0.png": {"ship"}, "1.png": {"vehicle"}, "2.png": {"ship", "vehicle"}
    }  # fmt: skip
    both = [samples[0], next(s for s in toy_set.open_dataset(tmp_path).read("val") if s.id == "s7")]
    for known, made in ((None, True), (categories, False)):  # s7 is the vehicle of 2.png, which has a ship as well
        items = PhraseItems(both, options, toy_config, seed=1, layouts=layouts, categories=known)
        asked = set()
        for epoch in range(20):
            items.set_epoch(epoch)
            asked.update(items[1].targets)
        assert (False in asked) == made
    assert categories_of(samples) == {s.image: {s.category} for s in samples}


def test_files_that_are_not_there_are_said_before_the_first_step(
    rrsisd: Path, small: Overrides, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line: to train on (0 and 1 of every 4) and to validate on (2). What is for neither is not looked for."""
    root = Path(shutil.copytree(rrsisd, tmp_path / "data"))
    images = root / "images/rrsisd/JPEGImages"
    (images / "00003.jpg").unlink()
    RS2SAM2Learner(load_recipe("rrsisd-released", small(f"--data.root={root}")), torch.device("cpu"))
    for name in ("00008.jpg", "00010.jpg"):
        (images / name).unlink()
    capsys.readouterr()
    command = ["train", "rrsisd-released", *small(f"--data.root={root}"), "-o", str(tmp_path / "run")]
    assert run(command) == DataError.exit_code
    said = capsys.readouterr().err
    assert "2 image files" in said and "00008.jpg" in said and "00010.jpg" in said and not (tmp_path / "run").exists()
