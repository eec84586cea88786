"""A tiny object-first model and a drawn source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from rs2sam2.config import LiteConfig
from rs2sam2.data.builder.annotated import describe
from rs2sam2.data.language.layout import Layout
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.model import ObjectFirst
from rs2sam2.objects.training.sources import Source, source_from
from rs2sam2.tokenizer import Tokenizer

VOCABULARY = Path(__file__).resolve().parents[2] / "src/rs2sam2/assets/nano/vocabulary.spm"
TOY = ObjectFirstConfig(
    name="toy",
    image_size=64,
    trunk=LiteConfig(stem=8, widths=(8, 8, 8, 16, 16, 16, 24), repeats=(1, 1, 1, 1, 1, 1, 1)),
    pyramid=16,
    width=20,
    depth=2,
    heads=2,
    candidates=6,
)


def toy_model(seed: int = 0) -> ObjectFirst:
    torch.manual_seed(seed)
    return ObjectFirst(TOY).eval()


def toy_tokenizer() -> Tokenizer:
    return Tokenizer(VOCABULARY, TOY.vocabulary, TOY.max_tokens)


BLOCKS = {"ship": (10, 20, 40, 60), "storage tank": (70, 10, 110, 50), "airplane": (60, 70, 118, 92)}
"""x0, y0, x1, y1 in a picture of 120 x 100 (width x height)."""


def toy_source() -> Source:
    """Three coloured blocks on grey."""
    pixels = np.full((100, 120, 3), 90, np.uint8)
    objects, masks = [], []
    for n, (name, (x0, y0, x1, y1)) in enumerate(BLOCKS.items()):
        pixels[y0:y1, x0:x1] = [(250, 250, 250), (200, 30, 30), (30, 30, 200)][n]
        mask = np.zeros((100, 120), bool)
        mask[y0:y1, x0:x1] = True
        seen = describe(name, mask, pixels)
        assert seen is not None
        objects.append(seen)
        masks.append(mask)
    return source_from(pixels, Layout(120, 100, tuple(objects)), masks, frozenset(BLOCKS))
