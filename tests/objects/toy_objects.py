"""A tiny object-first model and a drawn source."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import torch

from rs2sam2.config import LiteConfig
from rs2sam2.data.builder.annotated import describe
from rs2sam2.data.language.layout import Layout
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.model import ObjectFirst
from rs2sam2.tokenizer import Tokenizer
from rs2sam2.train.objects.phrases import PhraseBank, PhraseMaker
from rs2sam2.train.objects.sources import Source, piece_of
from rs2sam2.train.objects.targets import Batch, collate, item_of
from rs2sam2.train.objects.views import draw_view

VOCABULARY = Path(__file__).resolve().parents[2] / "src/rs2sam2/assets/nano/vocabulary.spm"
TOY = ObjectFirstConfig(
    name="toy",
    image_size=64,
    closer_size=64,
    ground_size=96,
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
    objects, pieces = [], []
    for n, (name, (x0, y0, x1, y1)) in enumerate(BLOCKS.items()):
        pixels[y0:y1, x0:x1] = [(250, 250, 250), (200, 30, 30), (30, 30, 200)][n]
        mask = np.zeros((100, 120), bool)
        mask[y0:y1, x0:x1] = True
        seen = describe(name, mask, pixels)
        assert seen is not None
        objects.append(seen)
        pieces.append(piece_of(mask))
    return Source(pixels, Layout(120, 100, tuple(objects)), tuple(pieces), frozenset(BLOCKS))


def toy_batch(random: Random, views: int = 2) -> Batch:
    """Views of it with phrases that are true of them."""
    maker, items = PhraseMaker(random, PhraseBank()), []
    for _ in range(views):
        view = draw_view(toy_source(), random, TOY.image_size, 0.5)
        items.append(item_of(view, maker.about(view, 8), TOY, random))
    return collate(items, toy_tokenizer())
