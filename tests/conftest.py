"""Fixtures that every test may use."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
from hypothesis import HealthCheck, settings
from PIL import Image

from rs2sam2.config import RS2SAM2Config
from rs2sam2.model.rs2sam2 import RS2SAM2
from toys import ROWS, TOY, TOY_BEIT3, randomise

# A loaded machine is slow, not wrong; and the suite is the same every time: look for new counterexamples on purpose,
# with `pytest --hypothesis-profile=default`.
settings.register_profile(
    "unhurried", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may depend on the network


@pytest.fixture(scope="session")
def toy_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentencepiece model that fits the toy embedding."""
    folder = tmp_path_factory.mktemp("vocabulary")
    text = folder / "text.txt"
    words = "the ship airplane tank on left right of large small pier in middle upper lower harbor bridge field road"
    listed = words.split()
    text.write_text("\n".join(f"{a} {b} {c}" for a in listed for b in listed for c in listed[:5]))
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / "toy"), vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "toy.model")).get_piece_size()
    assert pieces < ROWS
    return folder / "toy.model"


@pytest.fixture(scope="session")
def toy_config(toy_vocabulary: Path) -> RS2SAM2Config:
    """The toy model with an embedding that the toy vocabulary fits."""
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(toy_vocabulary)).get_piece_size()
    return dataclasses.replace(TOY, beit3=dataclasses.replace(TOY_BEIT3, vocabulary=pieces + 3))


@pytest.fixture
def toy_folder(tmp_path: Path, toy_config: RS2SAM2Config, toy_vocabulary: Path) -> Path:
    """A saved toy model."""
    randomise(RS2SAM2(toy_config)).save_pretrained(tmp_path / "toy", vocabulary=toy_vocabulary)
    return tmp_path / "toy"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small RGB image, not square."""
    path = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)).save(path)
    return path
