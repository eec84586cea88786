"""BEiT-3, the joint image-text encoder: one attention over patches and words, everything else twice.

Source: W. Wang et al., "Image as a Foreign Language", CVPR 2023; pre-norm with sub-LN (Magneto).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.config import BEiT3Config
from rs2sam2.model.layers import LinearGELU, attend

FIRST_POSITION = 2  # the position tables are used from this row on
NORM_EPS = 1e-5


class BEiT3(nn.Module):
    """[CLS | patches | words] -> the same, each having looked at all."""

    def __init__(self, config: BEiT3Config, trunk_channels: int) -> None:
        super().__init__()
        width = config.width
        self.text_embedding = nn.Embedding(config.vocabulary, width)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        if config.patches == "image":
            self.patch_embedding = nn.Conv2d(3, width, config.patch, stride=config.patch)
        else:
            self.patch_embedding = nn.Conv2d(trunk_channels, width, 1)
        self.vision_positions = nn.Parameter(torch.zeros(FIRST_POSITION + 1 + config.grid**2, width))
        self.text_positions = nn.Parameter(torch.zeros(config.text_positions, width))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.norm = multiway_norm(width)

    def embed(self, image: Tensor) -> Tensor:
        """The part that does not see the phrase: (B, 3, S, S), or the trunk's map (B, C, g, g), -> (B, g * g, width)."""
        return self.patch_embedding(image).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]

    def forward(self, patches: Tensor, token_ids: Tensor, padding: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Embedded patches (B, P, C), token_ids (B, L) int64, padding (B, L) True = ignore.

        Returns class_token (B, C), patches (B, P, C), words (B, L, C). The words at padding mean nothing.
        """
        vision = torch.cat([self.class_token.expand(len(patches), -1, -1), patches], dim=1)
        vision = vision + self.vision_positions[FIRST_POSITION:]
        length = token_ids.shape[1]
        text = self.text_embedding(token_ids) + self.text_positions[FIRST_POSITION : FIRST_POSITION + length]
        keys = None
        if padding is not None:
            text = text.masked_fill(padding[..., None], 0)
            keys = F.pad(padding, (vision.shape[1], 0), value=False)  # nothing of the image is padding
        for layer in self.layers:
            vision, text = layer(vision, text, keys)
        vision, words = self.norm["vision"](vision), self.norm["text"](text)
        return vision[:, 0], vision[:, 1:], words


class Layer(nn.Module):
    """x + attention(norm x), then x + ffn(norm x), with their own weights for vision and text."""

    def __init__(self, config: BEiT3Config) -> None:
        super().__init__()
        self.attention_norm = multiway_norm(config.width)
        self.attention = JointAttention(config.width, config.heads)
        self.ffn_norm = multiway_norm(config.width)
        self.ffn = nn.ModuleDict({way: SubLNFeedForward(config.width, config.ffn) for way in ("vision", "text")})

    def forward(self, vision: Tensor, text: Tensor, padding: Tensor | None) -> tuple[Tensor, Tensor]:
        """Vision (B, 1 + P, C), text (B, L, C), padding (B, 1 + P + L) -> vision, text."""
        v, t = self.attention(self.attention_norm["vision"](vision), self.attention_norm["text"](text), padding)
        vision, text = vision + v, text + t
        vision = vision + self.ffn["vision"](self.ffn_norm["vision"](vision))
        text = text + self.ffn["text"](self.ffn_norm["text"](text))
        return vision, text


class JointAttention(nn.Module):
    """Vision and text are projected apart, attend together, and are normalised before the output projection."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.ModuleDict({way: nn.Linear(width, width) for way in ("vision", "text")}) for _ in range(4)
        )
        self.norm = multiway_norm(width)

    def forward(self, vision: Tensor, text: Tensor, padding: Tensor | None) -> tuple[Tensor, Tensor]:
        """Vision (B, V, C), text (B, L, C), padding (B, V + L) -> vision, text."""
        q, k, v = (
            torch.cat([proj["vision"](vision), proj["text"](text)], dim=1)
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        x = attend(q, k, v, self.heads, padding)
        vision, text = x.split([vision.shape[1], text.shape[1]], dim=1)
        vision = self.out_proj["vision"](self.norm["vision"](vision))
        text = self.out_proj["text"](self.norm["text"](text))
        return vision, text


class SubLNFeedForward(nn.Module):
    """fc2(norm(GELU(fc1 x)))."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = LinearGELU(width, hidden)
        self.norm = nn.LayerNorm(hidden, eps=NORM_EPS)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, C)."""
        return self.fc2(self.norm(self.fc1(x)))  # type: ignore[no-any-return]


def multiway_norm(width: int) -> nn.ModuleDict:
    """A LayerNorm for vision and one for text."""
    return nn.ModuleDict({way: nn.LayerNorm(width, eps=NORM_EPS) for way in ("vision", "text")})
