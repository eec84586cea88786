"""The few layers that every part shares. All GELUs are exact (erf)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, padding: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention.

    query (B, N, C), key and value (B, M, C), padding (B, M) bool with True = ignore this key -> (B, N, C).
    """
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    mask = None if padding is None else ~padding[:, None, None, :]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)


class MultiheadAttention(nn.Module):
    """`torch.nn.MultiheadAttention` for queries (B, N, C) and keys = values (B, M, C), with fused attention.

    One matrix holds the three input projections, as in the published weights. No norm, no residual, no positions.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, query: Tensor, memory: Tensor, padding: Tensor | None = None) -> Tensor:
        """Query (B, N, C), memory (B, M, C), padding (B, M) True = ignore -> (B, N, C)."""
        width = query.shape[-1]
        weight, bias = self.in_proj.weight, self.in_proj.bias
        q = F.linear(query, weight[:width], bias[:width])
        k, v = F.linear(memory, weight[width:], bias[width:]).chunk(2, dim=-1)
        return self.out_proj(attend(q, k, v, self.heads, padding))  # type: ignore[no-any-return]


class LayerNorm2d(nn.Module):
    """LayerNorm over the channels of (B, C, H, W)."""

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        y = F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), self.weight, self.bias, self.eps)
        return y.permute(0, 3, 1, 2)


class MLP(nn.Module):
    """Linear layers with ReLU between them: widths (in, hidden, ..., out)."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    """fc2(GELU(fc1 x))."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        return self.fc2(F.gelu(self.fc1(x)))  # type: ignore[no-any-return]
