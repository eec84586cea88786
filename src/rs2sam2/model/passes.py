"""Passes over memory between matrix products: on a GPU one kernel each, elsewhere what torch has."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.model.layers import LayerNorm2d


def add_norm(
    x: Tensor, h: Tensor | None, norm: nn.LayerNorm, shift: Tensor | None = None, rest: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """s = x + h + shift (C): s + rest (C), which may be written over, and the norm of s. Without h: x itself, and its norm.

    x and h (..., C).
    """
    kernels = _kernels() if x.is_cuda else None
    if kernels is not None:
        nothing = _zeros(x.shape[-1], x.device, x.dtype)
        total, out = kernels.add_norm(
            x.contiguous(), None if h is None else h.contiguous(), nothing if shift is None else shift,
            nothing if rest is None else rest, norm.weight, norm.bias, norm.eps,
        )  # fmt: skip
        return total, out
    if h is None:
        return x, norm(x)
    s = x + h if shift is None else x + h + shift
    return s if rest is None else s + rest, norm(s)


class Norm(nn.Module):
    """LayerNorm over the last dimension, or over dimension 1 of maps (B, C, H, W)."""

    def __init__(self, norm: nn.LayerNorm | LayerNorm2d) -> None:
        super().__init__()
        self.maps = isinstance(norm, LayerNorm2d)
        self.norm = nn.LayerNorm(len(norm.weight), eps=norm.eps, device="meta")
        self.norm.weight, self.norm.bias = norm.weight, norm.bias

    def forward(self, x: Tensor) -> Tensor:
        """As the norm's."""
        if not self.maps:
            return add_norm(x, None, self.norm)[1]
        return add_norm(x.permute(0, 2, 3, 1), None, self.norm)[1].permute(0, 3, 1, 2)


def swap_norms(module: nn.Module) -> None:
    """Put a Norm in the place of each LayerNorm below `module`."""
    for name, child in module.named_children():
        if isinstance(child, nn.LayerNorm | LayerNorm2d):
            setattr(module, name, Norm(child))
        else:
            swap_norms(child)


def softmax_of_words(scores: Tensor, constant: Tensor) -> Tensor:
    """Softmax over L of scores (B, N, heads * L) + constant (B, heads, L); the scores may be written over."""
    heads, words = constant.shape[1:]
    each = scores.unflatten(-1, (heads, words))
    kernels = _kernels() if scores.is_cuda and heads & (heads - 1) == words & (words - 1) == 0 else None
    if kernels is None:
        return torch.softmax(each + constant[:, None], dim=-1).flatten(2)
    kernels.softmax_of_words(each, constant.contiguous())
    return scores


def pool(x: Tensor) -> Tensor:
    """(n, w, w, C) -> (n, w/2, w/2, C), the largest of each 2x2; tokens may be parts of longer rows."""
    kernels = _kernels() if x.is_cuda else None
    if kernels is not None:
        pooled: Tensor = kernels.pool(x)
        return pooled
    x = torch.maximum(x[:, 0::2], x[:, 1::2])
    return torch.maximum(x[:, :, 0::2], x[:, :, 1::2]).contiguous()


def patch_rows(image: Tensor, window: int, stride: int) -> Tensor:
    """(B, C, S, S) -> (B, S/stride * S/stride, C * (2 stride)^2): a row for each patch and those before it, to the left and above.

    Rows are in the order of windows of so many patches; outside the image there are zeros.
    """
    kernels = _kernels() if image.is_cuda else None
    if kernels is not None:
        rows: Tensor = kernels.patch_rows(image, window, stride)
        return rows
    padded = F.pad(image, (stride, 0, stride, 0))
    patches = padded.unfold(2, 2 * stride, stride).unfold(3, 2 * stride, stride).permute(0, 2, 3, 1, 4, 5)
    return by_window(patches, window).flatten(5).flatten(1, 4)


def by_window(x: Tensor, w: int) -> Tensor:
    """A view (B, H, W, ...) -> (B, H/w, W/w, w, w, ...)."""
    view: Tensor = x.unflatten(2, (-1, w)).unflatten(1, (-1, w))
    return view.transpose(2, 3)


@cache
def _zeros(width: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.zeros(width, device=device, dtype=dtype)


@cache
def _kernels() -> ModuleType | None:
    """Those in Triton, which torch brings along for GPUs on Linux; None where it is missing."""
    try:
        from rs2sam2.model import kernels
    except ImportError:
        return None
    return kernels
