"""Named configurations: the released system, its sizes, the rows of the paper's ablation table, the small one.

config = preset("large")                       # the released system
config = preset("hiera-tiny", image_size=512)  # a size of SAM2's trunk, at another resolution
ablation("baseline")                           # a row of the paper's ablation table
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rs2sam2.config import BEiT3Config, DecoderConfig, HieraConfig, LiteConfig, ProcessorConfig, RS2SAM2Config
from rs2sam2.errors import UsageError

# SAM2's four published trunks. Windows and embeddings as in its configurations.
HIERA = {
    "hiera-tiny": HieraConfig(width=96, heads=1, depths=(1, 2, 7, 2), windows=(8, 4, 14, 7), global_blocks=(5, 7, 9)),
    "hiera-small": HieraConfig(
        width=96, heads=1, depths=(1, 2, 11, 2), windows=(8, 4, 14, 7), global_blocks=(7, 10, 13)
    ),
    "hiera-base-plus": HieraConfig(
        width=112, heads=2, depths=(2, 3, 16, 3), windows=(8, 4, 14, 7), global_blocks=(12, 16, 20), position_grid=14
    ),
    "hiera-large": HieraConfig(),
}
BEIT3 = {"large": BEiT3Config(), "base": BEiT3Config(width=768, depth=12, heads=12, ffn=3072)}

EVF_PROCESSOR = ProcessorConfig(
    image_resize="bilinear",
    beit3_resize="bicubic",
    beit3_mean=(0.5, 0.5, 0.5),
    beit3_std=(0.5, 0.5, 0.5),
    decision="logit",
)

# EfficientNet-Lite0 was trained on (255 x - 127) / 128.
LITE_PROCESSOR = ProcessorConfig(image_mean=(127 / 255,) * 3, image_std=(128 / 255,) * 3)


def _presets() -> dict[str, RS2SAM2Config]:
    presets = {"large": RS2SAM2Config()}
    for size, trunk in HIERA.items():
        presets[size] = RS2SAM2Config(name=size, trunk=trunk)
    presets["beit3-base"] = RS2SAM2Config(name="beit3-base", beit3=BEIT3["base"])
    presets["evf-sam2"] = RS2SAM2Config(
        name="evf-sam2",
        decoder=DecoderConfig(masks="best_of_three"),
        processor=EVF_PROCESSOR,
        text_adapters=False,
        text_gate=False,
        mask_prompt=False,
        text_weight=False,
        hide_unknown=False,
    )
    presets["nano"] = RS2SAM2Config(
        name="nano",
        image_size=384,
        trunk=LiteConfig(),
        beit3=BEiT3Config(
            width=192,
            depth=4,
            heads=6,
            ffn=768,
            image_size=384,
            patch=32,
            vocabulary=1008,
            text_positions=66,
            patches="trunk",
        ),
        decoder=DecoderConfig(width=128, heads=8, mlp=512, mask_channels=8),
        processor=LITE_PROCESSOR,
        hide_unknown=False,
        presence=True,
        text_weight=False,
    )
    return presets


PRESETS = _presets()
"""Named configurations: `large` is the released system; `hiera-*` change the trunk, `beit3-base` the text encoder."""

ABLATIONS: dict[str, dict[str, Any]] = {
    "baseline": {"text_adapters": False, "text_gate": False, "mask_prompt": False, "text_weight": False},
    "+TBL": {"text_adapters": False, "text_gate": False, "mask_prompt": False},
    "+TBL+mask-prompt": {"text_adapters": False, "text_gate": False},
    "+TBL+fusion": {"mask_prompt": False},
    "all": {},
}
"""The rows of the paper's ablation table (TBL: text-guided boundary loss; fusion: adapters and gate)."""


def preset(name: str, **changes: Any) -> RS2SAM2Config:
    """The preset `name` with fields replaced. Raises UsageError naming the presets there are."""
    if not isinstance(name, str) or name not in PRESETS:  # a recipe may say anything
        raise UsageError(f"no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return replace(PRESETS[name], **changes)


def ablation(row: str, base: RS2SAM2Config | None = None) -> RS2SAM2Config:
    """Row of the paper's ablation table, on `base` (default: the released model)."""
    if row not in ABLATIONS:
        raise UsageError(f"no ablation row {row!r}; choose one of {', '.join(ABLATIONS)}")
    return replace(base or PRESETS["large"], **ABLATIONS[row])
