"""What the mask decoder is prompted with: from the phrase (BEiT-3's outputs) and from the user (SAM2's own prompts)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.model.layers import LayerNorm2d, MultiheadAttention

MASK_PROMPT_HEADS = 8
PADDING_LABEL = -1  # point labels: 1 on the object, 0 beside it, -1 not a point
BOX_LABELS = (2, 3)  # upper left and lower right corner


class MaskPromptGenerator(nn.Module):
    """Where the phrase's referent is, as a coarse map, from BEiT-3's class token and patches.

    g = CLS * attention(q=CLS, k=v=patches);  map = sigmoid(product(patches * linear(g)))
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = MultiheadAttention(width, MASK_PROMPT_HEADS, few="queries")
        self.linear = nn.Linear(width, width)
        self.product = nn.Linear(width, 1)

    def forward(self, class_token: Tensor, patches: Tensor) -> Tensor:
        """class_token (B, C), patches (B, g * g, C) -> logits of the map (B, 1, g, g), before the sigmoid."""
        cls = class_token[:, None]
        g = cls * self.attention(cls, patches)
        logits = self.product(patches * self.linear(g))
        grid = math.isqrt(patches.shape[1])
        return logits.transpose(1, 2).unflatten(2, (grid, grid))  # type: ignore[no-any-return]


class PromptEncoder(nn.Module):
    """SAM2's prompt encoder: points, boxes and a mask to the decoder's width; dense position codes.

    `no_mask`: whether the model ever decodes without a dense prompt (with a mask prompt generator it never does).
    """

    def __init__(self, width: int, mask_channels: int, *, no_mask: bool) -> None:
        super().__init__()
        hidden = mask_channels
        self.register_buffer("gaussian", torch.randn(2, width // 2))
        self.gaussian: Tensor
        self.points = nn.ParameterList(torch.zeros(1, width) for _ in range(4))
        self.not_a_point = nn.Parameter(torch.zeros(1, width))
        self.no_mask = nn.Parameter(torch.zeros(1, width)) if no_mask else None
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, hidden, 2, stride=2),
            LayerNorm2d(hidden),
            nn.GELU(),
            nn.Conv2d(hidden, 4 * hidden, 2, stride=2),
            LayerNorm2d(4 * hidden),
            nn.GELU(),
            nn.Conv2d(4 * hidden, width, 1),
        )

    def position_code(self, xy: Tensor) -> Tensor:
        """(..., 2) coordinates in [0, 1], x first -> (..., width): [sin, cos] of 2 pi (2u - 1) G."""
        angle = 2 * math.pi * ((2 * xy - 1) @ self.gaussian.to(xy.dtype))
        return torch.cat([angle.sin(), angle.cos()], dim=-1)

    def dense_position_code(self, height: int, width: int) -> Tensor:
        """(1, C, height, width), of the cell centres; `gaussian` stays float32 whatever the model's dtype."""
        device = self.gaussian.device
        y = (torch.arange(height, device=device) + 0.5) / height
        x = (torch.arange(width, device=device) + 0.5) / width
        xy = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)
        return self.position_code(xy).permute(2, 0, 1)[None].to(self.not_a_point.dtype)

    def sparse(self, points: Tensor, labels: Tensor, image_size: int) -> Tensor:
        """Points (B, N, 2) as (x, y) pixels of the model's square image, labels (B, N) -> (B, N, C)."""
        code = self.position_code((points.float() + 0.5) / image_size).to(self.not_a_point.dtype)
        out = torch.where((labels == PADDING_LABEL)[..., None], self.not_a_point, code)
        for label, embedding in enumerate(self.points):
            out = out + (labels == label)[..., None] * embedding
        return out

    def dense(self, mask: Tensor) -> Tensor:
        """Mask (B, 1, 4h, 4w) -> (B, C, h, w)."""
        return self.mask_downscaling(mask)  # type: ignore[no-any-return]

    def dense_without_mask(self, height: int, width: int) -> Tensor:
        """(1, C, height, width) for models that have no mask prompt generator."""
        assert self.no_mask is not None
        return self.no_mask[..., None, None].expand(1, -1, height, width)


def enlarge(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, align_corners=False. The released code asks for antialiasing, which does nothing when enlarging."""
    return F.interpolate(mask, size, mode="bilinear", align_corners=False)
