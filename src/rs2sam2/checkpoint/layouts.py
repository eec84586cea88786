"""Recognise a checkpoint by what is in it, and say which of its tensors is which of ours.

A `Plan` maps every parameter of a configuration to a tensor of a source, lists what was dropped and why, and what
starts fresh. It is complete or it is an error: nothing is skipped in silence.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.checkpoint import tables
from rs2sam2.checkpoint.source import Source
from rs2sam2.checkpoint.tables import Drop, Renamer
from rs2sam2.config import BEiT3Config, DecoderConfig, HieraConfig, RS2SAM2Config
from rs2sam2.errors import UsageError, WeightsError
from rs2sam2.model.beit3 import FIRST_POSITION
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.presets import BEIT3, EVF_PROCESSOR, HIERA

TRUNK_ANCHOR = "image_encoder.trunk.patch_embed.proj.weight"
BEIT3_ANCHOR = "beit3.text_embed.weight"
CONFIG_KEY = "rs2sam2_config"
"""In the metadata of what we export in the released layout: our configuration, much of which tensors do not tell."""
FRESH_FROM_SAM2_AND_BEIT3 = (
    r"(sparse_projection|text_projection|text_weight|mask_prompt|text_gate)\.|.*\.(text|mlp)_adapter\."
)
"""What neither SAM2 nor BEiT-3 has: it starts untrained."""


@dataclass
class Plan:
    """Where each parameter of `config` comes from."""

    config: RS2SAM2Config
    layout: str
    origin: str
    tensors: dict[str, Callable[[], Tensor]]
    dropped: dict[str, str] = field(default_factory=dict)  # their name -> reason
    fresh: list[str] = field(default_factory=list)  # our names without a source
    release: Callable[[], None] = lambda: None  # let go of the files' pages that were read so far

    def model_on_meta(self) -> RS2SAM2:
        """The model without storage; its names and shapes are what must be filled. Raises WeightsError."""
        try:
            with torch.device("meta"):
                return RS2SAM2(self.config)
        except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:  # sizes beyond what torch can count
            said = str(error).partition("\n")[0][:120]
            raise WeightsError(f"{self.origin}: configuration {self.config.name!r} cannot be built ({said})") from None


def released_plan(source: Source) -> Plan:
    """Plan for a checkpoint of the released RS2-SAM2, or of EVF-SAM2, whatever prefix training put before the names.

    Its configuration is read off the tensors, or from the metadata of what we exported. Raises WeightsError.
    """
    source = source.strip(_prefix(source, f"visual_model.{TRUNK_ANCHOR}"))
    config = _exported_config(source) if CONFIG_KEY in source.metadata else _released_config(source)
    masks = config.decoder.masks
    layout = "EVF-SAM2" if masks == "best_of_three" else "RS2-SAM2 as released"
    plan = Plan(config, layout, source.description, {}, release=source.release)
    last_block = sum(config.trunk.depths) - 1 if isinstance(config.trunk, HieraConfig) else 0
    _fill(plan, source, Renamer(tables.RELEASED), tables.released_drops(masks, config.mask_prompt, last_block))
    return _complete(plan)


def _exported_config(source: Source) -> RS2SAM2Config:
    """What `export_released` wrote. It may come from anywhere: `_complete` checks that the tensors are of these shapes."""
    try:
        return RS2SAM2Config.from_json(source.metadata[CONFIG_KEY])
    except UsageError as error:
        raise WeightsError(
            f"{source.description}: the configuration in its metadata cannot be used ({error})"
        ) from None


def _released_config(source: Source) -> RS2SAM2Config:
    """What the tensors tell, and the published choices where they tell nothing (resolution, heads)."""
    text_adapters = any(".Space_Adapter." in name for name in source)
    mask_prompt = "mask_product.weight" in source
    text_weight = "text2one_linear.weight" in source
    text_gate = any(name.startswith("visual_model.sam_mask_decoder.vlfusion_module.") for name in source)
    evf = not (text_adapters or mask_prompt or text_gate or text_weight)
    trunk = _hiera_config(source, "visual_model.image_encoder.trunk.")
    masks: Literal["single", "best_of_three"] = "best_of_three" if evf else "single"
    config = RS2SAM2Config(
        name="evf-sam2" if evf else "large",
        trunk=trunk,
        beit3=_beit3_config(source, "mm_extractor."),
        decoder=_decoder_config(source, "visual_model.", masks),
        text_adapters=text_adapters,
        text_gate=text_gate,
        mask_prompt=mask_prompt,
        text_weight=text_weight,
        hide_unknown=not evf,
        **({"processor": EVF_PROCESSOR} if evf else {}),  # type: ignore[arg-type]
    )
    return dataclasses.replace(config, name=_name(config))


def start_plan(sam2: Source, beit3: Source, image_size: int, beit3_size: int) -> Plan:
    """Plan for the start of a training run: official SAM2 and BEiT-3 weights, the rest fresh."""
    sam2, beit3 = sam2.strip(_prefix(sam2, TRUNK_ANCHOR)), beit3.strip(_prefix(beit3, BEIT3_ANCHOR))
    trunk = _hiera_config(sam2, "image_encoder.trunk.")
    text = dataclasses.replace(_beit3_config(beit3, ""), image_size=beit3_size)
    decoder = _decoder_config(sam2, "", "single")
    config = RS2SAM2Config(trunk=trunk, beit3=text, decoder=decoder, image_size=image_size)
    config = dataclasses.replace(config, name=_name(config))
    origin = f"{sam2.description} + {beit3.description}"
    plan = Plan(config, "SAM2 + BEiT-3, a start for training", origin, {})
    _fill(plan, sam2, Renamer(tables.SAM2), tables.sam2_drops(config.decoder.masks, config.mask_prompt))
    _fill(plan, beit3, Renamer(tables.BEIT3), tables.beit3_drops())
    positions = plan.tensors["beit3.vision_positions"]
    plan.tensors["beit3.vision_positions"] = lambda: resize_positions(positions(), text.grid)
    return _complete(plan, may_be_fresh=FRESH_FROM_SAM2_AND_BEIT3)


def native_plan(source: Source, config: RS2SAM2Config) -> Plan:
    """Plan for weights in our own layout."""
    tensors = {name: _reader(source, name) for name in source}
    return _complete(Plan(config, "rs2sam2", source.description, tensors, release=source.release))


def is_released(source: Source) -> bool:
    """RS2-SAM2 or EVF-SAM2, under any prefix."""
    return any(name.endswith(f"visual_model.{TRUNK_ANCHOR}") for name in source)


def is_sam2(source: Source) -> bool:
    """An official SAM2 checkpoint."""
    return not is_released(source) and any(name.endswith(TRUNK_ANCHOR) for name in source)


def is_beit3(source: Source) -> bool:
    """An official BEiT-3 checkpoint."""
    return not is_released(source) and any(name.endswith(BEIT3_ANCHOR) for name in source)


def resize_positions(table: Tensor, grid: int) -> Tensor:
    """BEiT-3's vision positions (2 + 1 + n * n, C) for another grid, bicubic; rows before the patches are kept."""
    kept, patches = table[: FIRST_POSITION + 1], table[FIRST_POSITION + 1 :]
    side = math.isqrt(len(patches))
    if side == grid:
        return table
    square = patches.float().T.unflatten(1, (side, side))[None]
    square = F.interpolate(square, (grid, grid), mode="bicubic", align_corners=False)
    return torch.cat([kept, square[0].flatten(1).T.to(table.dtype)])


