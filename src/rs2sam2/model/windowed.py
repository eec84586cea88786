"""Hiera for a GPU: tokens lie in the order of a stage's windows from its first block to its last.

Global attention, norms, MLPs and text adapters do not care in which order tokens lie, so nothing is copied between blocks:
only where windows of another size begin, and for the four maps that leave. What is left of a block besides its matrix products
are attention and two passes over memory, a norm and a sum with a norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from rs2sam2.model.adapters import TextAdapter
from rs2sam2.model.hiera import Block, Hiera, WindowAttention
from rs2sam2.model.layers import FeedForward
from rs2sam2.model.merged import EpilogueGELU, MergedTextAdapter, fixed, merge_mlp_adapter
from rs2sam2.model.passes import add_norm, by_window, patch_rows, pool

PATCH = 4
"""Pixels from one patch to the next."""
PACKED = 128
"""Tokens that attention takes at a time; smaller windows are taken together, apart by a mask."""
LEAST_ALONE = 64
"""Tokens of a window that is not worth packing."""
HIDDEN = 64
"""The hidden units of MLPs are filled up to a multiple of it: products of ragged matrices take up to twice as long."""


class WindowedHiera(nn.Module):
    """`Hiera` with the weights of one that is not trained any more. Tensors between blocks are (B, N, C)."""

    def __init__(self, trunk: Hiera, laterals: Sequence[nn.Module]) -> None:
        """`laterals`: 1x1 convolutions of the four maps, done here. Raises ValueError where windows do not divide, see `fits`."""
        super().__init__()
        if not fits(trunk):
            raise ValueError("a window does not divide the grid")
        self.channels = trunk.channels
        self.text_free_maps = trunk.text_free_maps
        self.grid = trunk.grid
        self.stage_ends = trunk.stage_ends
        self.first_window = _blocks(trunk)[0].window or trunk.grid
        positions = trunk.positions().permute(0, 2, 3, 1) + trunk.patch_embedding.get_parameter("bias")
        self.positions = fixed(by_window(positions, self.first_window).flatten(0, 4).contiguous())
        # a kernel of 8 with a first row and column of 0 covers two patches: rows of 16 bytes
        self.patch_weight = fixed(F.pad(trunk.patch_embedding.weight, (1, 0, 1, 0)).flatten(1).contiguous())
        self.laterals = nn.ModuleList(_linear(lateral) for lateral in laterals)
        self.blocks = nn.ModuleList(WindowedBlock(block) for block in _blocks(trunk))

    def embed(self, image: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> [(B, S/4 * S/4, C)], patches with their positions, window after window."""
        x = F.linear(patch_rows(image, self.first_window, PATCH), self.patch_weight)
        for patches in x:  # one by one: torch adds what it must repeat at a third of the speed
            patches.add_(self.positions)
        return [x]

    def forward(
        self, features: list[Tensor], text: Tensor | None, text_padding: Tensor | None
    ) -> tuple[list[Tensor], Tensor | None]:
        """[(B, S/4 * S/4, C)], text (B, L, T) -> what the laterals make of four maps, (B, C', H, W), and the text."""
        x = features[0]
        window, grid = self.first_window, self.grid
        maps: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            assert isinstance(block, WindowedBlock)
            if block.window not in (0, window):
                x, window = _rewindowed(x, window, block.window, grid), block.window
            x, text = block(x, text, text_padding)
            if block.pool:
                window, grid = window // 2, grid // 2
            if index in self.stage_ends:
                maps.append(_map(self.laterals[len(maps)](x), window, grid))
        return maps, text


