"""RS2-SAM2: the paper's figure as one forward.

image, phrase -> BEiT-3 -> (sparse prompt, mask prompt, text) -> trunk with text -> neck -> mask decoder -> logits
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import UsageError
from rs2sam2.model.adapters import MLPAdapter, TextAdapter
from rs2sam2.model.beit3 import BEiT3
from rs2sam2.model.layers import MLP, LayerNorm2d, MultiheadAttention
from rs2sam2.model.mask_decoder import DecodedMasks, MaskDecoder
from rs2sam2.model.neck import Neck
from rs2sam2.model.pretrained import Pretrained
from rs2sam2.model.prompts import BOX_LABELS, PADDING_LABEL, MaskPromptGenerator, PromptEncoder, enlarge
from rs2sam2.model.trunk import build_trunk

UNKNOWN_ID = 3  # `<unk>` in the XLM-R layout of token ids
GATE_HEADS = 8


@dataclass
class SAMPrompts:
    """SAM2's own prompts, given together with the phrase to correct a mask. Any may be None.

    Coordinates are (x, y) pixels of the model's square image.
    """

    points: Tensor | None = None  # (B, N, 2)
    point_labels: Tensor | None = None  # (B, N): 1 on the object, 0 beside it, -1 padding
    boxes: Tensor | None = None  # (B, 4): x0, y0, x1, y1
    previous_logits: Tensor | None = None  # (B, 1, h, w): `mask_logits` of the mask to correct


@dataclass
class RS2SAM2Output:
    """B phrases; h and w are a quarter of the model's image size."""

    mask_logits: Tensor  # (B, 1, h, w), before the threshold
    iou_score: Tensor  # (B,), predicted IoU of that mask, in [0, 1]
    object_score: Tensor  # (B,), a logit
    mask_prompt_logits: Tensor | None  # (B, 1, g, g), before the sigmoid; None without a mask prompt generator
    text_weight: Tensor | None  # (B,), raw weight of the boundary loss
    candidates: DecodedMasks  # all masks that were decoded; three in the "best_of_three" configuration

    @property
    def mask_prompt(self) -> Tensor | None:
        """(B, 1, g, g), the coarse map in [0, 1]."""
        return None if self.mask_prompt_logits is None else self.mask_prompt_logits.sigmoid()


@dataclass
class ImageParts:
    """What the model sees in I images before it knows a phrase."""

    features: list[Tensor]  # of the trunk, `Trunk.embed`
    patches: Tensor  # of BEiT-3, (I, P, C)


