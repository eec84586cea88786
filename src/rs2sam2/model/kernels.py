"""Kernels in Triton for passes over memory that torch makes one by one. Imported where a GPU is at hand, and nowhere else."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

ELEMENTS = {False: 4096, True: 1024}
"""Numbers that a program of `add_norm` takes, about; with a sum before the norm it has four passes in flight at once."""
LEAST_ROWS = 4
"""Rows that it takes at least."""
SOFTMAX = 4096
"""Numbers that a program of `softmax_of_words` takes."""
POOLED = 2048
"""Numbers that a program of `pool` makes."""
PATCHES = 4096
"""Numbers that a program of `patch_rows` makes."""


# Triton evaluates annotations, so that but for constexpr there are none
@triton.jit  # type: ignore[untyped-decorator]
def _part(x, h, shift, rest, total, row, column, inside, width: tl.constexpr, adds: tl.constexpr):  # type: ignore[no-untyped-def]
    at = row.to(tl.int64) * width + column
    s = tl.load(x + at, inside, other=0.0).to(tl.float32)
    if adds:
        there = column < width
        s += tl.load(h + at, inside, other=0.0).to(tl.float32) + tl.load(shift + column, there, other=0.0).to(
            tl.float32
        )
        more = tl.load(rest + column, there, other=0.0).to(tl.float32)
        tl.store(total + at, (s + more).to(total.dtype.element_ty), inside)
    return s


@triton.jit  # type: ignore[untyped-decorator]
def _normed(off, scale, weight, bias, out, row, column, inside, width: tl.constexpr):  # type: ignore[no-untyped-def]
    there = column < width
    y = off * scale * tl.load(weight + column, there, other=0.0).to(tl.float32)
    y += tl.load(bias + column, there, other=0.0).to(tl.float32)
    tl.store(out + row.to(tl.int64) * width + column, y.to(out.dtype.element_ty), inside)


@triton.jit  # type: ignore[untyped-decorator]
def _add_norm(  # type: ignore[no-untyped-def]
    x, h, shift, weight, bias, rest, total, out, rows, eps,
    width: tl.constexpr, main: tl.constexpr, tail: tl.constexpr, together: tl.constexpr, adds: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0) * together + tl.arange(0, together)[:, None]
    here = row < rows
    # Hiera's widths are 9 times a power of two, of which blocks must be: a large one and a small one waste nothing
    first, second = tl.arange(0, main)[None, :], main + tl.arange(0, tail)[None, :]
    too = here & (second < width)
    a = _part(x, h, shift, rest, total, row, first, here, width, adds)
    b = _part(x, h, shift, rest, total, row, second, too, width, adds)
    mean = ((tl.sum(a, 1) + tl.sum(b, 1)) / width)[:, None]
    a, b = a - mean, tl.where(second < width, b - mean, 0.0)
    scale = tl.rsqrt((tl.sum(a * a, 1) + tl.sum(b * b, 1)) / width + eps)[:, None]
    _normed(a, scale, weight, bias, out, row, first, here, width)
    _normed(b, scale, weight, bias, out, row, second, too, width)


def add_norm(
    x: Tensor, h: Tensor | None, shift: Tensor, rest: Tensor, weight: Tensor, bias: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """x + h + shift + rest, and the norm of x + h + shift; without h: x, and its norm. Contiguous, of one dtype."""
    width = x.shape[-1]
    rows = x.numel() // width
    main = triton.next_power_of_2(width) // 2
    tail = triton.next_power_of_2(width - main)
    together = max(min(LEAST_ROWS, 4096 // main), ELEMENTS[h is not None] // main, 1)
    out = x.new_empty(x.shape)
    total = x if h is None else x.new_empty(x.shape)
    _add_norm[(triton.cdiv(rows, together),)](
        x, x if h is None else h, shift, weight, bias, rest, total, out, rows, eps, width, main, tail, together,
        h is not None, num_warps=4 if h is None else 2,
    )  # fmt: skip
    return total, out


@triton.jit  # type: ignore[untyped-decorator]
def _pool(x, out, rows, stride, half: tl.constexpr, width: tl.constexpr, columns: tl.constexpr, together: tl.constexpr):  # type: ignore[no-untyped-def]
    row = tl.program_id(0) * together + tl.arange(0, together)[:, None]
    here = row < rows
    column = tl.program_id(1) * columns + tl.arange(0, columns)[None, :]
    i, j = row // half % half, row % half
    token = (row // (half * half)) * (4 * half * half) + 4 * half * i + 2 * j
    at = x + token.to(tl.int64) * stride + column
    above = tl.maximum(tl.load(at, here), tl.load(at + stride, here))
    below = tl.maximum(tl.load(at + 2 * half * stride, here), tl.load(at + (2 * half + 1) * stride, here))
    tl.store(out + row.to(tl.int64) * width + column, tl.maximum(above, below), here)


def pool(x: Tensor) -> Tensor:
    """(n, w, w, C) -> (n, w/2, w/2, C), the largest of each 2x2; tokens of `x` may be parts of longer rows."""
    n, w, _, width = x.shape
    half = w // 2
    out = x.new_empty(n, half, half, width)
    rows, columns = n * half * half, width & -width
    together = max(1, POOLED // columns)
    _pool[(triton.cdiv(rows, together), width // columns)](x, out, rows, x.stride(2), half, width, columns, together)
    return out


@triton.jit  # type: ignore[untyped-decorator]
def _softmax(scores, constant, pixels, heads: tl.constexpr, words: tl.constexpr, together: tl.constexpr):  # type: ignore[no-untyped-def]
    width: tl.constexpr = heads * words
    pixel = tl.program_id(0) * together + tl.arange(0, together)[:, None]
    image = tl.program_id(1)
    column = tl.arange(0, width)[None, :]
    at = scores + (image.to(tl.int64) * pixels + pixel) * width + column
    s = tl.load(at, pixel < pixels, other=0.0).to(tl.float32)
    s += tl.load(constant + image * width + column).to(tl.float32)
    s = tl.reshape(s, (together, heads, words))
    e = tl.exp(s - tl.max(s, 2)[:, :, None])
    y = tl.reshape(e / tl.sum(e, 2)[:, :, None], (together, width))
    tl.store(at, y.to(scores.dtype.element_ty), pixel < pixels)


def softmax_of_words(scores: Tensor, constant: Tensor) -> None:
    """Scores (B, N, heads, L) become the softmax over L of scores + constant (B, heads, L). Contiguous; powers of two."""
    batch, pixels, heads, words = scores.shape
    together = max(1, SOFTMAX // (heads * words))
    _softmax[(triton.cdiv(pixels, together), batch)](scores, constant, pixels, heads, words, together)


@triton.jit  # type: ignore[untyped-decorator]
def _patch_rows(  # type: ignore[no-untyped-def]
    image, out, side, grid, window,
    channels: tl.constexpr, kernel: tl.constexpr, stride: tl.constexpr, together: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0) * together + tl.arange(0, together)[:, None]
    channel, number = tl.program_id(1), tl.program_id(2).to(tl.int64)
    size: tl.constexpr = kernel * kernel
    place = tl.arange(0, size)[None, :]
    inner, outer, across = token % (window * window), token // (window * window), grid // window
    y = stride * (outer // across * window + inner // window - 1) + place // kernel
    x = stride * (outer % across * window + inner % window - 1) + place % kernel
    here = token < grid * grid
    pixels = tl.load(
        image + ((number * channels + channel) * side + y) * side + x, here & (y >= 0) & (x >= 0), other=0.0
    )
    at = (number * grid * grid + token) * (channels * size) + channel * size + place
    tl.store(out + at, pixels.to(out.dtype.element_ty), here)


def patch_rows(image: Tensor, window: int, stride: int) -> Tensor:
    """As `rs2sam2.model.passes.patch_rows`."""
    batch, channels, side, _ = image.shape
    grid, kernel = side // stride, 2 * stride
    out = image.new_empty(batch, grid * grid, channels * kernel * kernel)
    together = max(1, PATCHES // kernel**2)
    _patch_rows[(triton.cdiv(grid * grid, together), channels, batch)](
        image.contiguous(), out, side, grid, window, channels, kernel, stride, together
    )
    return out
