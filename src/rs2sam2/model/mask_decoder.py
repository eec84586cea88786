"""SAM2's mask decoder: tokens and image features look at each other twice, then tokens become masks.

Dynamic multi-mask selection is off, as in the released systems.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.config import DecoderConfig
from rs2sam2.model.layers import MLP, LayerNorm2d, attend

MASK_TOKENS = 4
NORM_EPS = 1e-5


@dataclass
class DecodedMasks:
    """K = 1 mask per phrase, or the 3 candidates of which the caller takes the best."""

    logits: Tensor  # (B, K, 4h, 4w)
    iou: Tensor  # (B, K), predicted, in [0, 1]
    object_score: Tensor  # (B,), a logit


class MaskDecoder(nn.Module):
    """Tokens [object score, IoU, 4 masks, prompts] and the stride-16 map in, masks at stride 4 out."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width = config.width
        self.object_token = nn.Parameter(torch.zeros(1, width))
        self.iou_token = nn.Parameter(torch.zeros(1, width))
        self.mask_tokens = nn.Parameter(torch.zeros(MASK_TOKENS, width))
        self.transformer = TwoWayTransformer(width, config.heads, config.mlp)
        self.skip_stride4 = nn.Conv2d(width, width // 8, 1)
        self.skip_stride8 = nn.Conv2d(width, width // 4, 1)
        self.upscale1 = nn.ConvTranspose2d(width, width // 4, 2, stride=2)
        self.upscale_norm = LayerNorm2d(width // 4)
        self.upscale2 = nn.ConvTranspose2d(width // 4, width // 8, 2, stride=2)
        self.used_masks = (0,) if config.masks == "single" else (1, 2, 3)
        self.hypernetworks = nn.ModuleDict({str(i): MLP(width, width, width, width // 8) for i in self.used_masks})
        self.iou_head = MLP(width, width, width, MASK_TOKENS)
        self.object_head = MLP(width, width, width, 1)

    def forward(
        self, image: Tensor, position: Tensor, skip4: Tensor, skip8: Tensor, sparse_prompt: Tensor
    ) -> DecodedMasks:
        """Image (B, C, h, w) with the dense prompt added, its position code (1, C, h, w), prompts (B, N, C).

        skip4 and skip8 are `skip_stride4` and `skip_stride8` of the neck's maps, (B, C/8, 4h, 4w) and (B, C/4, 2h, 2w).
        """
        batch, _, height, width = image.shape
        tokens = torch.cat([self.object_token, self.iou_token, self.mask_tokens])
        tokens = torch.cat([tokens.expand(batch, -1, -1), sparse_prompt], dim=1)
        tokens, pixels = self.transformer(tokens, image.flatten(2).transpose(1, 2), position.flatten(2).transpose(1, 2))
        object_token, iou_token, mask_tokens = tokens[:, 0], tokens[:, 1], tokens[:, 2 : 2 + MASK_TOKENS]

        x = pixels.transpose(1, 2).unflatten(2, (height, width))
        x = F.gelu(self.upscale_norm(self.upscale1(x) + skip8))
        x = F.gelu(self.upscale2(x) + skip4)
        weights = torch.stack([self.hypernetworks[str(i)](mask_tokens[:, i]) for i in self.used_masks], dim=1)
        logits = (weights @ x.flatten(2)).unflatten(2, x.shape[2:])
        return DecodedMasks(
            logits=logits,
            iou=self.iou_head(iou_token).sigmoid()[:, self.used_masks[0] : self.used_masks[-1] + 1],
            object_score=self.object_head(object_token)[:, 0],
        )


class TwoWayTransformer(nn.Module):
    """Two two-way layers, then the tokens look at the image once more."""

    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayLayer(width, heads, mlp, first=i == 0) for i in range(2))
        self.final_attention = DownscaledAttention(width, width // 2, heads)
        self.final_norm = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, tokens: Tensor, pixels: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, C), pixels (B, h * w, C), position (1, h * w, C) -> tokens, pixels."""
        token_code = tokens  # the tokens as they came are their own position code
        for layer in self.layers:
            tokens, pixels = layer(tokens, pixels, token_code, position)
        tokens = tokens + self.final_attention(tokens + token_code, pixels + position, pixels)
        return self.final_norm(tokens), pixels


class TwoWayLayer(nn.Module):
    """Tokens to tokens, tokens to image, MLP, image to tokens. In the first layer no residual or position at first."""

    def __init__(self, width: int, heads: int, mlp: int, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attention = DownscaledAttention(width, width, heads)
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPS)
        self.tokens_to_image = DownscaledAttention(width, width // 2, heads)
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPS)
        self.mlp = MLP(width, mlp, width)
        self.norm3 = nn.LayerNorm(width, eps=NORM_EPS)
        self.image_to_tokens = DownscaledAttention(width, width // 2, heads)
        self.norm4 = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, tokens: Tensor, pixels: Tensor, token_code: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and token_code (B, T, C), pixels (B, P, C), position (1, P, C) -> tokens, pixels."""
        if self.first:
            tokens = self.self_attention(tokens, tokens, tokens)
        else:
            coded = tokens + token_code
            tokens = tokens + self.self_attention(coded, coded, tokens)
        tokens = self.norm1(tokens)
        tokens = self.norm2(tokens + self.tokens_to_image(tokens + token_code, pixels + position, pixels))
        tokens = self.norm3(tokens + self.mlp(tokens))
        pixels = self.norm4(pixels + self.image_to_tokens(pixels + position, tokens + token_code, tokens))
        return tokens, pixels


class DownscaledAttention(nn.Module):
    """Attention with separate projections to an inner width."""

    def __init__(self, width: int, inner: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, inner)
        self.k_proj = nn.Linear(width, inner)
        self.v_proj = nn.Linear(width, inner)
        self.out_proj = nn.Linear(inner, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(B, N, C), (B, M, C), (B, M, C) -> (B, N, C)."""
        return self.out_proj(attend(self.q_proj(query), self.k_proj(key), self.v_proj(value), self.heads))  # type: ignore[no-any-return]
