"""Toy models, a toy vocabulary and where the reference numbers are looked for."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch
from PIL import Image

from rs2sam2.config import BEiT3Config, DecoderConfig, HieraConfig, RS2SAM2Config
from rs2sam2.model.rs2sam2 import RS2SAM2

ROWS = 128  # of the toy text embedding
TOY_HIERA = HieraConfig(width=16, heads=1, depths=(1, 2, 3, 1), windows=(8, 4, 6, 2), global_blocks=(4,))
TOY_BEIT3 = BEiT3Config(width=32, depth=2, heads=2, ffn=64, image_size=32, patch=8, vocabulary=ROWS, text_positions=24)
TOY = RS2SAM2Config(
    name="toy", image_size=64, trunk=TOY_HIERA, beit3=TOY_BEIT3, decoder=DecoderConfig(width=32, heads=2, mlp=64)
)

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may depend on the network


def shared() -> Path | None:
    """The folder with reference numbers and data, beside the project, where there is one."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    return folder if (folder / "reference").is_dir() else None


def randomise(model: RS2SAM2, seed: int = 0) -> RS2SAM2:
    """Weights that make every path matter (some start at zero)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 4
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * fan_in**-0.5)
    return model.eval()


@pytest.fixture(scope="session")
def toy_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentencepiece model that fits the toy embedding."""
    folder = tmp_path_factory.mktemp("vocabulary")
    text = folder / "text.txt"
    words = "the ship airplane tank on left right of large small pier in middle upper lower harbor bridge field road".split()
    text.write_text("\n".join(f"{a} {b} {c}" for a in words for b in words for c in words[:5]))
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / "toy"), vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "toy.model")).get_piece_size()
    assert ROWS > pieces
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


def inputs(config: RS2SAM2Config, images: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Random normalised views for `images` images."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(images, 3, config.image_size, config.image_size, generator=generator)
    side = config.beit3.image_size
    beit3 = None if config.beit3.patches == "trunk" else torch.randn(images, 3, side, side, generator=generator)
    return image, beit3
