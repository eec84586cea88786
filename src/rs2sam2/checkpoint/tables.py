"""How other layouts name what this model has. One table per layout, read in both directions.

In a template `{}` is a number. A name without a leaf stands for its `weight` and `bias`. What a layout holds beyond
that is dropped only if a table of drops says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

Rename = tuple[str, str]  # (their name, our name)


@dataclass(frozen=True)
class Drop:
    """Entries that are not read, and why. `pattern` is matched at the start of their name."""

    pattern: str
    reason: str


_TRUNK: list[Rename] = [
    ("image_encoder.trunk.pos_embed=", "trunk.position_embedding="),
    ("image_encoder.trunk.pos_embed_window=", "trunk.window_embedding="),
    ("image_encoder.trunk.patch_embed.proj", "trunk.patch_embedding"),
    ("image_encoder.trunk.blocks.{}.norm1", "trunk.blocks.{}.norm1"),
    ("image_encoder.trunk.blocks.{}.norm2", "trunk.blocks.{}.norm2"),
    ("image_encoder.trunk.blocks.{}.attn.qkv", "trunk.blocks.{}.attention.qkv"),
    ("image_encoder.trunk.blocks.{}.attn.proj", "trunk.blocks.{}.attention.out_proj"),
    ("image_encoder.trunk.blocks.{}.mlp.layers.0", "trunk.blocks.{}.mlp.fc1"),
    ("image_encoder.trunk.blocks.{}.mlp.layers.1", "trunk.blocks.{}.mlp.fc2"),
    ("image_encoder.trunk.blocks.{}.proj", "trunk.blocks.{}.projection"),
]

_NECK_AND_DECODER: list[Rename] = [
    ("image_encoder.neck.convs.0.conv", "neck.laterals.3"),  # theirs counts from stride 32 down
    ("image_encoder.neck.convs.1.conv", "neck.laterals.2"),
    ("image_encoder.neck.convs.2.conv", "neck.laterals.1"),
    ("image_encoder.neck.convs.3.conv", "neck.laterals.0"),
    ("no_mem_embed=", "no_memory="),
    ("sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix=", "prompt_encoder.gaussian="),
    ("sam_prompt_encoder.point_embeddings.{}.weight=", "prompt_encoder.points.{}="),
    ("sam_prompt_encoder.not_a_point_embed.weight=", "prompt_encoder.not_a_point="),
    ("sam_prompt_encoder.no_mask_embed.weight=", "prompt_encoder.no_mask="),
    ("sam_prompt_encoder.mask_downscaling.{}", "prompt_encoder.mask_downscaling.{}"),
    ("sam_mask_decoder.obj_score_token.weight=", "mask_decoder.object_token="),
    ("sam_mask_decoder.iou_token.weight=", "mask_decoder.iou_token="),
    ("sam_mask_decoder.mask_tokens.weight=", "mask_decoder.mask_tokens="),
    ("sam_mask_decoder.conv_s0", "mask_decoder.skip_stride4"),
    ("sam_mask_decoder.conv_s1", "mask_decoder.skip_stride8"),
    ("sam_mask_decoder.output_upscaling.0", "mask_decoder.upscale1"),
    ("sam_mask_decoder.output_upscaling.1", "mask_decoder.upscale_norm"),
    ("sam_mask_decoder.output_upscaling.3", "mask_decoder.upscale2"),
    ("sam_mask_decoder.output_hypernetworks_mlps.{}.layers.{}", "mask_decoder.hypernetworks.{}.layers.{}"),
    ("sam_mask_decoder.iou_prediction_head.layers.{}", "mask_decoder.iou_head.layers.{}"),
    ("sam_mask_decoder.pred_obj_score_head.layers.{}", "mask_decoder.object_head.layers.{}"),
    ("sam_mask_decoder.transformer.norm_final_attn", "mask_decoder.transformer.final_norm"),
    *(
        (f"sam_mask_decoder.transformer.layers.{{}}.norm{i}", f"mask_decoder.transformer.layers.{{}}.norm{i}")
        for i in (1, 2, 3, 4)
    ),
    ("sam_mask_decoder.transformer.layers.{}.mlp.layers.{}", "mask_decoder.transformer.layers.{}.mlp.layers.{}"),
    *(
        (f"sam_mask_decoder.transformer.{theirs}.{proj}", f"mask_decoder.transformer.{ours}.{proj}")
        for theirs, ours in (
            ("layers.{}.self_attn", "layers.{}.self_attention"),
            ("layers.{}.cross_attn_token_to_image", "layers.{}.tokens_to_image"),
            ("layers.{}.cross_attn_image_to_token", "layers.{}.image_to_tokens"),
            ("final_attn_token_to_image", "final_attention"),
        )
        for proj in ("q_proj", "k_proj", "v_proj", "out_proj")
    ),
]


def _attention(theirs: str, ours: str) -> list[Rename]:
    """`torch.nn.MultiheadAttention`, whose joint input projection has names of its own."""
    return [
        (f"{theirs}.in_proj_weight=", f"{ours}.in_proj.weight="),
        (f"{theirs}.in_proj_bias=", f"{ours}.in_proj.bias="),
        (f"{theirs}.out_proj", f"{ours}.out_proj"),
    ]


_ADAPTERS: list[Rename] = [
    ("image_encoder.trunk.blocks.{}.MLP_Adapter.D_fc1", "trunk.blocks.{}.mlp_adapter.down"),
    ("image_encoder.trunk.blocks.{}.MLP_Adapter.D_fc2", "trunk.blocks.{}.mlp_adapter.up"),
    ("image_encoder.trunk.blocks.{}.Space_Adapter.D_fc1", "trunk.blocks.{}.text_adapter.down"),
    ("image_encoder.trunk.blocks.{}.Space_Adapter.D_fc2", "trunk.blocks.{}.text_adapter.up"),
    ("image_encoder.trunk.blocks.{}.Space_Adapter.text_in_linear", "trunk.blocks.{}.text_adapter.text_in"),
    ("image_encoder.trunk.blocks.{}.Space_Adapter.text_out_linear", "trunk.blocks.{}.text_adapter.text_out"),
    *_attention(
        "image_encoder.trunk.blocks.{}.Space_Adapter.vlfusion_module.multihead_attn",
        "trunk.blocks.{}.text_adapter.pixels_to_words",
    ),
    *_attention(
        "image_encoder.trunk.blocks.{}.Space_Adapter.lvfusion_module.multihead_attn",
        "trunk.blocks.{}.text_adapter.words_to_pixels",
    ),
    *_attention("sam_mask_decoder.vlfusion_module.multihead_attn", "text_gate"),
]

_WAYS = (("A", "vision"), ("B", "text"))

BEIT3: list[Rename] = [
    ("beit3.text_embed.weight=", "beit3.text_embedding.weight="),
    ("beit3.vision_embed.cls_token=", "beit3.class_token="),
    ("beit3.vision_embed.proj", "beit3.patch_embedding"),
    *((f"beit3.encoder.embed_positions.{a}.weight=", f"beit3.{b}_positions=") for a, b in _WAYS),
    *((f"beit3.encoder.layer_norm.{a}", f"beit3.norm.{b}") for a, b in _WAYS),
    *(
        (f"beit3.encoder.layers.{{}}.self_attn.{proj}.{a}", f"beit3.layers.{{}}.attention.{proj}.{b}")
        for proj in ("q_proj", "k_proj", "v_proj", "out_proj")
        for a, b in _WAYS
    ),
    *(
        (f"beit3.encoder.layers.{{}}.self_attn.inner_attn_ln.{a}", f"beit3.layers.{{}}.attention.norm.{b}")
        for a, b in _WAYS
    ),
    *(
        (f"beit3.encoder.layers.{{}}.self_attn_layer_norm.{a}", f"beit3.layers.{{}}.attention_norm.{b}")
        for a, b in _WAYS
    ),
    *((f"beit3.encoder.layers.{{}}.final_layer_norm.{a}", f"beit3.layers.{{}}.ffn_norm.{b}") for a, b in _WAYS),
    *(
        (f"beit3.encoder.layers.{{}}.ffn.{a}.{theirs}", f"beit3.layers.{{}}.ffn.{b}.{ours}")
        for theirs, ours in (("fc1", "fc1"), ("ffn_layernorm", "norm"), ("fc2", "fc2"))
        for a, b in _WAYS
    ),
]
"""Official BEiT-3 checkpoints, less their task heads."""

SAM2: list[Rename] = [*_TRUNK, *_NECK_AND_DECODER]
"""Official SAM2 and SAM2.1 checkpoints, as far as an image needs them."""

RELEASED: list[Rename] = [
    *((f"visual_model.{theirs}", ours) for theirs, ours in (*SAM2, *_ADAPTERS)),
    *((f"mm_extractor.{theirs}", ours) for theirs, ours in BEIT3),
    ("text_hidden_fcs.0.0", "sparse_projection.layers.0"),
    ("text_hidden_fcs.0.2", "sparse_projection.layers.1"),
    ("text_feat_linear", "text_projection"),
    ("text2one_linear", "text_weight"),
    *_attention("vmtoken.multihead_attn", "mask_prompt.attention"),
    ("mask_linear", "mask_prompt.linear"),
    ("mask_product", "mask_prompt.product"),
]
"""The released RS2-SAM2 and, with fewer entries, EVF-SAM2."""

_VIDEO = "SAM2's video memory; an image has none"
_SAM2_DROPS = [
    Drop(r"memory_attention\.", _VIDEO),
    Drop(r"memory_encoder\.", _VIDEO),
    Drop(r"(maskmem_tpos_enc|no_mem_pos_enc|no_obj_ptr|no_obj_embed_spatial)$", _VIDEO),
    Drop(r"(mask_downsample|obj_ptr_proj|obj_ptr_tpos_proj)\.", _VIDEO),
]
_BEIT3_DROPS = [Drop(r"beit3\.vision_embed\.mask_token$", "masked-image pre-training of BEiT-3")]
_MASK_TOKENS = {
    "single": Drop(r"sam_mask_decoder\.output_hypernetworks_mlps\.[123]\.", "mask token 0 alone becomes a mask"),
    "best_of_three": Drop(r"sam_mask_decoder\.output_hypernetworks_mlps\.0\.", "mask tokens 1-3 alone become masks"),
}
_NO_MASK = Drop(r"sam_prompt_encoder\.no_mask_embed\.", "the mask prompt generator always gives a dense prompt")
_HEADS = (
    r"(mlm_head|mim_head|lm_head|language_head|vision_head|head|pooler|fc_norm|itm_head|itc_head)\.|(logit_scale|temp)$"
)


def sam2_drops(masks: str, mask_prompt: bool) -> list[Drop]:
    """What an official SAM2 checkpoint holds and this configuration does not read."""
    return [*_SAM2_DROPS, _MASK_TOKENS[masks], *([_NO_MASK] if mask_prompt else [])]


def beit3_drops() -> list[Drop]:
    """What an official BEiT-3 checkpoint holds and this model does not read."""
    return [*_BEIT3_DROPS, Drop(_HEADS, "task head of BEiT-3")]


def released_drops(masks: str, mask_prompt: bool, last_block: int) -> list[Drop]:
    """What a checkpoint of the released system holds and this configuration does not read."""
    last = (
        rf"visual_model\.image_encoder\.trunk\.blocks\.{last_block}\.Space_Adapter\.(lvfusion_module|text_out_linear)\."
    )
    return [
        *(Drop(rf"visual_model\.{d.pattern}", d.reason) for d in sam2_drops(masks, mask_prompt)),
        *(Drop(rf"mm_extractor\.{d.pattern}", d.reason) for d in _BEIT3_DROPS),
        Drop(last, "the text that leaves the last block is used by nobody"),
        Drop(r"meo_linear\.", "never used by the released system"),
    ]


class Renamer:
    """A table, ready to translate names in both directions."""

    def __init__(self, table: Sequence[Rename]) -> None:
        pairs: list[Rename] = []
        for theirs, ours in table:
            if theirs.endswith("="):
                pairs.append((theirs[:-1], ours[:-1]))
            else:
                pairs += [(f"{theirs}.{leaf}", f"{ours}.{leaf}") for leaf in ("weight", "bias")]
        self._to_ours = [(_regex(theirs), ours) for theirs, ours in pairs]
        self._to_theirs = [(_regex(ours), theirs) for theirs, ours in pairs]

    def to_ours(self, name: str) -> str | None:
        """Our name of their entry, or None."""
        return _translate(self._to_ours, name)

    def to_theirs(self, name: str) -> str | None:
        """Their name of our entry, or None."""
        return _translate(self._to_theirs, name)


def _regex(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(template).replace(r"\{\}", r"(\d+)"))


def _translate(pairs: list[tuple[re.Pattern[str], str]], name: str) -> str | None:
    for pattern, template in pairs:
        match = pattern.fullmatch(name)
        if match:
            return template.format(*match.groups())
    return None