class RS2SAM2(Pretrained):
    """The model. Every parameter is used; what the configuration switches off does not exist."""

    def __init__(self, config: RS2SAM2Config) -> None:
        super().__init__()
        self.config = config
        width, text_width = config.decoder.width, config.beit3.width
        trunk = build_trunk(config.trunk, config.image_size, width if config.text_adapters else None)
        self.beit3 = BEiT3(config.beit3, trunk.channels[3])
        self.sparse_projection = MLP(text_width, text_width, width)
        self.text_projection = nn.Linear(text_width, width) if config.uses_text_features else None
        self.text_weight = nn.Linear(width, 1) if config.text_weight else None
        self.mask_prompt = MaskPromptGenerator(text_width) if config.mask_prompt else None
        self.trunk = trunk
        self.neck = Neck(trunk.channels, width)
        self.no_memory = nn.Parameter(torch.zeros(1, 1, width))
        self.text_gate = MultiheadAttention(width, GATE_HEADS, few="keys") if config.text_gate else None
        self.prompt_encoder = PromptEncoder(width, config.decoder.mask_channels, no_mask=not config.mask_prompt)
        self.mask_decoder = MaskDecoder(config.decoder)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start of a training run, beyond torch's defaults for linear and convolutional layers.

        Tokens and position tables are small noise. What is new beside SAM2 starts without an effect: adapters add 0
        and the text gate multiplies by 1, so that pretrained features pass unchanged.
        """
        for module in self.modules():
            for parameter in module.parameters(recurse=False):
                if not isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.LayerNorm | LayerNorm2d):
                    nn.init.trunc_normal_(parameter, std=0.02)
            if isinstance(module, TextAdapter | MLPAdapter):
                nn.init.zeros_(module.up.weight)
                nn.init.zeros_(module.up.bias)
        if self.text_gate is not None:
            nn.init.ones_(self.text_gate.out_proj.bias)

    @property
    def trunk_module(self) -> nn.Module:
        """The trunk, as the module that it is."""
        assert isinstance(self.trunk, nn.Module)
        return self.trunk

    @property
    def dtype(self) -> torch.dtype:
        """Of all but the trunk."""
        return self.no_memory.dtype

    @property
    def trunk_dtype(self) -> torch.dtype:
        """That of the rest, or bfloat16 where the rest is more exact than the trunk need be (mixed)."""
        return next(self.trunk_module.parameters()).dtype

    def forward(
        self,
        image: Tensor,
        image_beit3: Tensor | None,
        token_ids: Tensor,
        text_padding: Tensor | None = None,
        *,
        image_index: Tensor | None = None,
        prompts: SAMPrompts | None = None,
    ) -> RS2SAM2Output:
        """One mask per phrase.

        image (I, 3, S, S) and image_beit3 (I, 3, s, s) are normalised, in any float dtype; image_beit3 is None where BEiT-3 takes its
        patches from the trunk. token_ids (B, L) int64, text_padding (B, L) bool with True = ignore.
        image_index (B,) int64 says which image each phrase is about; without it phrase b is about image b.
        """
        return self.answer(self.look(image, image_beit3), token_ids, text_padding, image_index, prompts)

    def look(self, image: Tensor, image_beit3: Tensor | None) -> ImageParts:
        """What does not depend on the phrase, once per image."""
        self._check_images(image, image_beit3)
        features = self.trunk.embed(image.to(self.trunk_dtype))
        patches = self.beit3.embed((features[3] if image_beit3 is None else image_beit3).to(self.dtype))
        return ImageParts(features, patches)

    def answer(
        self,
        parts: ImageParts,
        token_ids: Tensor,
        text_padding: Tensor | None = None,
        image_index: Tensor | None = None,
        prompts: SAMPrompts | None = None,
    ) -> RS2SAM2Output:
        """The rest of `forward`, which sees the phrases."""
        features, patches = parts.features, parts.patches
        self._check_phrases(token_ids, len(patches), image_index)
        if text_padding is not None and _may_look(text_padding) and not text_padding.any():
            text_padding = None  # nothing to hide: attention is faster without a mask

        # BEiT-3: phrase and image together.
        class_token, patches, words = self.beit3(
            _rows(patches, image_index), token_ids, self._hidden_words(token_ids, text_padding)
        )
        sparse_prompt = self.sparse_projection(class_token)[:, None]
        text = None if self.text_projection is None else self.text_projection(words)
        text_weight = None if self.text_weight is None or text is None else self.text_weight(text[:, 0])[:, 0]
        mask_prompt = None if self.mask_prompt is None else self.mask_prompt(class_token, patches)

        # Trunk and neck: per phrase from where the text conditions them on, per image before.
        shared = self.trunk.text_free_maps
        features = [f if i < shared else _rows(f, image_index) for i, f in enumerate(features)]
        maps, _ = self.trunk(features, None if text is None else text.to(self.trunk_dtype), text_padding)
        stride4, stride8, stride16 = self.neck(maps)
        skip4, skip8 = self.mask_decoder.skip_stride4(stride4), self.mask_decoder.skip_stride8(stride8)
        skip4 = _rows(skip4, image_index) if shared >= 1 else skip4
        skip8 = _rows(skip8, image_index) if shared >= 2 else skip8
        stride16 = _rows(stride16, image_index) if shared == 4 else stride16

        # Gate by the text, prompt, decode.
        x = stride16 + self.no_memory[..., None].transpose(1, 2)
        position = self.prompt_encoder.dense_position_code(*x.shape[2:])
        if self.text_gate is not None:
            pixels = (x + position).flatten(2).transpose(1, 2)
            x = x * self.text_gate(pixels, text, text_padding).transpose(1, 2).view_as(x)
        sparse_prompt, dense_prompt = self._prompt(sparse_prompt, mask_prompt, prompts, tuple(x.shape[2:]))
        decoded = self.mask_decoder(x + dense_prompt, position, skip4, skip8, sparse_prompt)
        best = decoded.iou.argmax(dim=1)
        row = torch.arange(len(best), device=best.device)
        return RS2SAM2Output(
            mask_logits=decoded.logits[row, best][:, None],
            iou_score=decoded.iou[row, best],
            object_score=decoded.object_score,
            mask_prompt_logits=mask_prompt,
            text_weight=text_weight,
            candidates=decoded,
        )

    def _hidden_words(self, token_ids: Tensor, text_padding: Tensor | None) -> Tensor | None:
        """What BEiT-3 must not see: padding and, in the released system, unknown words."""
        if not self.config.hide_unknown:
            return text_padding
        unknown = token_ids == UNKNOWN_ID
        if text_padding is not None:
            return unknown | text_padding
        return unknown if not _may_look(unknown) or unknown.any() else None

    def _prompt(
        self, sparse: Tensor, mask_prompt: Tensor | None, prompts: SAMPrompts | None, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Phrase and user prompts together: sparse (B, N, C) and dense (B, C, h, w)."""
        prompts = prompts or SAMPrompts()
        points, labels = _corner_points(prompts)
        if points is not None and labels is not None:
            sparse = torch.cat(
                [self.prompt_encoder.sparse(points, labels, self.config.image_size).to(sparse), sparse], dim=1
            )
        full = (4 * size[0], 4 * size[1])
        if prompts.previous_logits is not None:
            previous = prompts.previous_logits.to(sparse)
            if self.mask_prompt is not None:  # trained on maps in [0, 1], so it gets the foreground probability
                decision = self.config.processor
                previous = (decision.steepness * (previous - decision.threshold)).sigmoid()
            return sparse, self.prompt_encoder.dense(enlarge(previous, full))
        if mask_prompt is not None:
            return sparse, self.prompt_encoder.dense(enlarge(mask_prompt.sigmoid(), full))
        return sparse, self.prompt_encoder.dense_without_mask(*size)

    def _check_images(self, image: Tensor, image_beit3: Tensor | None) -> None:
        size, beit3 = self.config.image_size, self.config.beit3
        if image.ndim != 4 or tuple(image.shape[1:]) != (3, size, size):
            raise UsageError(f"image has shape {tuple(image.shape)}; this model takes (I, 3, {size}, {size})")
        if (image_beit3 is None) != (beit3.patches == "trunk"):
            raise UsageError(
                "image_beit3 is missing"
                if image_beit3 is None
                else "image_beit3 must be None: BEiT-3 sees the trunk's map"
            )
        if image_beit3 is not None and tuple(image_beit3.shape) != (len(image), 3, beit3.image_size, beit3.image_size):
            raise UsageError(
                f"image_beit3 has shape {tuple(image_beit3.shape)}; wanted ({len(image)}, 3, {beit3.image_size}, {beit3.image_size})"
            )

    def _check_phrases(self, token_ids: Tensor, images: int, index: Tensor | None) -> None:
        beit3 = self.config.beit3
        if token_ids.ndim != 2 or not 2 <= token_ids.shape[1] <= beit3.max_tokens:
            raise UsageError(
                f"token_ids has shape {tuple(token_ids.shape)}; wanted (B, L) with L from 2 to {beit3.max_tokens}"
            )
        if index is None and len(token_ids) != images:
            raise UsageError(f"{len(token_ids)} phrases for {images} images: say by image_index which is about which")


