"""Toy checkpoints in the published layouts, made by running our tables backwards and adding what they also hold."""

from __future__ import annotations

import torch
from torch import Tensor

from rs2sam2.checkpoint.tables import BEIT3, RELEASED, SAM2, Renamer
from rs2sam2.config import RS2SAM2Config
from rs2sam2.model.rs2sam2 import RS2SAM2
from toys import TOY_BEIT3, TOY_HIERA

VIDEO = {
    "maskmem_tpos_enc": (7, 1, 1, 4),
    "no_mem_pos_enc": (1, 1, 32),
    "no_obj_ptr": (1, 32),
    "memory_attention.layers.0.norm1.weight": (32,),
    "memory_encoder.fuser.layers.0.gamma": (32,),
    "mask_downsample.weight": (1, 1, 4, 4),
    "obj_ptr_proj.layers.0.bias": (32,),
}
VIDEO_2_1 = {"no_obj_embed_spatial": (1, 4), "obj_ptr_tpos_proj.weight": (4, 32)}
TOY_TRUNK, TOY_TEXT = TOY_HIERA, TOY_BEIT3


def released(model: RS2SAM2) -> dict[str, Tensor]:
    """As the authors' training leaves it."""
    width = model.config.decoder.width
    table = translate(model, Renamer(RELEASED))
    table |= {f"visual_model.{name}": torch.randn(shape) for name, shape in VIDEO.items()}
    masks = "0" if model.config.decoder.masks == "best_of_three" else "123"
    for i in masks:
        table[f"visual_model.sam_mask_decoder.output_hypernetworks_mlps.{i}.layers.0.bias"] = torch.randn(width)
    table["mm_extractor.beit3.vision_embed.mask_token"] = torch.randn(1, 1, model.config.beit3.width)
    if model.config.mask_prompt:
        table["visual_model.sam_prompt_encoder.no_mask_embed.weight"] = torch.randn(1, width)
        table["meo_linear.weight"] = torch.randn(width, model.config.beit3.width)
    if model.config.text_adapters:
        last = sum(TOY_TRUNK.depths) - 1
        prefix = f"visual_model.image_encoder.trunk.blocks.{last}.Space_Adapter."
        table[prefix + "text_out_linear.bias"] = torch.randn(width)
        table[prefix + "lvfusion_module.multihead_attn.in_proj_bias"] = torch.randn(3 * 32)
    return table


def sam2(config: RS2SAM2Config, *, version: str = "2.0") -> dict[str, Tensor]:
    """An official SAM2 file's "model"."""
    model = RS2SAM2(config)
    table = translate(model, Renamer(SAM2), partial=True)
    table["sam_prompt_encoder.no_mask_embed.weight"] = torch.randn(1, config.decoder.width)
    for i in "123":
        table[f"sam_mask_decoder.output_hypernetworks_mlps.{i}.layers.0.bias"] = torch.randn(config.decoder.width)
    return table | {n: torch.randn(s) for n, s in {**VIDEO, **(VIDEO_2_1 if version == "2.1" else {})}.items()}


def beit3(config: RS2SAM2Config) -> dict[str, Tensor]:
    """An official BEiT-3 file's "model"."""
    table = translate(RS2SAM2(config), Renamer(BEIT3), partial=True)
    table["beit3.vision_embed.mask_token"] = torch.randn(1, 1, config.beit3.width)
    table["mlm_head.weight"] = torch.randn(4, config.beit3.width)
    table["logit_scale"] = torch.randn(())
    return table


def translate(model: RS2SAM2, renamer: Renamer, *, partial: bool = False) -> dict[str, Tensor]:
    table = {}
    for name, tensor in model.state_dict().items():
        theirs = renamer.to_theirs(name)
        assert theirs is not None or partial, name
        if theirs is not None:
            table[theirs] = tensor.clone()
    return table