def _prefix(source: Source, anchor: str) -> str:
    """What stands before all names; training wrappers add it."""
    found = [name.removesuffix(anchor) for name in source if name.endswith(anchor)]
    return found[0] if found else ""


def _fill(plan: Plan, source: Source, renamer: Renamer, drops: Sequence[Drop]) -> None:
    unknown = []
    for name in source:
        drop = next((d for d in drops if re.match(d.pattern, name)), None)
        ours = renamer.to_ours(name)
        if drop is not None:
            plan.dropped[name] = drop.reason
        elif ours is not None:
            plan.tensors[ours] = _reader(source, name)
        else:
            unknown.append(name)
    if unknown:
        raise WeightsError(
            f"{source.description}: {len(unknown)} unknown entries, for example {_some(unknown)}; not the expected layout"
        )


def _complete(plan: Plan, may_be_fresh: str | None = None) -> Plan:
    """Check that names are exactly those of the model, and shapes too."""
    wanted = {name: tuple(value.shape) for name, value in plan.model_on_meta().state_dict().items()}
    surplus = sorted(set(plan.tensors) - set(wanted))
    missing = [name for name in wanted if name not in plan.tensors]
    if may_be_fresh is not None:
        plan.fresh = [name for name in missing if re.match(may_be_fresh, name)]
        missing = [name for name in missing if name not in plan.fresh]
    if surplus or missing:
        parts = [f"lacks {len(missing)} entries ({_some(missing)})"] * bool(missing)
        parts += [
            f"has {len(surplus)} that configuration {plan.config.name!r} does not know ({_some(surplus)})"
        ] * bool(surplus)
        raise WeightsError(f"{plan.origin}: {' and '.join(parts)}")
    for name, reader in plan.tensors.items():
        shape = tuple(reader().shape)
        if shape != wanted[name]:
            raise WeightsError(
                f"{plan.origin}: {name} has shape {shape}, configuration {plan.config.name!r} wants {wanted[name]}"
            )
    return plan


