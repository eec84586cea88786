"""SAM2's Hiera image trunk, with the text adapters of RS2-SAM2 in every block. Tensors are (B, H, W, C) here."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.config import HieraConfig
from rs2sam2.model.adapters import MLPAdapter, TextAdapter
from rs2sam2.model.layers import FeedForward, attend

MLP_ADAPTER_WEIGHT = 0.5  # of the adapter beside each MLP
ADAPTER_RATIO = 4  # adapters are this much narrower than the trunk
MLP_RATIO = 4
NORM_EPS = 1e-6


class Hiera(nn.Module):
    """Four stages at strides 4, 8, 16, 32. Stage outputs are not normalised."""

    def __init__(self, config: HieraConfig, image_size: int, text_width: int | None) -> None:
        super().__init__()
        self.channels = config.channels
        self.text_free_maps = 4 if text_width is None else 0
        self.grid = image_size // 4
        self.patch_embedding = nn.Conv2d(3, config.width, kernel_size=7, stride=4, padding=3)
        self.position_embedding = nn.Parameter(torch.zeros(1, config.width, config.position_grid, config.position_grid))
        self.window_embedding = nn.Parameter(torch.zeros(1, config.width, config.windows[0], config.windows[0]))
        self.fixed_positions: Tensor | None = None  # `positions()`, where the weights do not change any more
        self.stage_ends = [sum(config.depths[: i + 1]) - 1 for i in range(4)]
        self.blocks = nn.ModuleList()
        width, heads = config.width, config.heads
        for stage, depth in enumerate(config.depths):
            for i in range(depth):
                index = len(self.blocks)
                new_stage = stage > 0 and i == 0
                self.blocks.append(
                    Block(
                        width_in=width,
                        width=2 * width if new_stage else width,
                        heads=2 * heads if new_stage else heads,
                        # the block that changes the stage still uses the windows of the stage before
                        window=0 if index in config.global_blocks else config.windows[stage - new_stage],
                        pool=new_stage,
                        text_width=text_width,
                        last=index == sum(config.depths) - 1,
                    )
                )
                if new_stage:
                    width, heads = 2 * width, 2 * heads

    def positions(self) -> Tensor:
        """(1, C, grid, grid): the background embedding, enlarged bicubically, plus the tiled window embedding."""
        background = F.interpolate(self.position_embedding, (self.grid, self.grid), mode="bicubic", align_corners=False)
        window = self.window_embedding
        repeat = -(-self.grid // window.shape[-1])
        positions = background + window.tile(1, 1, repeat, repeat)[..., : self.grid, : self.grid]
        return positions.contiguous(memory_format=torch.channels_last)

    def embed(self, image: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> [(B, S/4, S/4, C)], patches with their positions."""
        positions = self.positions() if self.fixed_positions is None else self.fixed_positions
        patches = self.patch_embedding(image.contiguous(memory_format=torch.channels_last))
        return [(patches + positions).permute(0, 2, 3, 1).contiguous()]

    def forward(
        self, features: list[Tensor], text: Tensor | None, text_padding: Tensor | None
    ) -> tuple[list[Tensor], Tensor | None]:
        """[(B, S/4, S/4, C)], text (B, L, T) -> four maps (B, C, H, W) and the text."""
        (x,) = features
        maps = []
        for index, block in enumerate(self.blocks):
            x, text = block(x, text, text_padding)
            if index in self.stage_ends:
                maps.append(x.permute(0, 3, 1, 2))
        return maps, text


class Block(nn.Module):
    """Window (or global) attention, text adapter, MLP with its adapter. `pool` halves the grid and changes the width."""

    def __init__(
        self, *, width_in: int, width: int, heads: int, window: int, pool: bool, text_width: int | None, last: bool
    ) -> None:
        super().__init__()
        self.window = window
        self.pool = pool
        self.norm1 = nn.LayerNorm(width_in, eps=NORM_EPS)
        self.attention: nn.Module = WindowAttention(width_in, width, heads, pool=pool)
        self.projection = nn.Linear(width_in, width) if pool else None
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPS)
        self.mlp: nn.Module = FeedForward(width, MLP_RATIO * width)
        self.text_adapter = None
        self.mlp_adapter = None
        if text_width is not None:
            hidden = width // ADAPTER_RATIO
            self.text_adapter = TextAdapter(width, hidden, text_width, last=last)
            self.mlp_adapter = MLPAdapter(width, hidden)

    def forward(self, x: Tensor, text: Tensor | None, text_padding: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """X (B, H, W, C), text (B, L, T), padding (B, L) -> x (B, H', W', C') and the text."""
        y = self.norm1(x)
        shortcut = x if self.projection is None else max_pool_2x2(self.projection(y))
        h = self.attend(y)
        if self.text_adapter is not None and text is not None:
            h, text = self.text_adapter(h, text, text_padding)
        x = shortcut + h
        y = self.norm2(x)
        x = x + self.mlp(y)
        if self.mlp_adapter is not None:
            x = x + MLP_ADAPTER_WEIGHT * self.mlp_adapter(y)
        return x, text

    def attend(self, y: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H', W', C'), inside windows that are padded only where the grid is not divisible."""
        if self.window == 0:
            return self.attention(y)  # type: ignore[no-any-return]
        batch, height, width, _ = y.shape
        w = self.window
        y = F.pad(y, (0, 0, 0, -width % w, 0, -height % w)) if height % w or width % w else y
        rows, columns = y.shape[1] // w, y.shape[2] // w
        y = y.view(batch, rows, w, columns, w, -1).transpose(2, 3).flatten(0, 2)
        y = self.attention(y)
        if self.pool:
            w, height, width = w // 2, height // 2, width // 2
        y = y.view(batch, rows, columns, w, w, -1).transpose(2, 3)
        return y.reshape(batch, rows * w, columns * w, -1)[:, :height, :width]


class WindowAttention(nn.Module):
    """Self-attention over a window; with `pool` the queries alone are max-pooled 2x2."""

    def __init__(self, width_in: int, width: int, heads: int, *, pool: bool) -> None:
        super().__init__()
        self.heads = heads
        self.pool = pool
        self.qkv = nn.Linear(width_in, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H', W', C')."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        if self.pool:
            q = max_pool_2x2(q)
        y = attend(q.flatten(1, 2), k.flatten(1, 2), v.flatten(1, 2), self.heads)
        return self.out_proj(y).view(*q.shape[:3], -1)  # type: ignore[no-any-return]


def max_pool_2x2(x: Tensor) -> Tensor:
    """(B, H, W, C) -> (B, H/2, W/2, C)."""
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