def _may_look(x: Tensor) -> bool:
    """Whether values may decide what is computed: not where it is written down for other values."""
    return not torch.compiler.is_exporting() and not (x.is_cuda and torch.cuda.is_current_stream_capturing())


def _rows(x: Tensor, index: Tensor | None) -> Tensor:
    """Rows of x for each phrase; a view where there is one image only."""
    if index is None:
        return x
    return x.expand(len(index), *x.shape[1:]) if len(x) == 1 else x[index]


def _corner_points(prompts: SAMPrompts) -> tuple[Tensor | None, Tensor | None]:
    """Boxes become two labelled corners before the points; one padding point ends the list, as SAM2 does it."""
    points, labels = prompts.points, prompts.point_labels
    if (points is None) != (labels is None):
        raise UsageError("points and point_labels go together; give both or neither")
    if prompts.boxes is not None:
        corners = prompts.boxes.unflatten(1, (2, 2))
        corner_labels = torch.tensor([BOX_LABELS], device=corners.device).expand(len(corners), -1)
        points = corners if points is None else torch.cat([corners, points.to(corners)], dim=1)
        labels = corner_labels if labels is None else torch.cat([corner_labels, labels.to(corner_labels)], dim=1)
    if points is None or labels is None:
        return None, None
    nothing = points.new_zeros(len(points), 1, 2)
    return torch.cat([points, nothing], dim=1), torch.cat(
        [labels, labels.new_full((len(labels), 1), PADDING_LABEL)], dim=1
    )
