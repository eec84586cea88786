"""The few layers that every part shares. All GELUs are exact (erf)."""

from __future__ import annotations

import itertools
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, padding: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention.

    query (B, N, C), key and value (B, M, C), padding (B, M) bool with True = ignore this key -> (B, N, C).
    """
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    if padding is None and q.dtype == torch.bfloat16 and q.device.type == "cpu" and not q.requires_grad:
        return _attend_by_products(q, k, v).transpose(1, 2).flatten(2)
    mask = None if padding is None else ~padding[:, None, None, :]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)


CACHED_SCORES = 2**21
"""Scores of attention held at a time (4 MB in bfloat16), so that they stay in the cache between the two products."""
LEAST_ROWS = 64
"""Queries taken together where all of a head are too many."""


def _attend_by_products(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention as matrix products, a piece at a time: the fused kernel for bfloat16 takes half as long again on a CPU.

    q (B, H, N, d), k and v (B, H, M, d) -> (B, H, N, d).
    """
    shape, count = q.shape, k.shape[2]
    # contiguous: else each product of a piece would copy all of k and v for itself
    q = (q * shape[-1] ** -0.5).flatten(0, 1)
    k, v = k.flatten(0, 1).contiguous().mT, v.flatten(0, 1).contiguous()
    out = torch.empty_like(q)
    rows = shape[2] if shape[2] * count <= CACHED_SCORES else LEAST_ROWS
    heads = max(1, CACHED_SCORES // (rows * count))
    for b in range(0, len(q), heads):
        for n in range(0, shape[2], rows):
            piece = slice(b, b + heads), slice(n, n + rows)
            weights = torch.bmm(q[piece], k[piece[0]]).softmax(-1)
            torch.bmm(weights, v[piece[0]], out=out[piece])
    return out.view(shape)


class MultiheadAttention(nn.Module):
    """`torch.nn.MultiheadAttention` for queries (B, N, C) and keys = values (B, M, C), with no norm, residual, position.

    One matrix holds the three input projections, as in the published weights. Either the queries or the keys are few
    (words, a class token), the others many (pixels): the many are never projected, the projections are multiplied with
    the few instead. For head h, with q = Wq x, k = Wk m, v = Wv m, out = Wo concat(softmax(q k^T / sqrt d) v):

    few keys:     scores = x (Wq_h^T k_h),    out = sum_h weights_h (v_h Wo_h^T)
    few queries:  scores = (q_h Wk_h) m^T,    v_h = (weights_h m) Wv_h^T
    """

    def __init__(self, width: int, heads: int, few: Literal["queries", "keys"]) -> None:
        super().__init__()
        self.heads = heads
        self.few = few
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, query: Tensor, memory: Tensor, padding: Tensor | None = None) -> Tensor:
        """Query (B, N, C), memory (B, M, C), padding (B, M) True = ignore -> (B, N, C)."""
        # (heads, d, C) and (heads, 1, d) each
        weights = [w.unflatten(0, (self.heads, -1)) for w in self.in_proj.weight.chunk(3)]
        biases = [b.unflatten(0, (self.heads, 1, -1)) for b in self.in_proj.bias.chunk(3)]
        form = self._few_keys if self.few == "keys" else self._few_queries
        return form(query, memory, padding, *weights, *biases)

    def _few_keys(
        self, query: Tensor, memory: Tensor, padding: Tensor | None,
        wq: Tensor, wk: Tensor, wv: Tensor, bq: Tensor, bk: Tensor, bv: Tensor,
    ) -> Tensor:  # fmt: skip
        k = memory[:, None] @ wk.mT + bk  # (B, heads, M, d)
        v = memory[:, None] @ wv.mT + bv
        k = k * k.shape[-1] ** -0.5
        constant = (k @ bq.mT)[..., 0]  # (B, heads, M)
        if padding is not None:
            constant = constant.masked_fill(padding[:, None], -torch.inf)
        scores = torch.baddbmm(constant.flatten(1)[:, None], query, (k @ wq).flatten(1, 2).mT)
        weights = scores.unflatten(-1, (self.heads, -1)).softmax(-1).flatten(2)  # (B, N, heads * M)
        wo = self.out_proj.weight.mT.unflatten(0, (self.heads, -1))  # (heads, d, C)
        return torch.baddbmm(self.out_proj.bias, weights, (v @ wo).flatten(1, 2))

    def _few_queries(
        self, query: Tensor, memory: Tensor, padding: Tensor | None,
        wq: Tensor, wk: Tensor, wv: Tensor, bq: Tensor, bk: Tensor, bv: Tensor,
    ) -> Tensor:  # fmt: skip
        q = query[:, None] @ wq.mT + bq  # (B, heads, N, d)
        q = q * q.shape[-1] ** -0.5
        # no bk: it adds the same to all scores of a query, and the softmax takes that away
        scores = (q @ wk).flatten(1, 2) @ memory.mT  # (B, heads * N, M)
        if padding is not None:
            scores = scores.masked_fill(padding[:, None], -torch.inf)
        met = (scores.softmax(-1) @ memory).unflatten(1, (self.heads, -1))  # (B, heads, N, C)
        v = met @ wv.mT + bv  # the weights of a query sum to 1, so that bv comes once
        return self.out_proj(v.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


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


class LinearGELU(nn.Linear):
    """GELU(W x + b)."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return F.gelu(super().forward(x))


class FeedForward(nn.Module):
    """fc2(GELU(fc1 x))."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = LinearGELU(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        return self.fc2(self.fc1(x))  # type: ignore[no-any-return]
