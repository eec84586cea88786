"""Toy models, and where the reference numbers are looked for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from rs2sam2.config import BEiT3Config, DecoderConfig, HieraConfig, LiteConfig, RS2SAM2Config
from rs2sam2.model.rs2sam2 import RS2SAM2

ROWS = 128  # of the toy text embedding
TOY_HIERA = HieraConfig(width=16, heads=1, depths=(1, 2, 3, 1), windows=(8, 4, 6, 2), global_blocks=(4,))
TOY_BEIT3 = BEiT3Config(width=32, depth=2, heads=2, ffn=64, image_size=32, patch=8, vocabulary=ROWS, text_positions=24)
TOY = RS2SAM2Config(
    name="toy", image_size=64, trunk=TOY_HIERA, beit3=TOY_BEIT3, decoder=DecoderConfig(width=32, heads=8, mlp=64)
)
TOY_LITE = dataclasses.replace(
    TOY,
    name="toy-lite",
    trunk=LiteConfig(stem=8, widths=(8, 8, 8, 16, 16, 16, 24), repeats=(1,) * 7, adapter_width=8),
    beit3=dataclasses.replace(TOY.beit3, image_size=64, patch=32, patches="trunk"),
    hide_unknown=False,
)


def shared() -> Path | None:
    """The folder with reference numbers and data, beside the project, where there is one."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    return folder if (folder / "reference").is_dir() else None


def randomise(model: RS2SAM2, seed: int = 0) -> RS2SAM2:
    """Weights that make every path matter (some start at zero)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if any(word in name for word in ("embedding", "positions", "token.", "tokens", "memory")):
                parameter.copy_(noise)
            elif parameter.ndim > 1:
                parameter.copy_(1.5 * noise * parameter[0].numel() ** -0.5)
            else:
                parameter.copy_(0.1 * noise + ("norm" in name and name.endswith("weight")))
        model.prompt_encoder.gaussian.copy_(torch.randn(model.prompt_encoder.gaussian.shape, generator=generator))
    return model.eval()


def inputs(config: RS2SAM2Config, images: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Random normalised views for `images` images."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(images, 3, config.image_size, config.image_size, generator=generator)
    side = config.beit3.image_size
    beit3 = None if config.beit3.patches == "trunk" else torch.randn(images, 3, side, side, generator=generator)
    return image, beit3