class WindowedBlock(nn.Module):
    """`Block` for tokens (B, N, C) in the order of its windows. Takes the block apart."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.window, self.pool = block.window, block.pool
        self.norm1, self.norm2, self.projection = block.norm1, block.norm2, block.projection
        assert isinstance(block.attention, WindowAttention) and isinstance(block.mlp, FeedForward)
        self.attention = PackedWindows(block.attention, block.window)
        merge_mlp_adapter(block)
        fc1, fc2 = block.mlp.fc1, block.mlp.fc2
        weight, bias, back = fc1.weight.detach(), fc1.bias.detach(), fc2.weight.detach()
        more = -len(weight) % HIDDEN if len(weight) > HIDDEN else 0
        self.fc1 = EpilogueGELU(F.pad(weight, (0, 0, 0, more)), F.pad(bias, (0, more)))
        self.fc2 = fixed(F.pad(back, (0, more)).mT.contiguous())  # (hidden, C)
        self.fc2_bias = fixed(fc2.bias)
        self.text_adapter = None if block.text_adapter is None else _merged(block.text_adapter)

    def forward(self, x: Tensor, text: Tensor | None, text_padding: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """X (B, N, C), text (B, L, T), padding (B, L) -> x (B, N or N/4, C'), and the text."""
        _, y = add_norm(x, None, self.norm1)
        if self.pool:
            assert self.projection is not None
            wide = self.projection(y)
            x = pool(wide.view(-1, self.window, self.window, wide.shape[2])).view(len(x), -1, wide.shape[2])
        h = self.attention(y)
        shift = None
        if self.text_adapter is not None and text is not None:
            h, text = self.text_adapter(h, text, text_padding)
            shift = self.text_adapter.shift
        x, y = add_norm(x, h, self.norm2, shift, self.fc2_bias)
        x.flatten(0, 1).addmm_(self.fc1(y).flatten(0, 1), self.fc2)
        return x, text


class PackedWindows(nn.Module):
    """`WindowAttention` for (B, N, C) in the order of windows, or over all tokens (window 0); small windows taken together."""

    def __init__(self, attention: WindowAttention, window: int) -> None:
        super().__init__()
        self.heads, self.pool, self.window = attention.heads, attention.pool, window
        self.qkv, self.out_proj = attention.qkv, attention.out_proj

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, C'), or (B, N/4, C') with `pool`."""
        tokens = self.window**2 or x.shape[1]
        qkv = self.qkv(x).view(-1, tokens, self.qkv.weight.shape[0])
        q, k, v = qkv.chunk(3, dim=-1)
        if self.pool:
            q = pool(q.unflatten(1, (self.window, self.window))).flatten(1, 2)
        together = PACKED // tokens if tokens < LEAST_ALONE else 1
        if len(q) % together:
            together = 1
        each = q.shape[1]
        q, k, v = (
            t.reshape(len(t) // together, together * t.shape[1], self.heads, -1).transpose(1, 2) for t in (q, k, v)
        )
        if together == 1:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            mask = _apart(together, each, tokens, x.device, x.dtype).expand(len(q), self.heads, -1, -1)
            with sdpa_kernel(_BACKENDS, set_priority=True):
                y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out_proj(y.transpose(1, 2).reshape(len(x), -1, self.out_proj.weight.shape[0]))  # type: ignore[no-any-return]


_BACKENDS = [SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def fits(trunk: Hiera) -> bool:
    """Whether every window divides the grid that it is put on, and is put together from those before."""
    grid, window = trunk.grid, _blocks(trunk)[0].window or trunk.grid
    for block in _blocks(trunk):
        if block.window and (grid % block.window or block.window % window):
            return False
        window = block.window or window
        if block.pool:
            if block.window == 0 or window % 2:
                return False
            grid, window = grid // 2, window // 2
    return True


@cache
def _apart(windows: int, queries: int, keys: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(1, 1, windows * queries, windows * keys): 0 where query and key are of one window, else -inf."""
    number = torch.arange(windows, device=device)
    same = number.repeat_interleave(queries)[:, None] == number.repeat_interleave(keys)
    return torch.zeros(same.shape, device=device, dtype=dtype).masked_fill(~same, -torch.inf)[None, None]


def _rewindowed(x: Tensor, old: int, new: int, grid: int) -> Tensor:
    """(B, grid * grid, C) from windows of one size to windows of a multiple of it."""
    n, r = grid // new, new // old
    apart: Tensor = x.unflatten(1, (n, r, n, r, old, old))
    return apart.permute(0, 1, 3, 2, 5, 4, 6, 7).flatten(1, 6)


def _map(x: Tensor, w: int, grid: int) -> Tensor:
    """(B, grid * grid, C), window after window -> (B, C, grid, grid), channels last."""
    n = grid // w
    apart: Tensor = x.unflatten(1, (n, n, w, w))
    return apart.transpose(2, 3).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def _linear(convolution: nn.Module) -> nn.Linear:
    """A 1x1 convolution for tokens."""
    assert isinstance(convolution, nn.Conv2d) and convolution.kernel_size == (1, 1)
    linear = nn.Linear(convolution.in_channels, convolution.out_channels, device="meta")
    linear.weight, linear.bias = fixed(convolution.weight.flatten(1)), fixed(convolution.get_parameter("bias"))
    return linear


def _blocks(trunk: Hiera) -> list[Block]:
    return [block for block in trunk.blocks if isinstance(block, Block)]


def _merged(adapter: nn.Module) -> MergedTextAdapter:
    assert isinstance(adapter, TextAdapter)
    return MergedTextAdapter(adapter)