def _hiera_config(source: Source, prefix: str) -> HieraConfig:
    """The published trunk with these widths and depths; its windows cannot be read off the weights."""
    width = source[f"{prefix}patch_embed.proj.weight"].shape[0]
    blocks = {int(m[1]) for n in source if (m := re.fullmatch(re.escape(prefix) + r"blocks\.(\d+)\.norm1\.weight", n))}
    changes = sorted(
        int(m[1]) for n in source if (m := re.fullmatch(re.escape(prefix) + r"blocks\.(\d+)\.proj\.weight", n))
    )
    edges = [0, *changes, len(blocks)]
    depths = tuple(b - a for a, b in itertools.pairwise(edges))
    for config in HIERA.values():
        if (config.width, config.depths) == (width, depths):
            return config
    raise WeightsError(f"{source.description}: no published Hiera has width {width} and depths {depths}")


def _decoder_config(source: Source, prefix: str, masks: Literal["single", "best_of_three"]) -> DecoderConfig:
    try:
        return DecoderConfig(
            width=source[f"{prefix}no_mem_embed"].shape[-1],
            mlp=source[f"{prefix}sam_mask_decoder.transformer.layers.0.mlp.layers.0.weight"].shape[0],
            mask_channels=source[f"{prefix}sam_prompt_encoder.mask_downscaling.0.weight"].shape[0],
            masks=masks,
        )
    except KeyError as error:
        raise WeightsError(f"{source.description}: {error.args[0]} is missing; not a complete SAM2") from None


def _beit3_config(source: Source, prefix: str) -> BEiT3Config:
    try:
        vocabulary, width = source[f"{prefix}{BEIT3_ANCHOR}"].shape
        rows = source[f"{prefix}beit3.encoder.embed_positions.A.weight"].shape[0]
        text_positions = source[f"{prefix}beit3.encoder.embed_positions.B.weight"].shape[0]
        patch = source[f"{prefix}beit3.vision_embed.proj.weight"].shape[-1]
    except KeyError as error:
        raise WeightsError(f"{source.description}: {error.args[0]} is missing; not a complete BEiT-3") from None
    depth = 1 + max(
        int(m[1]) for n in source if (m := re.match(re.escape(prefix) + r"beit3\.encoder\.layers\.(\d+)\.", n))
    )
    known = next((c for c in BEIT3.values() if (c.width, c.depth) == (width, depth)), None)
    if known is None:
        raise WeightsError(f"{source.description}: no published BEiT-3 has width {width} and depth {depth}")
    grid = math.isqrt(rows - FIRST_POSITION - 1)
    return dataclasses.replace(
        known, vocabulary=vocabulary, text_positions=text_positions, patch=patch, image_size=grid * patch
    )


def _name(config: RS2SAM2Config) -> str:
    """`large` for the released sizes, otherwise what differs."""
    if config.decoder.masks == "best_of_three":
        return "evf-sam2"
    trunk = next(name for name, c in HIERA.items() if c == config.trunk)
    base = config.beit3.width == BEIT3["base"].width
    return ("large" if trunk == "hiera-large" else trunk) + ("-beit3-base" if base else "")


def _reader(source: Source, name: str) -> Callable[[], Tensor]:
    return lambda: source[name]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
